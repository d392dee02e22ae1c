package store

import (
	"context"

	"filmgate.dev/pkg/events"
)

// Job is the mirror of one job of job-status.
type Job struct {
	events.Job
	Account  string
	Locked   bool
	Revision int64
}

// Job finds a job by its id alone.
func (r Rows) Job(ctx context.Context, id string) (Job, bool, error) {
	return one(ctx, r.q, func(s scanner) (Job, error) {
		var j Job
		err := s.Scan(&j.ID, &j.Account, &j.InternalName, &j.Name, &j.Status, &j.Locked, &j.Revision)
		return j, err
	}, `SELECT id, account, internal_name, name, status, locked, revision FROM jobs WHERE id = $1`, id)
}

// PutJob takes over a newer revision of a job.
func (r Rows) PutJob(ctx context.Context, j Job) error {
	_, err := r.q.ExecContext(ctx, `INSERT INTO jobs (id, account, internal_name, name, status, locked, revision)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (id) DO UPDATE SET internal_name = excluded.internal_name, name = excluded.name, status = excluded.status,
			locked = excluded.locked, revision = excluded.revision
		WHERE excluded.revision > jobs.revision`, j.ID, j.Account, j.InternalName, j.Name, j.Status, j.Locked, j.Revision)
	return err
}
