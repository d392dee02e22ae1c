package store

import (
	"context"

	"filmgate.dev/pkg/files"

	"filmgate.dev/services/album-mapper/internal/album"
)

const folderColumns = `id, account, job, parent, kind, section, name, standing, created_at, changed_at, changed_by, rev,
	subject, state, epoch, seq, until_epoch, until_seq, told, job_name`

func scanFolder(s scanner) (album.Folder, error) {
	var (
		f                album.Folder
		created, changed int64
		told             string
	)
	err := s.Scan(&f.ID, &f.Account, &f.JobID, &f.Parent, &f.Kind, &f.Section, &f.Name, &f.Standing.State, &created, &changed,
		&f.ChangedBy, &f.Revision, &f.Claim.Subject, &f.Claim.State, &f.Claim.Fence.Epoch, &f.Claim.Fence.Sequence,
		&f.Standing.Until.Epoch, &f.Standing.Until.Sequence, &told, &f.JobName)
	if err != nil {
		return f, err
	}
	f.Claim.ID, f.CreatedAt, f.ChangedAt = f.ID, instant(created), instant(changed)
	return f, decode(told, &f.Told)
}

// Folder finds a folder by its id alone: for the log, which knows what it says.
func (r Rows) Folder(ctx context.Context, id string) (album.Folder, bool, error) {
	return one(ctx, r.q, scanFolder, `SELECT `+folderColumns+` FROM folders WHERE id = $1`, id)
}

// Folders answers all folders of a job, albums first, each kind in natural order. An album has at most two sections.
func (r Rows) Folders(ctx context.Context, account, job string) ([]album.Folder, error) {
	return list(ctx, r.q, scanFolder,
		`SELECT `+folderColumns+` FROM folders WHERE account = $1 AND job = $2 ORDER BY kind, sort, id`, account, job)
}

// CountAlbums answers how many albums stand in a job.
func (r Rows) CountAlbums(ctx context.Context, account, job string) (int64, error) {
	var n int64
	err := r.q.QueryRowContext(ctx, `SELECT count(*) FROM folders WHERE account = $1 AND job = $2 AND kind = $3 AND standing = 'here'`,
		account, job, files.KindAlbum).Scan(&n)
	return n, err
}

// UnsettledFolders answers the ids of folders of which it is certain by now that they were removed.
func (r Rows) UnsettledFolders(ctx context.Context, epoch, floor int64) ([]string, error) {
	return list(ctx, r.q, scanID, `SELECT id FROM folders WHERE until_seq <> 0 AND (until_epoch, until_seq) <= ($1, $2)
		ORDER BY until_seq LIMIT 256`, epoch, floor)
}

// PutFolder writes a folder as it is now.
func (r Rows) PutFolder(ctx context.Context, f album.Folder) error {
	told, err := encode(f.Told)
	if err != nil {
		return err
	}
	_, err = r.q.ExecContext(ctx, `INSERT INTO folders (`+folderColumns+`, sort)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
		ON CONFLICT (id) DO UPDATE SET parent = excluded.parent, section = excluded.section, name = excluded.name,
			standing = excluded.standing, created_at = excluded.created_at, changed_at = excluded.changed_at,
			changed_by = excluded.changed_by, rev = excluded.rev, subject = excluded.subject, state = excluded.state,
			epoch = excluded.epoch, seq = excluded.seq, until_epoch = excluded.until_epoch, until_seq = excluded.until_seq,
			told = excluded.told, job_name = excluded.job_name, sort = excluded.sort
		WHERE (excluded.epoch, excluded.seq) >= (folders.epoch, folders.seq)`,
		f.ID, f.Account, f.JobID, f.Parent, f.Kind, f.Section, f.Name, f.Standing.State, millis(f.CreatedAt), millis(f.ChangedAt),
		f.ChangedBy, f.Revision, f.Claim.Subject, f.Claim.State, f.Claim.Fence.Epoch, f.Claim.Fence.Sequence,
		f.Standing.Until.Epoch, f.Standing.Until.Sequence, told, f.JobName, album.SortKey(f.Name))
	return err
}
