package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/services/job-status/internal/job"
	"filmgate.dev/services/job-status/internal/page"
	"filmgate.dev/services/job-status/internal/text"
)

const jobColumns = `j.id, j.account, j.internal_name, j.name, j.status, j.locked, j.revision, j.created_at, j.updated_at`

func scanJob(scan func(...any) error) (job.Job, error) {
	var (
		j                job.Job
		created, updated int64
	)
	err := scan(&j.ID, &j.Account, &j.InternalName, &j.Name, &j.Status, &j.Locked, &j.Revision, &created, &updated)
	j.CreatedAt, j.UpdatedAt = fromMillis(created), fromMillis(updated)
	return j, err
}

func noJob(name string) error {
	return fault.New(fault.NotFound, "there is no job %q", text.Clip(name))
}

// CreateJob keeps a new job with its assignees.
func (s *Store) CreateJob(ctx context.Context, j job.Job, by Actor) (job.Job, error) {
	j.CreatedAt = s.time()
	j.UpdatedAt = j.CreatedAt
	err := s.db.InTx(ctx, func(ctx context.Context, tx sqldb.Tx) error {
		if err := bump(ctx, tx, j.Account); err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, `
			INSERT INTO jobs (id, account, internal_name, name_key, name, search, status, locked, revision, created_at, updated_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) ON CONFLICT (account, name_key) DO NOTHING`,
			j.ID, j.Account, j.InternalName, text.Fold(j.InternalName), j.Name, search(j), j.Status, j.Locked, j.Revision, millis(j.CreatedAt))
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err == nil && n == 0 {
			return fault.New(fault.Exists, "there is a job %s already", j.InternalName)
		}
		if err := assign(ctx, tx, j); err != nil {
			return err
		}
		return s.announceNew(ctx, tx, j, by)
	})
	if err != nil {
		return job.Job{}, fmt.Errorf("creating job %s: %w", j.InternalName, err)
	}
	return j, nil
}

