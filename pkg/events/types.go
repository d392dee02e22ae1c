package events

import "time"

// Type is the CloudEvents type of an event without the prefix "dev.filmgate." and the suffix ".v1": "photo.ingested".
type Type string

// The public events, on PHOTOS. Within v1 their data only ever gains optional fields.
const (
	TypeFileLanded       Type = "file.landed"
	TypeFileRemoved      Type = "file.removed"
	TypeAlbumCreated     Type = "album.created"
	TypeAlbumRenamed     Type = "album.renamed"
	TypeAlbumRemoved     Type = "album.removed"
	TypePhotoIngested    Type = "photo.ingested"
	TypePhotoUpdated     Type = "photo.updated"
	TypePhotoMoved       Type = "photo.moved"
	TypePhotoRemoved     Type = "photo.removed"
	TypePhotoRestored    Type = "photo.restored"
	TypePhotoFailed      Type = "photo.failed"
	TypeJobCreated       Type = "job.created"
	TypeJobStatusChanged Type = "job.status_changed"
	TypeJobLocked        Type = "job.locked"
	TypeJobRenamed       Type = "job.renamed"
)

// The internal events, on WORK: between album-mapper and processing only.
const (
	TypePhotoMapped    Type = "photo.mapped"
	TypePhotoProcessed Type = "photo.processed"
	TypePhotoRejected  Type = "photo.rejected"
)

// Section is one of the two parts of an album.
type Section string

// The sections.
const (
	SectionGroup       Section = "group"
	SectionIndividuals Section = "individuals"
)

// Job is the job that an event belongs to.
type Job struct {
	ID           string `json:"id"`           // ULID
	InternalName string `json:"internalName"` // the folder that photographers see
	Name         string `json:"name"`         // for people
	Status       string `json:"status"`       // PLANNING, SELLING, PREPAY or ARCHIVED; open
}

// Album is the album that a photo stands in.
type Album struct {
	ID                  string `json:"id"`
	Name                string `json:"name"`
	AvailableToEveryone bool   `json:"availableToEveryone"`
}

// File is the landed file behind a photo.
type File struct {
	Name       string     `json:"name"`                 // as spelt by the client
	Path       string     `json:"path"`                 // below "/", "JOB00001/Class 1/group/x.jpg"
	Bytes      int64      `json:"bytes"`                //
	MediaType  string     `json:"mediaType"`            // by the first bytes, "application/octet-stream" if unknown
	SHA256     string     `json:"sha256"`               // hex
	CRC32C     string     `json:"crc32c"`               // hex, 8 digits
	Integrity  string     `json:"integrity"`            // ok, truncated, empty or unknown; a hint
	UploadedBy string     `json:"uploadedBy"`           // SFTP user name
	Client     string     `json:"client"`               // SSH version string
	UploadedAt time.Time  `json:"uploadedAt"`           // when it landed
	ModifiedAt *time.Time `json:"modifiedAt,omitempty"` // set by the client
}

// PhotoRef names a photo and its version.
type PhotoRef struct {
	ID              string `json:"id"`                        // upload id of the first version
	Version         string `json:"version"`                   // upload id of this version
	PreviousVersion string `json:"previousVersion,omitempty"` // the version it replaced
	State           string `json:"state"`                     // processing, ready, failed, removed
}

// Image is what a photo's pixels are.
type Image struct {
	Width         int    `json:"width"`         // as stored
	Height        int    `json:"height"`        //
	Orientation   int    `json:"orientation"`   // EXIF 1–8
	DisplayWidth  int    `json:"displayWidth"`  // after orientation
	DisplayHeight int    `json:"displayHeight"` //
	ColorProfile  string `json:"colorProfile"`  // profile description, "sRGB" when none is embedded
	Placeholder   string `json:"placeholder"`   // base64 thumbhash
	// Since 1.1:
	PerceptualHash string `json:"perceptualHash,omitempty"` // 64 bits in 16 hexadecimal digits; pictures that look alike differ in few
	DominantColor  string `json:"dominantColor,omitempty"`  // the colour that the picture is remembered by, "#rrggbb"
}

