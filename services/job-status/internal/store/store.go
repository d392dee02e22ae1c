// Package store keeps accounts, users, jobs and the record of who did what in SQL, for job-status.
//
// A change, the account's revision, its line in the audit and its event are one transaction: nobody can see one of them
// without the others.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/outbox"
	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/services/job-status/internal/audit"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is the database of job-status.
type Store struct {
	db           *sqldb.DB
	installation string
	now          func() time.Time
	maxFailures  int
}

// Schema is what job-status keeps in its database.
func Schema() sqldb.Schema {
	return sqldb.Schema{{Files: migrations}, outbox.Migrations()}
}

// Open brings the database's schema up to date. The installation's name goes into events.
func Open(ctx context.Context, db *sqldb.DB, installation string) (*Store, error) {
	if err := Schema().Migrate(ctx, db); err != nil {
		return nil, err
	}
	return &Store{db: db, installation: installation, now: time.Now, maxFailures: maxFailures}, nil
}

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return s.db.Ping(ctx) }

// time answers now as it will be read back.
func (s *Store) time() time.Time { return s.now().UTC().Truncate(time.Millisecond) }

func millis(t time.Time) int64 { return t.UnixMilli() }

func fromMillis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// bump raises the account's revision, which also makes concurrent changes of one account wait for each other.
func bump(ctx context.Context, tx sqldb.Tx, account string) error {
	result, err := tx.ExecContext(ctx, `UPDATE accounts SET revision = revision + 1 WHERE slug = $1`, account)
	if err != nil {
		return fmt.Errorf("raising the revision of %s: %w", account, err)
	}
	if n, err := result.RowsAffected(); err == nil && n == 0 {
		return noAccount(account)
	}
	return nil
}

// Revisions answers the revisions of the accounts; those that do not exist are missing.
func (s *Store) Revisions(ctx context.Context, accounts []string) (map[string]int64, error) {
	found := make(map[string]int64, len(accounts))
	err := inChunks(accounts, func(marks string, args []any) error {
		rows, err := s.db.QueryContext(ctx, `SELECT slug, revision FROM accounts WHERE slug IN (`+marks+`)`, args...)
		return each(rows, err, func(scan func(...any) error) error {
			var (
				slug     string
				revision int64
			)
			err := scan(&slug, &revision)
			found[slug] = revision
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("reading revisions: %w", err)
	}
	return found, nil
}

// each scans every row and closes them.
func each(rows *sql.Rows, err error, scan func(scan func(...any) error) error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows.Scan); err != nil {
			return err
		}
	}
	return sqldb.Fault(rows.Err())
}

// inChunks runs do with "$1, $2, …" and the values, at most 200 at a time: ANY($1) is PostgreSQL's alone.
func inChunks(values []string, do func(marks string, args []any) error) error {
	const size = 200
	for len(values) > 0 {
		n := min(size, len(values))
		marks, args := make([]string, n), make([]any, n)
		for i, v := range values[:n] {
			marks[i], args[i] = fmt.Sprintf("$%d", i+1), v
		}
		if err := do(strings.Join(marks, ", "), args); err != nil {
			return err
		}
		values = values[n:]
	}
	return nil
}

// orNotFound says in words what is not there.
func orNotFound(err error, format string, args ...any) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fault.New(fault.NotFound, format, args...)
	}
	return err
}

// Actor is who causes a change.
type Actor = audit.Actor

// optional is NULL for "".
func optional(s string) any {
	if s == "" {
		return nil
	}
	return s
}