// ChangeJob applies change to the job's current state. A revision other than 0 must be the current one. A change of
// nothing writes nothing.
func (s *Store) ChangeJob(ctx context.Context, account, id string, revision int64, by Actor, change func(*job.Job) error) (job.Job, error) {
	var after job.Job
	err := s.db.InTx(ctx, func(ctx context.Context, tx sqldb.Tx) error {
		before, err := jobBy(ctx, tx, `j.account = $1 AND j.id = $2`, account, id)
		if err != nil {
			return orNotFound(err, "there is no such job")
		}
		if revision != 0 && revision != before.Revision {
			return fault.New(fault.Conflict, "somebody else has changed %s meanwhile; look at it again", before.InternalName)
		}
		after = before
		after.Assignees = slices.Clone(before.Assignees)
		if err := change(&after); err != nil {
			return err
		}
		reassigned := !slices.Equal(before.Assignees, after.Assignees)
		if !reassigned && before.Name == after.Name && before.Status == after.Status && before.Locked == after.Locked {
			return nil
		}
		after.Revision++
		after.UpdatedAt = s.time()
		if err := bump(ctx, tx, account); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE jobs SET name = $1, search = $2, status = $3, locked = $4, revision = $5, updated_at = $6 WHERE id = $7`,
			after.Name, search(after), after.Status, after.Locked, after.Revision, millis(after.UpdatedAt), after.ID)
		if err != nil {
			return err
		}
		if reassigned {
			if err := assign(ctx, tx, after); err != nil {
				return err
			}
		}
		return s.announceChange(ctx, tx, before, after, by)
	})
	if err != nil {
		return job.Job{}, fmt.Errorf("changing job %s: %w", text.Clip(id), err)
	}
	return after, nil
}

// Job finds a job of the account by id.
func (s *Store) Job(ctx context.Context, account, id string) (job.Job, error) {
	j, err := jobBy(ctx, s.db, `j.account = $1 AND j.id = $2`, account, id)
	return j, orNotFound(err, "there is no such job")
}

// JobNamed finds a job of the account by its internal name, ignoring case.
func (s *Store) JobNamed(ctx context.Context, account, name string) (job.Job, error) {
	j, err := jobBy(ctx, s.db, `j.account = $1 AND j.name_key = $2`, account, text.Fold(name))
	return j, orNotFound(err, "there is no job %q", text.Clip(name))
}

func jobBy(ctx context.Context, q sqldb.Querier, where string, args ...any) (job.Job, error) {
	j, err := scanJob(q.QueryRowContext(ctx, `SELECT `+jobColumns+` FROM jobs j WHERE `+where, args...).Scan)
	if err != nil {
		return job.Job{}, err
	}
	rows, err := q.QueryContext(ctx, `SELECT user_id FROM assignments WHERE job_id = $1 ORDER BY user_id`, j.ID)
	err = each(rows, err, func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		j.Assignees = append(j.Assignees, id)
		return err
	})
	return j, err
}

// Jobs answers a page of the account's jobs, newest first.
func (s *Store) Jobs(ctx context.Context, account string, filter job.Filter, p page.Page) ([]job.Job, error) {
	statuses := filter.Statuses
	if len(statuses) == 0 {
		statuses = job.Statuses()
	}
	args := []any{account, p.After, like(filter.Query), filter.Assignee, p.Limit}
	marks := make([]string, len(statuses))
	for i, status := range statuses {
		args = append(args, status)
		marks[i] = fmt.Sprintf("$%d", len(args))
	}
	list := []job.Job{}
	rows, err := s.db.QueryContext(ctx, `
		SELECT `+jobColumns+` FROM jobs j
		WHERE j.account = $1 AND (CAST($2 AS TEXT) = '' OR j.id < $2) AND j.search LIKE $3 ESCAPE '\'
		  AND (CAST($4 AS TEXT) = '' OR EXISTS (SELECT 1 FROM assignments a WHERE a.job_id = j.id AND a.user_id = $4))
		  AND j.status IN (`+strings.Join(marks, ", ")+`)
		ORDER BY j.id DESC LIMIT $5`, args...)
	err = each(rows, err, func(scan func(...any) error) error {
		j, err := scanJob(scan)
		list = append(list, j)
		return err
	})
	if err == nil {
		err = s.readAssignees(ctx, list)
	}
	if err != nil {
		return nil, fmt.Errorf("listing jobs of %s: %w", account, err)
	}
	return list, nil
}

func (s *Store) readAssignees(ctx context.Context, jobs []job.Job) error {
	ids, at := make([]string, len(jobs)), make(map[string]int, len(jobs))
	for i, j := range jobs {
		ids[i], at[j.ID] = j.ID, i
	}
	return inChunks(ids, func(marks string, args []any) error {
		rows, err := s.db.QueryContext(ctx, `SELECT job_id, user_id FROM assignments WHERE job_id IN (`+marks+`) ORDER BY user_id`, args...)
		return each(rows, err, func(scan func(...any) error) error {
			var jobID, userID string
			err := scan(&jobID, &userID)
			j := &jobs[at[jobID]]
			j.Assignees = append(j.Assignees, userID)
			return err
		})
	})
}

// assign replaces the job's assignees, who must be users of its account.
func assign(ctx context.Context, tx sqldb.Tx, j job.Job) error {
	if len(j.Assignees) > job.MaxAssignees {
		return fault.New(fault.Invalid, "at most %d users can be assigned to a job", job.MaxAssignees)
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM assignments WHERE job_id = $1`, j.ID); err != nil {
		return err
	}
	for _, userID := range j.Assignees {
		result, err := tx.ExecContext(ctx, `
			INSERT INTO assignments (job_id, user_id) SELECT $1, id FROM users WHERE id = $2 AND account = $3 ON CONFLICT (job_id, user_id) DO NOTHING`,
			j.ID, userID, j.Account)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err == nil && n == 0 {
			return fault.New(fault.NotFound, "there is no user %q to assign", text.Clip(userID))
		}
	}
	return nil
}

// search is what a query is looked for in.
func search(j job.Job) string { return text.Fold(j.InternalName + "\n" + j.Name) }

// like makes the pattern of a part. Both sides are folded, because only PostgreSQL and SQLite's ASCII agree on LIKE.
func like(part string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text.Fold(part)) + "%"
}
