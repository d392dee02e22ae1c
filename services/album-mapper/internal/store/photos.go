package store

import (
	"context"

	"filmgate.dev/pkg/events"

	"filmgate.dev/services/album-mapper/internal/album"
	"filmgate.dev/services/album-mapper/internal/photo"
)

// duplicateOf is the first photo of the job with the same bytes: computed, so that it is right whoever came, changed or
// left in whatever order.
const duplicateOf = `coalesce((SELECT min(o.id) FROM photos o WHERE o.account = p.account AND o.job = p.job
	AND o.sha256 = p.sha256 AND o.sha256 <> '' AND o.bytes > 0 AND o.standing = 'here' AND o.id < p.id), '')`

const photoColumns = `standing, state, attempt, problem_code, problem_message, ready_at, hidden, subject, epoch, seq,
	until_epoch, until_seq, entry, result, told`

const selectPhoto = `SELECT ` + photoColumns + `, ` + duplicateOf + ` FROM photos p `

func scanPhoto(s scanner) (*photo.Photo, error) {
	var (
		p                   photo.Photo
		ready               int64
		entry, result, told string
	)
	err := s.Scan(&p.Standing.State, &p.State, &p.Attempt, &p.Problem.Code, &p.Problem.Message, &ready, &p.Hidden,
		&p.Claim.Subject, &p.Claim.Fence.Epoch, &p.Claim.Fence.Sequence, &p.Standing.Until.Epoch, &p.Standing.Until.Sequence,
		&entry, &result, &told, &p.DuplicateOf)
	if err != nil {
		return nil, err
	}
	p.ReadyAt = instant(ready)
	if err := decode(entry, &p.Entry); err != nil {
		return nil, err
	}
	if result != "" {
		p.Result = new(events.PhotoProcessed)
		if err := decode(result, p.Result); err != nil {
			return nil, err
		}
	}
	p.Entry.Subject, p.Entry.Sequence = p.Claim.Subject, uint64(p.Claim.Fence.Sequence) //nolint:gosec // came from a uint64
	p.Claim.ID, p.Claim.Upload, p.Claim.State = p.Entry.ID, p.Entry.Upload, p.Entry.State
	return &p, decode(told, &p.Told)
}

// Photo finds a photo by its id alone: for the log and for processing.
func (r Rows) Photo(ctx context.Context, id string) (*photo.Photo, bool, error) {
	return one(ctx, r.q, scanPhoto, selectPhoto+`WHERE p.id = $1`, id)
}

// PhotoOf finds a photo of an account.
func (r Rows) PhotoOf(ctx context.Context, account, id string) (*photo.Photo, bool, error) {
	return one(ctx, r.q, scanPhoto, selectPhoto+`WHERE p.account = $1 AND p.id = $2 AND p.standing <> 'staged'`, account, id)
}

// PhotosIn answers all photos that stand in a folder.
func (r Rows) PhotosIn(ctx context.Context, folder string) ([]*photo.Photo, error) {
	return list(ctx, r.q, scanPhoto, selectPhoto+`WHERE p.folder = $1 AND p.standing = 'here' ORDER BY p.id`, folder)
}

// Photos pages through one folder in natural order, after a sort key and id. Shown says which photos count.
func (r Rows) Photos(ctx context.Context, account, job, folder string, shown photo.Filter, after []byte, afterID string, limit int) ([]*photo.Photo, error) {
	if after == nil {
		after = []byte{}
	}
	return list(ctx, r.q, scanPhoto, selectPhoto+`WHERE p.account = $1 AND p.job = $2 AND p.folder = $3 AND (p.sort, p.id) > ($4, $5)
		AND ((p.standing = 'gone' AND $6) OR (p.standing = 'here'
			AND ((p.state = 'processing' AND $7) OR (p.state = 'ready' AND $8) OR (p.state = 'failed' AND $9))))
		ORDER BY p.sort, p.id LIMIT $10`,
		account, job, folder, after, afterID, shown.Removed, shown.Processing, shown.Ready, shown.Failed, limit)
}

// Count is how many photos of a folder are in a state.
type Count struct {
	Folder string
	State  photo.State
	Photos int64
	Bytes  int64
}

// CountPhotos counts the photos of a job by folder and state, from an index alone.
func (r Rows) CountPhotos(ctx context.Context, account, job string) ([]Count, error) {
	return list(ctx, r.q, func(s scanner) (Count, error) {
		var c Count
		err := s.Scan(&c.Folder, &c.State, &c.Photos, &c.Bytes)
		return c, err
	}, `SELECT folder, CASE WHEN standing = 'gone' THEN 'removed' ELSE state END, count(*), CAST(sum(bytes) AS BIGINT)
		FROM photos WHERE account = $1 AND job = $2 AND standing <> 'staged' GROUP BY 1, 2`, account, job)
}

// UnsettledPhotos answers the ids of photos of which it is certain by now that they were removed.
func (r Rows) UnsettledPhotos(ctx context.Context, epoch, floor int64) ([]string, error) {
	return list(ctx, r.q, scanID, `SELECT id FROM photos WHERE until_seq <> 0 AND (until_epoch, until_seq) <= ($1, $2)
		ORDER BY until_seq LIMIT 256`, epoch, floor)
}

// PutPhoto writes a photo as it is now.
func (r Rows) PutPhoto(ctx context.Context, p *photo.Photo) error {
	entry, err := encode(p.Entry)
	if err != nil {
		return err
	}
	told, err := encode(p.Told)
	if err != nil {
		return err
	}
	var result string
	if p.Result != nil {
		if result, err = encode(p.Result); err != nil {
			return err
		}
	}
	e := p.Entry
	_, err = r.q.ExecContext(ctx, `INSERT INTO photos (`+photoColumns+`, id, account, job, folder, name, sort, version, bytes, sha256)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)
		ON CONFLICT (id) DO UPDATE SET standing = excluded.standing, state = excluded.state, attempt = excluded.attempt,
			problem_code = excluded.problem_code, problem_message = excluded.problem_message, ready_at = excluded.ready_at,
			hidden = excluded.hidden, subject = excluded.subject, epoch = excluded.epoch, seq = excluded.seq,
			until_epoch = excluded.until_epoch, until_seq = excluded.until_seq, entry = excluded.entry, result = excluded.result,
			told = excluded.told, folder = excluded.folder, name = excluded.name, sort = excluded.sort,
			version = excluded.version, bytes = excluded.bytes, sha256 = excluded.sha256
		WHERE (excluded.epoch, excluded.seq) >= (photos.epoch, photos.seq)`,
		p.Standing.State, p.State, p.Attempt, p.Problem.Code, p.Problem.Message, millis(p.ReadyAt), p.Hidden,
		p.Claim.Subject, p.Claim.Fence.Epoch, p.Claim.Fence.Sequence, p.Standing.Until.Epoch, p.Standing.Until.Sequence,
		entry, result, told, e.ID, e.Job.Account, e.Job.ID, e.Parent, e.Name, album.SortKey(e.Name), e.Upload, e.Bytes, e.SHA256)
	return err
}