// EXIF is what the camera said. Never a position: only whether there was one.
type EXIF struct {
	TakenAt       *time.Time `json:"takenAt,omitempty"`
	TakenAtOffset string     `json:"takenAtOffset,omitempty"` // "+02:00"; empty when the camera knew none (takenAt is then as if UTC)
	CameraMake    string     `json:"cameraMake,omitempty"`
	CameraModel   string     `json:"cameraModel,omitempty"`
	CameraSerial  string     `json:"cameraSerial,omitempty"`
	Lens          string     `json:"lens,omitempty"`
	ISO           int        `json:"iso,omitempty"`
	FNumber       float64    `json:"fNumber,omitempty"`
	Exposure      string     `json:"exposure,omitempty"` // "1/250"
	FocalLengthMM float64    `json:"focalLengthMm,omitempty"`
	HasGPS        bool       `json:"hasGps"`
}

// Warning is something worth knowing about a usable photo.
type Warning struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Object is where bytes lie in the bucket. Href goes through studio's API, which checks rights.
type Object struct {
	Bucket string `json:"bucket"`
	Key    string `json:"key"`
	Href   string `json:"href,omitempty"`
}

// Derivative is a smaller picture made from a photo.
type Derivative struct {
	Name      string `json:"name"` // longest edge asked for: "2048", "1280", "640", "320"
	Width     int    `json:"width"`
	Height    int    `json:"height"`
	MediaType string `json:"mediaType"`
	Bytes     int64  `json:"bytes"`
	Object
}

// Ingest says how a photo came in.
type Ingest struct {
	Recovered  bool  `json:"recovered"`
	Late       bool  `json:"late"`
	DurationMS int64 `json:"durationMs"` // landed → ready
}

// PhotoIngested is the data of photo.ingested (first version ready) and photo.updated (a later version ready).
type PhotoIngested struct {
	Photo       PhotoRef     `json:"photo"`
	Job         Job          `json:"job"`
	Album       Album        `json:"album"`
	Section     Section      `json:"section"`
	File        File         `json:"file"`
	Image       Image        `json:"image"`
	EXIF        EXIF         `json:"exif"`
	Codes       []string     `json:"codes"`
	Subjects    []string     `json:"subjects"`
	DuplicateOf string       `json:"duplicateOf,omitempty"`
	Warnings    []Warning    `json:"warnings"`
	Original    Object       `json:"original"`
	Derivatives []Derivative `json:"derivatives"`
	Ingest      Ingest       `json:"ingest"`
}

// PhotoFailed is the data of photo.failed: the photo is kept, and a person can see why it cannot be used.
type PhotoFailed struct {
	Photo   PhotoRef `json:"photo"`
	Job     Job      `json:"job"`
	Album   Album    `json:"album"`
	Section Section  `json:"section"`
	File    File     `json:"file"`
	Reason  Reason   `json:"reason"`
}

// Reason is a code for programs and a sentence for the photographer.
type Reason struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// PhotoRemoved is the data of photo.removed and photo.restored: into the trash and out of it.
type PhotoRemoved struct {
	Photo   PhotoRef  `json:"photo"`
	Job     Job       `json:"job"`
	Album   Album     `json:"album"`
	Section Section   `json:"section"`
	File    File      `json:"file"`
	By      string    `json:"by"` // user name
	At      time.Time `json:"at"`
}

// PhotoMoved is the data of photo.moved: another album, section or file name; the id stays.
type PhotoMoved struct {
	Photo   PhotoRef `json:"photo"`
	Job     Job      `json:"job"`
	Album   Album    `json:"album"`
	Section Section  `json:"section"`
	File    File     `json:"file"`
	From    Place    `json:"from"`
}

// Place is where a photo stood.
type Place struct {
	Album   Album   `json:"album"`
	Section Section `json:"section"`
	Name    string  `json:"name"`
}

