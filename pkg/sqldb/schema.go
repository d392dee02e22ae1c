package sqldb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"filmgate.dev/pkg/fault"
)

// Migrations are the goose files of one part of a database, and the table that remembers which of them ran.
type Migrations struct {
	Table string // empty: the usual one
	Files fs.FS  // with *.sql, or with a folder "migrations" that has them
}

// Schema is all that a service keeps in a database.
type Schema []Migrations

// Migrate brings the database up to date, part by part; see DB.Migrate.
func (s Schema) Migrate(ctx context.Context, db *DB) error {
	for _, part := range s {
		if err := db.MigrateAs(ctx, part.table(), part.Files); err != nil {
			return err
		}
	}
	return nil
}

// Apply does the same in one try: it waits for nobody, and a role that may not change the schema is Denied.
func (s Schema) Apply(ctx context.Context, db *DB) error {
	for _, part := range s {
		if err := forbidden(db.migrate(ctx, part.table(), inner(part.Files))); err != nil {
			return err
		}
	}
	return nil
}

// Pending answers the migrations that Migrate would run, and changes nothing.
func (s Schema) Pending(ctx context.Context, db *DB) ([]string, error) {
	var all []string
	for _, part := range s {
		pending, err := db.pending(ctx, part.table(), inner(part.Files))
		if err != nil {
			return nil, err
		}
		all = append(all, pending...)
	}
	return all, nil
}

func (m Migrations) table() string {
	if m.Table == "" {
		return versionTable
	}
	return m.Table
}

// inner answers the folder that has the files.
func inner(migrations fs.FS) fs.FS {
	if here, err := fs.Glob(migrations, "*.sql"); err == nil && len(here) == 0 {
		if sub, err := fs.Sub(migrations, "migrations"); err == nil {
			return sub
		}
	}
	return migrations
}

// pending compares the files with the version table. To read is all that it needs to be allowed: a service that may not
// change its schema asks only this.
func (db *DB) pending(ctx context.Context, table string, migrations fs.FS) ([]string, error) {
	files, err := fs.Glob(migrations, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("reading migrations: %w", err)
	}
	ran, err := db.ran(ctx, table)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(files, func(file string) bool {
		number, _, _ := strings.Cut(path.Base(file), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		return err == nil && ran[version]
	}), nil
}

func (db *DB) ran(ctx context.Context, table string) (map[int64]bool, error) {
	exists := `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = $1`
	if db.dialect == Postgres {
		exists = `SELECT count(*) FROM pg_class WHERE oid = to_regclass($1)`
	}
	var found int
	if err := db.QueryRowContext(ctx, exists, table).Scan(&found); err != nil || found == 0 {
		return nil, err
	}
	rows, err := db.QueryContext(ctx, `SELECT version_id FROM `+table+` WHERE is_applied`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	ran := map[int64]bool{}
	for rows.Next() {
		var version int64
		if err := rows.Scan(&version); err != nil {
			return nil, Fault(err)
		}
		ran[version] = true
	}
	return ran, Fault(rows.Err())
}

// behind is what a role reads that may not change the schema.
const behind = "the database's schema is behind, and this role may not change it: `filmgate provision` does"

var errBehind = fault.New(fault.Denied, behind)

// forbidden gives a refusal for want of rights its words: somebody else has to migrate, and is waited for.
func forbidden(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code == "42501" || pg.Code == "3F000") { // insufficient_privilege, and no schema that it may see
		return fault.Wrap(err, fault.Denied, behind)
	}
	return err
}
