package sqldb_test

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/goleak"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/pkg/sqldb/sqltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var migrations = fstest.MapFS{"migrations/00001_things.sql": {Data: []byte(`-- +goose Up
CREATE TABLE thing (id TEXT PRIMARY KEY, n BIGINT NOT NULL, blob BYTEA, flag BOOLEAN NOT NULL DEFAULT FALSE);
-- +goose Down
DROP TABLE thing;
`)}}

func migrated(t *testing.T, db *sqldb.DB) {
	t.Helper()
	for range 2 { // the second time finds nothing to do
		if err := db.Migrate(t.Context(), migrations); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOneTextServesBoth(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		migrated(t, db)
		ctx := t.Context()
		if _, err := db.ExecContext(ctx, `INSERT INTO thing (id, n, blob, flag) VALUES ($2, $1, $3, $4)`, 7, "a", []byte{0, 1}, true); err != nil {
			t.Fatal(err)
		}
		var (
			n    int64
			blob []byte
			flag bool
		)
		if err := db.QueryRowContext(ctx, `SELECT n, blob, flag FROM thing WHERE id = $1`, "a").Scan(&n, &blob, &flag); err != nil {
			t.Fatal(err)
		}
		if n != 7 || string(blob) != "\x00\x01" || !flag {
			t.Errorf("got %d %v %v", n, blob, flag)
		}
		err := db.QueryRowContext(ctx, `SELECT n FROM thing WHERE id = $1`, "b").Scan(&n)
		if !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("no row: %v", err)
		}
		_, err = db.ExecContext(ctx, `INSERT INTO thing (id, n) VALUES ($1, 1)`, "a")
		if !fault.Is(err, fault.Exists) {
			t.Errorf("second a: %v, want Exists", err)
		}
	})
}

func TestTransactionsAreSerializable(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		migrated(t, db)
		if _, err := db.ExecContext(t.Context(), `INSERT INTO thing (id, n) VALUES ('counter', 0)`); err != nil {
			t.Fatal(err)
		}
		// Read, then write what was read plus one: only serial execution counts to the end.
		const workers, rounds = 4, 10
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for range rounds {
					err := db.InTx(t.Context(), func(ctx context.Context, tx sqldb.Tx) error {
						var n int64
						if err := tx.QueryRowContext(ctx, `SELECT n FROM thing WHERE id = 'counter'`).Scan(&n); err != nil {
							return err
						}
						_, err := tx.ExecContext(ctx, `UPDATE thing SET n = $1 WHERE id = 'counter'`, n+1)
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		var n int64
		if err := db.QueryRowContext(t.Context(), `SELECT n FROM thing WHERE id = 'counter'`).Scan(&n); err != nil || n != workers*rounds {
			t.Errorf("counted %d (%v), want %d", n, err, workers*rounds)
		}
	})
}

func TestTransactionsRollBackAndDoNotNest(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		migrated(t, db)
		stop := fault.New(fault.Denied, "stop")
		err := db.InTx(t.Context(), func(ctx context.Context, tx sqldb.Tx) error {
			if _, err := tx.ExecContext(ctx, `INSERT INTO thing (id, n) VALUES ('a', 1)`); err != nil {
				return err
			}
			if _, err := db.ExecContext(ctx, `INSERT INTO thing (id, n) VALUES ('b', 1)`); err == nil {
				t.Error("a statement outside the transaction passed inside it")
			}
			return stop
		})
		if !errors.Is(err, stop) {
			t.Errorf("got %v", err)
		}
		var count int
		err = db.InReadTx(t.Context(), func(ctx context.Context, tx sqldb.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO thing (id, n) VALUES ('c', 1)`)
			return err
		})
		if err == nil {
			t.Error("a write passed in a reading transaction")
		}
		if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM thing`).Scan(&count); err != nil || count != 0 {
			t.Errorf("%d rows (%v), want none", count, err)
		}
	})
}

func TestTryLockLetsOneIn(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ran, err := db.TryLock(t.Context(), "relay", func(ctx context.Context) error {
			if again, err := db.TryLock(ctx, "relay", func(context.Context) error { return nil }); again || err != nil {
				t.Errorf("a second holder: %v, %v", again, err)
			}
			if other, err := db.TryLock(ctx, "sweep", func(context.Context) error { return nil }); !other || err != nil {
				t.Errorf("another lock: %v, %v", other, err)
			}
			return nil
		})
		if !ran || err != nil {
			t.Errorf("first: %v, %v", ran, err)
		}
		if ran, err = db.TryLock(t.Context(), "relay", func(context.Context) error { return nil }); !ran || err != nil {
			t.Errorf("after it was let go: %v, %v", ran, err)
		}
	})
}

func TestReplicasMigrateTogether(t *testing.T) {
	address := sqltest.PostgresURL(t) + "_new" // a schema that is not there yet
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			db, err := sqldb.Open(t.Context(), address)
			if err != nil {
				t.Error(err)
				return
			}
			defer db.Close()
			if err := db.Migrate(t.Context(), migrations); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestBadAddressesAndAbsentDatabases(t *testing.T) {
	for _, address := range []string{"", "mysql://x", "sqlite:relative.db", "postgres://u:hunter2@:bad/"} {
		db, err := sqldb.Open(t.Context(), address)
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("Open(%q) = %v, %v; want Invalid", address, db, err)
		}
	}
	db, err := sqldb.Open(t.Context(), "postgres://x@127.0.0.1:1/x")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Ping(t.Context()); !fault.Is(err, fault.Unavailable) {
		t.Errorf("ping: %v, want Unavailable", err)
	}
}

func TestAQueryThatTakesTooLongIsUnavailable(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		var n int64
		err := db.QueryRowContext(ctx, `
			WITH RECURSIVE endless (n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM endless) SELECT count(*) FROM endless WHERE n < 0`).Scan(&n)
		if !fault.Is(err, fault.Unavailable) {
			t.Errorf("got %v (%v), want Unavailable", err, fault.KindOf(err))
		}
	})
}

// A deadline that passes just before the commit is a server that was too slow, not a bug: the kind decides what callers do.
func TestACommitAfterTheEndIsUnavailable(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		migrated(t, db)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		err := db.InTx(ctx, func(_ context.Context, tx sqldb.Tx) error {
			cancel()
			for { // until the end has rolled it back
				if _, err := tx.ExecContext(t.Context(), `DELETE FROM thing`); errors.Is(err, sql.ErrTxDone) {
					return nil
				}
			}
		})
		if !fault.Is(err, fault.Unavailable) {
			t.Errorf("got %v, want Unavailable", err)
		}
	})
}
