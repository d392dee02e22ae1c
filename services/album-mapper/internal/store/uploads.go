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

// PutUpload writes an upload as it is now. When it was first seen stays.
func (r Rows) PutUpload(ctx context.Context, u Upload) error {
	_, err := r.q.ExecContext(ctx, `INSERT INTO uploads (id, account, job, photo, fate, bytes, told, seen_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (id) DO UPDATE SET photo = excluded.photo, fate = excluded.fate, bytes = excluded.bytes, told = excluded.told`,
		u.ID, u.Account, u.JobID, u.Photo, u.Fate, u.Bytes, u.Told, u.SeenAt)
	return err
}
