package store

import "context"

// Upload is one upload id that the log ever named.
type Upload struct {
	ID      string
	Account string
	JobID   string
	Photo   string
	Fate    Fate
	Bytes   int64
	Told    bool // file.landed was said
	SeenAt  int64
}

// Fate is what became of an upload.
type Fate string

// The fates.
const (
	FateStaged     Fate = "staged"
	FateLanded     Fate = "landed"
	FateSuperseded Fate = "superseded"
	FateRemoved    Fate = "removed"
)

// Upload finds an upload.
func (r Rows) Upload(ctx context.Context, id string) (Upload, bool, error) {
	return one(ctx, r.q, func(s scanner) (Upload, error) {
		var u Upload
		err := s.Scan(&u.ID, &u.Account, &u.JobID, &u.Photo, &u.Fate, &u.Bytes, &u.Told, &u.SeenAt)
		return u, err
	}, `SELECT id, account, job, photo, fate, bytes, told, seen_at FROM uploads WHERE id = $1`, id)
}

// SupersedeStaged marks the uploads of a photo that were heard of before the photo was, and are not its version.
func (r Rows) SupersedeStaged(ctx context.Context, photo, version string) error {
	_, err := r.q.ExecContext(ctx, `UPDATE uploads SET fate = $1 WHERE photo = $2 AND id <> $3 AND fate = $4`,
		FateSuperseded, photo, version, FateStaged)
	return err
}

// PutUpload writes an upload as it is now. When it was first seen stays.
func (r Rows) PutUpload(ctx context.Context, u Upload) error {
	_, err := r.q.ExecContext(ctx, `INSERT INTO uploads (id, account, job, photo, fate, bytes, told, seen_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (id) DO UPDATE SET photo = excluded.photo, fate = excluded.fate, bytes = excluded.bytes, told = excluded.told`,
		u.ID, u.Account, u.JobID, u.Photo, u.Fate, u.Bytes, u.Told, u.SeenAt)
	return err
}
