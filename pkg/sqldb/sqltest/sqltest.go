// Package sqltest runs a suite of tests on both kinds of database, so that no query is only ever tried on one.
//
// One PostgreSQL is started per test process, from Debian's binaries. It dies with the process, however that ends.
package sqltest

import (
	"fmt"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"testing"

	"filmgate.dev/pkg/sqldb"
)

// schemas numbers the schemas of this process.
var schemas atomic.Int64

// Each runs suite on a fresh SQLite file and on a fresh PostgreSQL schema. A machine without PostgreSQL fails the test
// with the line that installs it.
func Each(t *testing.T, suite func(t *testing.T, db *sqldb.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { suite(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { suite(t, Postgres(t)) })
}

// SQLite answers a fresh SQLite file.
func SQLite(t testing.TB) *sqldb.DB {
	t.Helper()
	return open(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
}

// Postgres answers a fresh PostgreSQL schema.
func Postgres(t testing.TB) *sqldb.DB {
	t.Helper()
	return open(t, PostgresURL(t))
}

// PostgresURL answers the address of a fresh schema, for tests that open it more than once.
func PostgresURL(t testing.TB) string {
	t.Helper()
	base, err := server()
	if err != nil {
		t.Fatal(err)
	}
	schema := fmt.Sprintf("test_%d", schemas.Add(1))
	admin, err := sqldb.Open(t.Context(), base)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if _, err := admin.ExecContext(t.Context(), "CREATE SCHEMA "+schema); err != nil {
		t.Fatal(err)
	}
	return base + "&search_path=" + url.QueryEscape(schema)
}

func open(t testing.TB, address string) *sqldb.DB {
	t.Helper()
	db, err := sqldb.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
