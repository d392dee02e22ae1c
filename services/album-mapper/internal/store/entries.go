package store

import (
	"context"
	"iter"

	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/sqldb"

	"filmgate.dev/services/album-mapper/internal/place"
)

const claimColumns = `subject, id, upload, state, moved_to, epoch, seq`

func scanClaim(s scanner) (place.Claim, error) {
	var c place.Claim
	err := s.Scan(&c.Subject, &c.ID, &c.Upload, &c.State, &c.MovedTo, &c.Fence.Epoch, &c.Fence.Sequence)
	return c, err
}

// Claim answers what is held for a path.
func (r Rows) Claim(ctx context.Context, subject string) (place.Claim, bool, error) {
	return one(ctx, r.q, scanClaim, `SELECT `+claimColumns+` FROM entries WHERE subject = $1`, subject)
}

// PutEntry records what the log says of a path, unless something newer is held.
func (r Rows) PutEntry(ctx context.Context, e files.Entry, c place.Claim) error {
	body, err := encode(e)
	if err != nil {
		return err
	}
	_, err = r.q.ExecContext(ctx, `INSERT INTO entries (subject, account, job, id, upload, state, moved_to, epoch, seq, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (subject) DO UPDATE SET id = excluded.id, upload = excluded.upload, state = excluded.state,
			moved_to = excluded.moved_to, epoch = excluded.epoch, seq = excluded.seq, body = excluded.body
		WHERE (excluded.epoch, excluded.seq) > (entries.epoch, entries.seq)`,
		c.Subject, e.Job.Account, e.Job.ID, c.ID, c.Upload, c.State, c.MovedTo, c.Fence.Epoch, c.Fence.Sequence, body)
	return err
}

// NewestEntry answers the newest entry held that says where a photo is: not one that only says where it is no more.
func (r Rows) NewestEntry(ctx context.Context, id string) (files.Entry, place.Claim, bool, error) {
	type row struct {
		entry files.Entry
		claim place.Claim
	}
	found, ok, err := one(ctx, r.q, func(s scanner) (row, error) {
		var (
			got  row
			body string
		)
		c := &got.claim
		err := s.Scan(&c.Subject, &c.ID, &c.Upload, &c.State, &c.MovedTo, &c.Fence.Epoch, &c.Fence.Sequence, &body)
		if err != nil {
			return got, err
		}
		err = decode(body, &got.entry)
		got.entry.Subject, got.entry.Sequence = c.Subject, uint64(c.Fence.Sequence) //nolint:gosec // came from a uint64
		return got, err
	}, `SELECT `+claimColumns+`, body FROM entries WHERE id = $1 AND moved_to = '' ORDER BY epoch DESC, seq DESC LIMIT 1`, id)
	return found.entry, found.claim, ok, err
}

// Bound answers the ids of what stands at a path by its own account, or was last heard to move there.
func (r Rows) Bound(ctx context.Context, subject string) ([]string, error) {
	return list(ctx, r.q, scanID, `SELECT id FROM photos WHERE subject = $1 UNION SELECT id FROM folders WHERE subject = $1
		UNION SELECT id FROM entries WHERE moved_to = $1 AND moved_to <> ''`, subject)
}

func scanID(s scanner) (string, error) {
	var id string
	err := s.Scan(&id)
	return id, err
}

// Entries answers everything that is held of the log, oldest first.
func (r Rows) Entries(ctx context.Context) iter.Seq2[files.Entry, error] {
	return func(yield func(files.Entry, error) bool) {
		rows, err := r.q.QueryContext(ctx, `SELECT subject, seq, body FROM entries ORDER BY epoch, seq`)
		if err != nil {
			yield(files.Entry{}, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			var (
				e    files.Entry
				seq  int64
				body string
			)
			err := rows.Scan(&e.Subject, &seq, &body)
			if err == nil {
				err = decode(body, &e)
			}
			e.Sequence = uint64(seq) //nolint:gosec // came from a uint64
			if !yield(e, err) || err != nil {
				return
			}
		}
		if err := sqldb.Fault(rows.Err()); err != nil {
			yield(files.Entry{}, err)
		}
	}
}

// Epoch answers the newest epoch of the log that anything was heard of; 0 if nothing was.
func (r Rows) Epoch(ctx context.Context) (epoch int64, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT COALESCE(MAX(epoch), 0) FROM entries`).Scan(&epoch)
	return epoch, err
}
