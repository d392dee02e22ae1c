// Package files keeps the folder tree of every job as entries in the JetStream stream FILES: one subject per entry, one
// message kept per subject.
//
// An append is the commit: it makes a file visible on every edge and is the event that every consumer hears. The log
// holds states, not history, so each entry is complete by itself. See the design's §4.
package files

import "time"

// Kind says what an entry is.
type Kind string

// The kinds of entry.
const (
	KindAlbum   Kind = "album"   // a folder directly in the job
	KindSection Kind = "section" // a folder "group" or "individuals" in an album
	KindFile    Kind = "file"
)

// State says who may see an entry.
type State string

// The states of an entry.
const (
	StateLanded   State = "landed"   // a file or folder that everybody sees
	StateStaged   State = "staged"   // a file under a client's temporary name: SFTP sees it, everybody else ignores it
	StateRemoving State = "removing" // a folder that is being emptied: no new opens
	StateGone     State = "gone"     // a tombstone
)

// Job names the tree an entry belongs to.
type Job struct {
	Account string `json:"account"` // slug
	ID      string `json:"id"`      // ULID
}

// Root is the parent id of a folder at the top of a job.
const Root = "root"

// Entry is one message of the log: a folder, a file or the tombstone of one, complete by itself.
type Entry struct {
	Kind  Kind  `json:"kind"`
	State State `json:"state"`
	Job   Job   `json:"job"`
	// JobName is the job's internal name when the entry was written.
	JobName string `json:"jobName"`
	// Parent is the id of the folder it stands in; Root at the top of the job.
	Parent string `json:"parent"`
	// ID is the folder's id, or the photo's: the upload id of the first version. It survives renames.
	ID string `json:"id"`
	// Name as first spelt; the display name. For sections also see Section.
	Name string `json:"name"`
	// Section is "group" or "individuals" for a section folder, whatever alias its name is.
	Section string `json:"section,omitempty"`

	// Upload is the file's upload id: it names the object o/<account>/<job>/<upload>.
	Upload string `json:"upload,omitempty"`
	// Supersedes is the upload id of the version that this one replaced.
	Supersedes string `json:"supersedes,omitempty"`
	// Revision counts the appends that changed this photo or folder (versions, renames, mtimes), from 1.
	Revision  int64  `json:"rev"`
	Bytes     int64  `json:"bytes,omitempty"`
	SHA256    string `json:"sha256,omitempty"`    // hex
	CRC32C    string `json:"crc32c,omitempty"`    // hex, 8 digits
	Integrity string `json:"integrity,omitempty"` // ok, truncated, empty, unknown
	MediaType string `json:"mediaType,omitempty"` // by the first bytes
	// ModifiedAt is the client's mtime; zero = LandedAt.
	ModifiedAt time.Time `json:"modifiedAt,omitzero"`
	// LandedAt is when the version's bytes were first committed; for a folder, when it was made.
	LandedAt time.Time `json:"landedAt,omitzero"`
	// UserID and User are who uploaded the version, or made the folder: id and user name.
	UserID string `json:"userId,omitempty"`
	User   string `json:"user,omitempty"`
	// Client is the SSH version string they used, or "studio".
	Client string `json:"client,omitempty"`
	// ChangedBy is the user name of who renamed, moved, removed or restored it last; empty = User.
	ChangedBy string `json:"changedBy,omitempty"`
	// ChangedAt is when that was; zero = LandedAt.
	ChangedAt time.Time `json:"changedAt,omitzero"`
	// Late marks an upload finished after its job stopped being writable.
	Late bool `json:"late,omitempty"`
	// Recovered marks a file that the sweep appended.
	Recovered bool `json:"recovered,omitempty"`
	// TraceParent is the W3C trace context of the upload.
	TraceParent string `json:"traceparent,omitempty"`

	// MovedTo is the subject that the entry moved to; only on tombstones. Empty on a tombstone = removed.
	MovedTo string `json:"movedTo,omitempty"`
	// GoneAt is when a tombstone was written, or a folder marked as being removed.
	GoneAt time.Time `json:"goneAt,omitzero"`

	// Subject and Sequence are where the entry stands in the log. Filled by reads and appends, never stored.
	Subject  string `json:"-"`
	Sequence uint64 `json:"-"`
}

// Folder reports whether the entry is a folder, or was.
func (e Entry) Folder() bool { return e.Kind == KindAlbum || e.Kind == KindSection }

// Gone reports whether the entry is a tombstone.
func (e Entry) Gone() bool { return e.State == StateGone }
