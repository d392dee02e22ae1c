package albummapper

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/objects"

	"filmgate.dev/services/album-mapper/internal/album"
	"filmgate.dev/services/album-mapper/internal/photo"
)

// about is what every event of a photo says of its surroundings.
type about struct {
	job     events.Job
	album   events.Album
	section events.Section
	file    events.File
}

func (t *turn) about(ctx context.Context, e files.Entry) (about, error) {
	job, err := t.job(ctx, e)
	if err != nil {
		return about{}, err
	}
	at, path, err := t.place(ctx, e.Parent, e.Name)
	if err != nil {
		return about{}, err
	}
	a := about{job: job, album: at.Album, section: at.Section, file: events.File{
		Name: e.Name, Path: job.InternalName + "/" + path, Bytes: e.Bytes, MediaType: e.MediaType, SHA256: e.SHA256, CRC32C: e.CRC32C,
		Integrity: e.Integrity, UploadedBy: e.User, Client: e.Client, UploadedAt: e.LandedAt,
	}}
	if !e.ModifiedAt.IsZero() {
		a.file.ModifiedAt = &e.ModifiedAt
	}
	return a, nil
}

// place answers album and section of a folder, and the path of a name in it below the job.
func (t *turn) place(ctx context.Context, folder, name string) (events.Place, string, error) {
	in, err := t.folder(ctx, folder)
	if err != nil {
		return events.Place{}, "", err
	}
	top, path := in, in.Name+"/"+name
	if in.Kind == files.KindSection {
		if top, err = t.folder(ctx, in.Parent); err != nil {
			return events.Place{}, "", err
		}
		path = top.Name + "/" + path
	}
	return events.Place{Album: events.Album{ID: top.ID, Name: top.Name}, Section: in.In(), Name: name}, path, nil
}

func (t *turn) original(e files.Entry) (events.Object, error) {
	key, err := objects.OriginalKey(e.Job.Account, e.Job.ID, e.Upload)
	return events.Object{Bucket: t.bucket, Key: key, Href: t.href(e.ID, "original")}, err
}

// href is where the studio shows a picture to those who may see it.
func (t *turn) href(photoID, name string) string { return t.studio + "/photos/" + photoID + "/" + name }