// FileLanded is the data of file.landed: bytes are durable and in the folder tree. Said once per upload id.
type FileLanded struct {
	Photo     PhotoRef `json:"photo"`
	Job       Job      `json:"job"`
	Album     Album    `json:"album"`
	Section   Section  `json:"section"`
	File      File     `json:"file"`
	Original  Object   `json:"original"`
	Late      bool     `json:"late"`
	Recovered bool     `json:"recovered"`
}

// AlbumChanged is the data of album.created, album.renamed and album.removed.
type AlbumChanged struct {
	Album        Album     `json:"album"`
	PreviousName string    `json:"previousName,omitempty"`
	Job          Job       `json:"job"`
	By           string    `json:"by"`
	At           time.Time `json:"at"`
}

// JobChanged is the data of job.created, job.status_changed, job.locked and job.renamed: the job as it is now.
type JobChanged struct {
	Job            Job       `json:"job"`
	PreviousStatus string    `json:"previousStatus,omitempty"`
	Locked         bool      `json:"locked"`
	Revision       int64     `json:"revision"` // grows with every change of the job
	By             string    `json:"by"`
	At             time.Time `json:"at"`
}

// PhotoMapped asks processing for the derivatives of one version of a photo.
type PhotoMapped struct {
	Account   string    `json:"account"`
	JobID     string    `json:"jobId"`
	PhotoID   string    `json:"photoId"`
	Version   string    `json:"version"` // upload id: names the immutable object
	ObjectKey string    `json:"objectKey"`
	Bytes     int64     `json:"bytes"`
	SHA256    string    `json:"sha256"`
	CRC32C    string    `json:"crc32c"`
	Name      string    `json:"name"`
	Section   Section   `json:"section"`
	Attempt   int       `json:"attempt"` // grows with every retry asked for by a person
	LandedAt  time.Time `json:"landedAt"`
}

// PhotoProcessed answers PhotoMapped: every derivative is durable.
type PhotoProcessed struct {
	Account     string       `json:"account"`
	JobID       string       `json:"jobId"`
	PhotoID     string       `json:"photoId"`
	Version     string       `json:"version"`
	Attempt     int          `json:"attempt"`
	MediaType   string       `json:"mediaType"` // by content
	Image       Image        `json:"image"`
	EXIF        EXIF         `json:"exif"`
	Codes       []string     `json:"codes"`
	Warnings    []Warning    `json:"warnings"`
	Derivatives []Derivative `json:"derivatives"`
	// Since 1.1:
	Integrity  string      `json:"integrity,omitempty"`  // ok; truncated where the end is missing, though the picture is whole
	FoundCodes []FoundCode `json:"foundCodes,omitempty"` // where each of codes is
	UnreadCard bool        `json:"unreadCard,omitempty"` // the photo seems to show a card whose code could not be read
}

// FoundCode is a code on a photo.
type FoundCode struct {
	Text    string  `json:"text"`
	Corners []Point `json:"corners"` // four, clockwise from the code's top left
}

// Point is a place in a displayed picture, in fractions of its width and height.
type Point struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// PhotoRejected answers PhotoMapped: this version can never be a picture, and why.
type PhotoRejected struct {
	Account string `json:"account"`
	JobID   string `json:"jobId"`
	PhotoID string `json:"photoId"`
	Version string `json:"version"`
	Attempt int    `json:"attempt"`
	Reason  Reason `json:"reason"`
}

// Progress is the data of filmgate.progress.v1.<account>.<job> on core NATS: for eyes, not for records.
type Progress struct {
	JobID   string           `json:"jobId"`
	Uploads []UploadProgress `json:"uploads"` // at most 100, newest first
}

// UploadProgress is one open upload.
type UploadProgress struct {
	UploadID string `json:"uploadId"`
	Path     string `json:"path"`
	Bytes    int64  `json:"bytes"` // received so far
	Done     bool   `json:"done"`  // closed since the last message
}

// Hint is the data of filmgate.hint.v1.<account>.<job> on core NATS: something in the catalog changed, read it again.
type Hint struct {
	JobID    string   `json:"jobId"`
	AlbumIDs []string `json:"albumIds,omitempty"`
	PhotoIDs []string `json:"photoIds,omitempty"`
}
