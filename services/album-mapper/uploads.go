package albummapper

import (
	"context"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/files"

	"filmgate.dev/services/album-mapper/internal/photo"
	"filmgate.dev/services/album-mapper/internal/place"
	"filmgate.dev/services/album-mapper/internal/store"
)

// uploadSeen keeps the upload that an entry names, with its fate, and says file.landed the first time: also of a version
// that was replaced or removed before anybody here heard of it. P is nil for a file that is no photo.
func (t *turn) uploadSeen(ctx context.Context, e files.Entry, p *photo.Photo) error {
	u, known, err := t.Upload(ctx, e.Upload)
	if err != nil {
		return err
	}
	if !known {
		u = store.Upload{ID: e.Upload, Account: e.Job.Account, JobID: e.Job.ID, Photo: e.ID, SeenAt: t.now.UnixMilli()}
	}
	if e.Bytes > 0 {
		u.Bytes = e.Bytes
	}
	switch {
	case p == nil && e.Gone():
		u.Fate = store.FateRemoved
	case p == nil:
		if known && u.Fate != store.FateStaged {
			return nil // it landed meanwhile
		}
		u.Fate = store.FateStaged
	case p.Version() == e.Upload:
		u.Photo, u.Fate = p.ID(), fateOf(p)
	case u.Photo == p.ID():
		u.Fate = store.FateSuperseded
	}
	if p != nil && !u.Told && !hidden(e) {
		u.Told = true
		if err := t.sayLanded(ctx, e, p); err != nil {
			return err
		}
	}
	if err := t.PutUpload(ctx, u); err != nil {
		return err
	}
	if e.Supersedes == "" || p == nil {
		return nil
	}
	// The version before may never have been heard of by itself.
	if _, known, err = t.Upload(ctx, e.Supersedes); err != nil || known {
		return err
	}
	return t.PutUpload(ctx, store.Upload{ID: e.Supersedes, Account: e.Job.Account, JobID: e.Job.ID, Photo: p.ID(),
		Fate: store.FateSuperseded, SeenAt: t.now.UnixMilli()})
}

// uploadIs changes the fate of a photo's upload.
func (t *turn) uploadIs(ctx context.Context, id, photoID string, fate store.Fate) error {
	u, known, err := t.Upload(ctx, id)
	if err != nil || !known || u.Photo != photoID || u.Fate == fate {
		return err
	}
	u.Fate = fate
	return t.PutUpload(ctx, u)
}

func fateOf(p *photo.Photo) store.Fate {
	switch p.Standing.State {
	case place.Gone:
		return store.FateRemoved
	case place.Staged:
		return store.FateStaged
	}
	return store.FateLanded
}

func (t *turn) sayLanded(ctx context.Context, e files.Entry, p *photo.Photo) error {
	about, err := t.about(ctx, e)
	if err != nil {
		return err
	}
	original, err := t.original(e)
	if err != nil {
		return err
	}
	p.Told.Said++
	if p.Told.Spot == (photo.Spot{}) {
		p.Told.Spot = photo.Spot{Album: about.album.ID, Section: about.section, Name: e.Name}
	}
	return t.say(ctx, message{
		kind: events.TypeFileLanded, account: e.Job.Account, job: e.Job.ID, key: e.Upload, at: e.LandedAt,
		sequence: p.Told.Said, trace: e.TraceParent,
		data: events.FileLanded{
			Photo: events.PhotoRef{ID: e.ID, Version: e.Upload, PreviousVersion: e.Supersedes, State: string(photo.Processing)},
			Job:   about.job, Album: about.album, Section: about.section, File: about.file,
			Original: original, Late: e.Late, Recovered: e.Recovered,
		},
	})
}
