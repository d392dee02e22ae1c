package sqldb

import (
	"context"
	"fmt"
	"hash/fnv"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"filmgate.dev/pkg/fault"
)

// versionTable is where goose remembers what was done.
const versionTable = "goose_db_version"

// Migrate brings the schema up to date by the goose files (*.sql) in migrations, or in its folder "migrations". It waits
// for a database that is not up yet until ctx ends, for another replica that is migrating, and, where this role may not
// change the schema, for somebody who may.
func (db *DB) Migrate(ctx context.Context, migrations fs.FS) error {
	return db.MigrateAs(ctx, versionTable, migrations)
}

// MigrateAs does the same for a part with files and a version table of its own, such as the outbox.
func (db *DB) MigrateAs(ctx context.Context, table string, migrations fs.FS) error {
	migrations = inner(migrations)
	for {
		err := forbidden(db.migrate(ctx, table, migrations))
		if !fault.Is(err, fault.Unavailable) && !fault.Is(err, fault.Denied) || ctx.Err() != nil {
			return err
		}
		timer := time.NewTimer(250 * time.Millisecond)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("waiting for the database: %w", err)
		}
	}
}

func (db *DB) migrate(ctx context.Context, table string, migrations fs.FS) error {
	if pending, err := db.pending(ctx, table, migrations); err != nil || len(pending) == 0 {
		return err
	}
	dialect := goose.DialectSQLite3
	options := []goose.ProviderOption{
		goose.WithTableName(table),
		goose.WithDisableGlobalRegistry(true),
		goose.WithLogger(goose.NopLogger()),
	}
	if db.dialect == Postgres {
		dialect = goose.DialectPostgres
		if err := db.makeSchema(ctx); err != nil {
			return err
		}
		// goose would try for as long as it may.
		var allowed bool
		if err := db.QueryRowContext(ctx, `SELECT coalesce(has_schema_privilege(current_schema(), 'CREATE'), FALSE)`).Scan(&allowed); err != nil {
			return err
		}
		if !allowed {
			return errBehind
		}
		key := fnv.New32a()
		fmt.Fprintf(key, "filmgate migration %s.%s", db.schema, table)
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(int64(key.Sum32())), lock.WithLockTimeout(1, 120))
		if err != nil {
			return fmt.Errorf("migrating: %w", err)
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	provider, err := goose.NewProvider(dialect, db.write, migrations, options...)
	if err != nil {
		return fmt.Errorf("reading migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return Fault(fmt.Errorf("migrating: %w", err))
	}
	return nil
}

// makeSchema makes the schema of search_path, when it names one and it is missing.
func (db *DB) makeSchema(ctx context.Context) error {
	if db.schema == "" {
		return db.Ping(ctx)
	}
	var found bool
	err := db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)`, db.schema).Scan(&found)
	if err != nil || found {
		return err
	}
	_, err = db.ExecContext(ctx, `CREATE SCHEMA IF NOT EXISTS `+pgx.Identifier{db.schema}.Sanitize())
	if fault.Is(err, fault.Exists) { // another replica was first
		return nil
	}
	return err
}
