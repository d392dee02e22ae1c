package albummapper

import (
	"context"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/fault"

	"filmgate.dev/services/album-mapper/internal/photo"
	"filmgate.dev/services/album-mapper/internal/store"
)

// photoProcessed takes over the derivatives of a photo's current version.
func (t *turn) photoProcessed(ctx context.Context, result events.PhotoProcessed) error {
	p, err := t.resultOf(ctx, result.Account, result.PhotoID, result.Version)
	if err != nil || !p.Processed(result, t.now) {
		return err
	}
	return t.tellPhoto(ctx, p)
}

// photoRejected keeps why a photo's current version can never be a picture.
func (t *turn) photoRejected(ctx context.Context, rejection events.PhotoRejected) error {
	p, err := t.resultOf(ctx, rejection.Account, rejection.PhotoID, rejection.Version)
	if err != nil || !p.Rejected(rejection) {
		return err
	}
	return t.tellPhoto(ctx, p)
}

// resultOf finds the photo that an answer is about. An answer may be faster than the entry that it answers.
func (t *turn) resultOf(ctx context.Context, account, id, version string) (*photo.Photo, error) {
	p, known, err := t.PhotoOf(ctx, account, id)
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, fault.New(fault.NotFound, "photo %s is not known yet", id)
	}
	if p.Version() == version {
		return p, nil
	}
	if _, known, err := t.Upload(ctx, version); err != nil || known {
		return p, err // an older version's, of which nobody wants to know any more
	}
	return nil, fault.New(fault.NotFound, "version %s of photo %s is not known yet", version, id)
}

// jobChanged takes over a newer revision of a job.
func (t *turn) jobChanged(ctx context.Context, account string, change events.JobChanged) error {
	if change.Job.ID == "" || account == "" {
		return fault.New(fault.Invalid, "a job event without a job or an account")
	}
	delete(t.jobs, change.Job.ID)
	t.hints.Job(account, change.Job.ID)
	return t.PutJob(ctx, store.Job{Job: change.Job, Account: account, Locked: change.Locked, Revision: change.Revision})
}
