// Package sqldb opens a service's SQL database, SQLite or PostgreSQL, so that one set of queries and migrations serves both.
//
// Transactions are serializable on both: on SQLite because there is one writer, on PostgreSQL because losers are run again.
package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"filmgate.dev/pkg/fault"
)

// Dialect is the kind of database behind a DB. Queries should not need to ask.
type Dialect string

// The dialects.
const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

// DB is an open database. Its methods answer fault errors: Unavailable when it cannot be reached, Exists for a value that
// must be unique. sql.ErrNoRows passes as it is.
type DB struct {
	dialect Dialect
	schema  string // PostgreSQL: the first name of search_path
	read    *sql.DB
	write   *sql.DB // the same pool on PostgreSQL

	measures atomic.Pointer[measures] // nil: nobody asks

	mu   sync.Mutex
	held map[string]bool // SQLite: the names locked by TryLock
}

// Querier is what DB and Tx share.
type Querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *Row
}

// Open opens "sqlite:/path/of.db" (made when missing) or "postgres://…?search_path=schema". A PostgreSQL that is not up
// yet is no error here: Migrate waits for it.
func Open(ctx context.Context, address string) (*DB, error) {
	scheme, rest, _ := strings.Cut(address, ":")
	switch scheme {
	case "sqlite":
		return openSQLite(ctx, rest)
	case "postgres", "postgresql":
		return openPostgres(address)
	default:
		return nil, fault.New(fault.Invalid, "a database is sqlite:/path/of.db or postgres://user:password@host/name?search_path=schema")
	}
}

func openSQLite(ctx context.Context, path string) (*DB, error) {
	path = strings.TrimPrefix(path, "//")
	if !filepath.IsAbs(path) {
		return nil, fault.New(fault.Invalid, "the path of the SQLite file must be absolute: sqlite:/path/of.db")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "cannot make the folder of the database %s", path)
	}
	open := func(pragmas ...string) (*sql.DB, error) {
		query := url.Values{"_pragma": append([]string{"busy_timeout(10000)", "journal_mode(WAL)", "foreign_keys(1)", "synchronous(FULL)"}, pragmas...)}
		query.Set("_txlock", "immediate")
		if len(pragmas) > 0 {
			query.Set("_txlock", "deferred")
		}
		return sql.Open("sqlite", (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: query.Encode()}).String())
	}
	write, err := open()
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	// One writer: writes queue here in Go, and never meet SQLITE_BUSY.
	write.SetMaxOpenConns(1)
	read, err := open("query_only(1)")
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	read.SetMaxOpenConns(8)
	db := &DB{dialect: SQLite, read: read, write: write, held: map[string]bool{}}
	if err := write.PingContext(ctx); err != nil {
		return nil, fault.Wrap(errors.Join(err, db.Close()), fault.Invalid, "cannot open the database %s", path)
	}
	return db, nil
}

func openPostgres(address string) (*DB, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		// The cause may hold the password.
		return nil, fault.New(fault.Invalid, "the PostgreSQL address cannot be read; it looks like postgres://user:password@host:5432/name?search_path=schema")
	}
	config.ConnectTimeout = 5 * time.Second
	schema, _, _ := strings.Cut(config.RuntimeParams["search_path"], ",")
	pool := stdlib.OpenDB(*config)
	pool.SetMaxOpenConns(16)
	pool.SetMaxIdleConns(8)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	return &DB{dialect: Postgres, schema: strings.Trim(strings.TrimSpace(schema), `"`), read: pool, write: pool}, nil
}

// Dialect answers which database this is.
func (db *DB) Dialect() Dialect { return db.dialect }

// Ping reports whether the database answers.
func (db *DB) Ping(ctx context.Context) error { return db.count(db.read.PingContext(ctx)) }

// Close closes every connection.
func (db *DB) Close() error {
	err := db.read.Close()
	if db.write != db.read {
		if e := db.write.Close(); err == nil {
			err = e
		}
	}
	return err
}

// ExecContext runs one statement in a transaction of its own.
func (db *DB) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if inTx(ctx) {
		return nil, errNested
	}
	result, err := db.write.ExecContext(ctx, query, args...)
	return result, db.count(err)
}

// QueryContext reads. A statement that writes and returns rows needs InTx.
func (db *DB) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	rows, err := db.read.QueryContext(ctx, query, args...)
	return rows, db.count(err)
}

// QueryRowContext reads one row. A statement that writes and returns a row needs InTx.
func (db *DB) QueryRowContext(ctx context.Context, query string, args ...any) *Row {
	return &Row{db.read.QueryRowContext(ctx, query, args...), db.count}
}

// Row is one row to scan.
type Row struct {
	row   *sql.Row
	fault func(error) error
}

// Scan reads the row; sql.ErrNoRows if there is none.
func (r *Row) Scan(dest ...any) error { return r.fault(r.row.Scan(dest...)) }
