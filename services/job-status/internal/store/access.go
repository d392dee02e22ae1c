package store

import (
	"context"
	"fmt"

	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/services/job-status/internal/access"
	"filmgate.dev/services/job-status/internal/job"
	"filmgate.dev/services/job-status/internal/user"
)

// maxVisible bounds the folders in a user's "/".
const maxVisible = 10_000

// View reads the user, the revision and the visible jobs as of one moment.
func (s *Store) View(ctx context.Context, userID string) (access.View, error) {
	var v access.View
	err := s.db.InReadTx(ctx, func(ctx context.Context, tx sqldb.Tx) error {
		v = access.View{}
		var err error
		if v.User, err = userBy(ctx, tx, `id = $1`, userID); err != nil {
			return orNotFound(err, "there is no such user")
		}
		if err := tx.QueryRowContext(ctx, `SELECT revision FROM accounts WHERE slug = $1`, v.User.Account).Scan(&v.Revision); err != nil {
			return err
		}
		only := userID
		if v.User.SeesAllJobs() {
			only = ""
		}
		rows, err := tx.QueryContext(ctx, `
			SELECT `+jobColumns+` FROM jobs j
			WHERE j.account = $1 AND j.status = $2 AND NOT j.locked
			  AND (CAST($3 AS TEXT) = '' OR EXISTS (SELECT 1 FROM assignments a WHERE a.job_id = j.id AND a.user_id = $3))
			ORDER BY j.id LIMIT $4`, v.User.Account, job.Planning, only, maxVisible)
		return each(rows, err, func(scan func(...any) error) error {
			j, err := scanJob(scan)
			v.Jobs = append(v.Jobs, access.Of(v.User, j, true))
			return err
		})
	})
	if err != nil {
		return access.View{}, fmt.Errorf("reading what a user sees: %w", err)
	}
	return v, nil
}

// Gone answers why the user sees these jobs no longer.
func (s *Store) Gone(ctx context.Context, u user.User, ids []string) ([]access.Access, error) {
	var list []access.Access
	err := inChunks(ids, func(marks string, args []any) error {
		n := len(args)
		rows, err := s.db.QueryContext(ctx, fmt.Sprintf(`
			SELECT `+jobColumns+`, EXISTS (SELECT 1 FROM assignments a WHERE a.job_id = j.id AND a.user_id = $%d)
			FROM jobs j WHERE j.id IN (`+marks+`) AND j.account = $%d`, n+1, n+2), append(args, u.ID, u.Account)...)
		return each(rows, err, func(scan func(...any) error) error {
			var assigned bool
			j, err := scanJob(func(dest ...any) error { return scan(append(dest, &assigned)...) })
			list = append(list, access.Of(u, j, assigned))
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("reading what a user no longer sees: %w", err)
	}
	return list, nil
}

// Access answers one job, by internal name, as the user may see it. NotFound where the user has no right to know of it.
func (s *Store) Access(ctx context.Context, userID, internalName string) (access.Access, error) {
	u, err := userBy(ctx, s.db, `id = $1`, userID)
	if err != nil {
		return access.Access{}, orNotFound(err, "there is no such user")
	}
	if err := u.MayConnect(); err != nil {
		return access.Access{}, err
	}
	j, err := s.JobNamed(ctx, u.Account, internalName)
	if err != nil {
		return access.Access{}, err
	}
	assigned := false
	for _, id := range j.Assignees {
		assigned = assigned || id == userID
	}
	if !assigned && !u.SeesAllJobs() {
		return access.Access{}, noJob(internalName)
	}
	return access.Of(u, j, assigned), nil
}
