package rpc

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/objects"
	"filmgate.dev/pkg/telemetry"
	catalogv1 "filmgate.dev/proto/catalog/v1"

	"filmgate.dev/services/album-mapper/internal/album"
	"filmgate.dev/services/album-mapper/internal/photo"
	"filmgate.dev/services/album-mapper/internal/store"
)

// photo answers a photo as people see it: in folder in of album top.
func (s *Service) photo(p *photo.Photo, job store.Job, in, top album.Folder) *catalogv1.Photo {
	e := p.Entry
	m := &catalogv1.Photo{
		Id: e.ID, JobId: e.Job.ID, AlbumId: top.ID, AlbumName: top.Name, Section: catalogv1.Section_SECTION_INDIVIDUALS,
		Name: e.Name, Path: job.InternalName + "/" + top.Name + "/", State: states()[p.Shown()],
		Version: e.Upload, Bytes: e.Bytes, Sha256: e.SHA256,
		ModifiedAt: timestamp(e.ModifiedAt), LandedAt: timestamp(e.LandedAt), ReadyAt: timestamp(p.ReadyAt),
		DuplicateOf: p.DuplicateOf, Hidden: p.Hidden, UploadedBy: e.User,
		TraceId: telemetry.TraceID(e.TraceParent),
	}
	if in.In() == events.SectionGroup {
		m.Section = catalogv1.Section_SECTION_GROUP
	}
	if in.Kind == files.KindSection {
		m.Path += in.Name + "/"
	}
	m.Path += e.Name
	if m.ModifiedAt == nil {
		m.ModifiedAt = m.LandedAt
	}
	if p.State == photo.Failed {
		m.Problem = &catalogv1.Problem{Code: p.Problem.Code, Message: p.Problem.Message}
	}
	// Keys are made of ids that were checked when they came in.
	m.ObjectKey, _ = objects.OriginalKey(e.Job.Account, e.Job.ID, e.Upload)
	notices(m, e)
	if r := p.Result; r != nil {
		picture(m, r)
	}
	return m
}

// picture fills in what processing found. While a new version is being processed, it is what the old one showed.
func picture(m *catalogv1.Photo, r *events.PhotoProcessed) {
	m.Width, m.Height = int32(r.Image.DisplayWidth), int32(r.Image.DisplayHeight) //nolint:gosec // images have limits
	m.CameraMake, m.CameraModel, m.Placeholder = r.EXIF.CameraMake, r.EXIF.CameraModel, r.Image.Placeholder
	if r.EXIF.TakenAt != nil {
		m.TakenAt = timestamp(*r.EXIF.TakenAt)
	}
	for _, w := range r.Warnings {
		m.Notices = append(m.Notices, &catalogv1.Notice{Code: w.Code, Message: w.Message})
	}
	for _, d := range r.Derivatives {
		m.Derivatives = append(m.Derivatives, &catalogv1.Derivative{Name: d.Name, Width: int32(d.Width), Height: int32(d.Height), //nolint:gosec // images have limits
			MediaType: d.MediaType, Bytes: d.Bytes, ObjectKey: d.Key})
	}
}

// notices says what the upload itself is worth knowing for.
func notices(m *catalogv1.Photo, e files.Entry) {
	say := func(code, message string) {
		m.Notices = append(m.Notices, &catalogv1.Notice{Code: code, Message: message})
	}
	if e.Late {
		say("late", "This photo arrived after its job was closed for uploads.")
	}
	if e.Recovered {
		say("recovered", "This photo was found in the storage and put back where it belongs.")
	}
	if m.DuplicateOf != "" {
		say("duplicate", "Another photo of this job has exactly the same content.")
	}
}

func states() map[photo.State]catalogv1.PhotoState {
	return map[photo.State]catalogv1.PhotoState{
		photo.Processing: catalogv1.PhotoState_PHOTO_STATE_PROCESSING,
		photo.Ready:      catalogv1.PhotoState_PHOTO_STATE_READY,
		photo.Failed:     catalogv1.PhotoState_PHOTO_STATE_FAILED,
		photo.Removed:    catalogv1.PhotoState_PHOTO_STATE_REMOVED,
	}
}

func timestamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
