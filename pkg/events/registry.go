package events

import (
	"fmt"
	"reflect"
	"strings"

	"filmgate.dev/pkg/fault"
)

const (
	typePrefix = "dev.filmgate."
	typeSuffix = ".v1"

	// SchemaBase begins the $id of every schema; the name of its file in package schema follows.
	SchemaBase = "https://filmgate.dev/schema/"
)

// Kind is what is known about an event type: the registry from which schemas and documents are made.
type Kind struct {
	Type        Type
	Public      bool   // on PHOTOS for everybody; else on WORK between services
	Minor       int    // version 1.<Minor> of the data: grows with every optional addition
	Description string // when it is said
	Data        any    // zero value of the Go type of the data
}

// Kinds answers every event type, public ones first, in the order of their introduction.
func Kinds() []Kind {
	return []Kind{
		{TypeFileLanded, true, 0, "The bytes of a file are durable and in the folder tree. Said once per upload; pictures may still fail.", FileLanded{}},
		{TypeFileRemoved, true, 0, "A file left the folder tree. The photo it belonged to follows with photo.removed.", PhotoRemoved{}},
		{TypeAlbumCreated, true, 0, "A folder was made in a job: an album, perhaps still empty.", AlbumChanged{}},
		{TypeAlbumRenamed, true, 0, "An album has another name; its id and its photos are the same.", AlbumChanged{}},
		{TypeAlbumRemoved, true, 0, "An album was removed, after its photos.", AlbumChanged{}},
		{TypePhotoIngested, true, 1, "The first version of a photo is ready: in its album, with every derivative.", PhotoIngested{}},
		{TypePhotoUpdated, true, 1, "A later version of a photo is ready and replaces the one before.", PhotoIngested{}},
		{TypePhotoMoved, true, 0, "A photo stands in another album or section, or has another file name; its id is the same.", PhotoMoved{}},
		{TypePhotoRemoved, true, 0, "A photo went to the trash, where it stays for seven days.", PhotoRemoved{}},
		{TypePhotoRestored, true, 0, "A photo came back from the trash.", PhotoRemoved{}},
		{TypePhotoFailed, true, 0, "A file landed but cannot be used as a photo. It is kept, and the reason is for a person to read.", PhotoFailed{}},
		{TypeJobCreated, true, 0, "A job was created.", JobChanged{}},
		{TypeJobStatusChanged, true, 0, "A job has another status.", JobChanged{}},
		{TypeJobLocked, true, 0, "A job was locked or unlocked.", JobChanged{}},
		{TypeJobRenamed, true, 0, "A job has another name for people; its id and its internal name are the same.", JobChanged{}},
		{TypePhotoMapped, false, 0, "Asks processing for the derivatives of one version of a photo.", PhotoMapped{}},
		{TypePhotoProcessed, false, 1, "Answers photo.mapped: every derivative is durable.", PhotoProcessed{}},
		{TypePhotoRejected, false, 0, "Answers photo.mapped: this version can never be a picture, and why.", PhotoRejected{}},
	}
}

// Name answers the CloudEvents type: "dev.filmgate.photo.ingested.v1".
func (t Type) Name() string { return typePrefix + string(t) + typeSuffix }

// Token answers the type as the last token of a subject: "photo_ingested".
func (t Type) Token() string { return strings.ReplaceAll(string(t), ".", "_") }

// SchemaURL answers the address that identifies the schema of the data.
func (k Kind) SchemaURL() string {
	return fmt.Sprintf("%s%s/1.%d.json", SchemaBase, k.Type, k.Minor)
}

func kindOf(t Type) (Kind, bool) {
	for _, k := range Kinds() {
		if k.Type == t {
			return k, true
		}
	}
	return Kind{}, false
}

// shortType takes prefix and suffix off a CloudEvents type; anything else is answered as it is.
func shortType(name string) Type {
	short, ok := strings.CutPrefix(name, typePrefix)
	if !ok {
		return Type(name)
	}
	short, ok = strings.CutSuffix(short, typeSuffix)
	if !ok {
		return Type(name)
	}
	return Type(short)
}

// about is what an event is about.
type about struct{ noun, id, sequence string }

func (k Kind) aboutOf(data any) (about, error) {
	if v := reflect.ValueOf(data); v.Kind() == reflect.Pointer && !v.IsNil() {
		data = v.Elem().Interface()
	}
	if reflect.TypeOf(data) != reflect.TypeOf(k.Data) {
		return about{}, fault.New(fault.Invalid, "the data of %s is a %T, not a %T", k.Type, k.Data, data)
	}
	var a about
	switch d := data.(type) {
	case FileLanded:
		a = about{noun: "photos", id: d.Photo.ID}
	case PhotoIngested:
		a = about{noun: "photos", id: d.Photo.ID}
	case PhotoFailed:
		a = about{noun: "photos", id: d.Photo.ID}
	case PhotoRemoved:
		a = about{noun: "photos", id: d.Photo.ID}
	case PhotoMoved:
		a = about{noun: "photos", id: d.Photo.ID}
	case PhotoMapped:
		a = about{noun: "photos", id: d.PhotoID}
	case PhotoProcessed:
		a = about{noun: "photos", id: d.PhotoID}
	case PhotoRejected:
		a = about{noun: "photos", id: d.PhotoID}
	case AlbumChanged:
		a = about{noun: "albums", id: d.Album.ID}
	case JobChanged:
		a = about{noun: "jobs", id: d.Job.ID, sequence: fmt.Sprintf("%020d", d.Revision)}
	}
	if !tokenForm.MatchString(a.id) {
		return about{}, fault.New(fault.Invalid, "the data of %s names no id, or one that cannot be: %q", k.Type, a.id)
	}
	return a, nil
}