// tellFolder writes a folder and says what is new about it. A section that went to another album takes its photos along.
func (t *turn) tellFolder(ctx context.Context, f album.Folder) error {
	before, known, err := t.Folder(ctx, f.ID)
	if err != nil {
		return err
	}
	if err := t.tellAlbum(ctx, f); err != nil {
		return err
	}
	if !known || before.Album() == f.Album() && before.In() == f.In() {
		return nil
	}
	moved, err := t.PhotosIn(ctx, f.ID)
	if err != nil {
		return err
	}
	for _, p := range moved {
		if err := t.tellPhoto(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func (t *turn) tellAlbum(ctx context.Context, f album.Folder) error {
	news := f.Tell()
	if err := t.putFolder(ctx, f); err != nil {
		return err
	}
	for i, n := range news {
		job, err := t.job(ctx, files.Entry{Job: files.Job{Account: f.Account, ID: f.JobID}, JobName: f.JobName})
		if err != nil {
			return err
		}
		m := message{kind: n.Type, account: f.Account, job: f.JobID, key: f.ID, at: f.ChangedAt,
			sequence: f.Told.Said - int64(len(news)-1-i),
			data: events.AlbumChanged{Album: events.Album{ID: f.ID, Name: f.Name}, PreviousName: n.PreviousName, Job: job,
				By: f.ChangedBy, At: f.ChangedAt}}
		if n.Version != 0 {
			m.version = strconv.FormatInt(n.Version, 10)
		}
		if m.at.IsZero() {
			m.at = t.now
		}
		if err := t.say(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// tellPhoto writes a photo and says what is new about it.
func (t *turn) tellPhoto(ctx context.Context, p *photo.Photo) error {
	at, _, err := t.place(ctx, p.Entry.Parent, p.Entry.Name)
	if err != nil {
		return err
	}
	var section int64
	if in, err := t.folder(ctx, p.Entry.Parent); err != nil {
		return err
	} else if in.Kind == files.KindSection {
		section = in.Revision
	}
	said := p.Told.Said
	news := p.Tell(photo.Spot{Album: at.Album.ID, Section: at.Section, Name: at.Name}, section)
	if err := t.putPhoto(ctx, p); err != nil {
		return err
	}
	for _, n := range news {
		said++
		m, err := t.photoMessage(ctx, p, n)
		if err != nil {
			return err
		}
		m.sequence = said
		if err := t.say(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

func (t *turn) photoMessage(ctx context.Context, p *photo.Photo, n photo.News) (message, error) {
	e := p.Entry
	m := message{kind: n.Type, account: e.Job.Account, job: e.Job.ID, key: e.ID, version: n.Version, at: t.now, trace: e.TraceParent}
	a, err := t.about(ctx, e)
	if err != nil {
		return m, err
	}
	original, err := t.original(e)
	if err != nil {
		return m, err
	}
	if n.Type == events.TypePhotoIngested || n.Type == events.TypePhotoUpdated {
		m.at, m.took = p.ReadyAt, max(p.ReadyAt.Sub(e.LandedAt), 0)
	}
	ref := events.PhotoRef{ID: e.ID, Version: e.Upload, PreviousVersion: n.Previous, State: string(p.Shown())}
	switch n.Type {
	case events.TypePhotoMapped:
		m.data = events.PhotoMapped{Account: e.Job.Account, JobID: e.Job.ID, PhotoID: e.ID, Version: e.Upload, ObjectKey: original.Key,
			Bytes: e.Bytes, SHA256: e.SHA256, CRC32C: e.CRC32C, Name: e.Name, Section: a.section, Attempt: p.Attempt, LandedAt: e.LandedAt}
	case events.TypePhotoIngested, events.TypePhotoUpdated:
		m.data, err = t.ingested(ctx, p, ref, a, original)
	case events.TypePhotoFailed:
		m.data = events.PhotoFailed{Photo: ref, Job: a.job, Album: a.album, Section: a.section, File: a.file, Reason: p.Problem}
	case events.TypePhotoMoved:
		var from album.Folder
		from, err = t.folder(ctx, n.From.Album)
		m.data = events.PhotoMoved{Photo: ref, Job: a.job, Album: a.album, Section: a.section, File: a.file, From: events.Place{
			Album: events.Album{ID: n.From.Album, Name: from.Name}, Section: n.From.Section, Name: n.From.Name}}
	case events.TypeFileRemoved, events.TypePhotoRemoved, events.TypePhotoRestored:
		if n.Type == events.TypeFileRemoved {
			m.key = e.Upload
		}
		at := t.now
		if !e.GoneAt.IsZero() {
			at = e.GoneAt
		}
		m.data = events.PhotoRemoved{Photo: ref, Job: a.job, Album: a.album, Section: a.section, File: a.file, By: cmp.Or(e.ChangedBy, e.User), At: at}
	default:
		err = fault.New(fault.Internal, "photos say no %s", n.Type)
	}
	return m, err
}

func (t *turn) ingested(ctx context.Context, p *photo.Photo, ref events.PhotoRef, a about, original events.Object) (events.PhotoIngested, error) {
	r := p.Result
	if r.MediaType != "" {
		a.file.MediaType = r.MediaType
	}
	if r.Integrity != "" { // by whom has read all of it
		a.file.Integrity = r.Integrity
	}
	derivatives := slices.Clone(r.Derivatives)
	for i := range derivatives {
		derivatives[i].Href = t.href(p.ID(), derivatives[i].Name)
	}
	// The row says it as it is now; p may have learnt it before it was written.
	now, _, err := t.Photo(ctx, p.ID())
	if err != nil {
		return events.PhotoIngested{}, err
	}
	return events.PhotoIngested{
		Photo: ref, Job: a.job, Album: a.album, Section: a.section, File: a.file,
		Image: r.Image, EXIF: r.EXIF, Codes: r.Codes, Subjects: []string{}, DuplicateOf: now.DuplicateOf, Warnings: r.Warnings,
		Original: original, Derivatives: derivatives,
		Ingest: events.Ingest{Recovered: p.Entry.Recovered, Late: p.Entry.Late,
			DurationMS: max(p.ReadyAt.Sub(p.Entry.LandedAt).Milliseconds(), 0)},
	}, nil
}
