package sqldb_test

import (
	"testing"
	"testing/fstest"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/pkg/sqldb/sqltest"
)

// Names are such that their order is not the order in which rows can be written.
var family = fstest.MapFS{"00001_family.sql": {Data: []byte(`-- +goose Up
CREATE TABLE parent (id TEXT PRIMARY KEY, blob BYTEA NOT NULL, flag BOOLEAN NOT NULL, n BIGINT);
CREATE TABLE child (id TEXT PRIMARY KEY, parent TEXT NOT NULL REFERENCES parent (id), elder TEXT REFERENCES child (id));
CREATE TABLE aunt (child TEXT NOT NULL REFERENCES child (id), parent TEXT NOT NULL REFERENCES parent (id), PRIMARY KEY (child, parent));
-- +goose Down
DROP TABLE aunt;
DROP TABLE child;
DROP TABLE parent;
`)}, "00002_later.sql": {Data: []byte(`-- +goose Up
CREATE TABLE later (id TEXT PRIMARY KEY);
-- +goose Down
DROP TABLE later;
`)}}

func exec(t *testing.T, db *sqldb.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatal(err)
	}
}

func TestCopy(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, to *sqldb.DB) {
		ctx, from := t.Context(), sqltest.SQLite(t)
		for _, db := range []*sqldb.DB{from, to} {
			if err := db.Migrate(ctx, family); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := sqldb.Copy(ctx, from, to); n != 0 || err != nil {
			t.Fatalf("nothing is copied as %d rows, %v", n, err)
		}
		exec(t, from, `INSERT INTO parent (id, blob, flag, n) VALUES ('Änne ☂', $1, $2, NULL), ('b', $3, $4, $5)`,
			[]byte{0, 255, '"'}, true, []byte{}, false, int64(1)<<62)
		exec(t, from, `INSERT INTO child (id, parent, elder) VALUES ('c', 'b', NULL), ('d', 'Änne ☂', 'c')`)
		exec(t, from, `INSERT INTO aunt (child, parent) VALUES ('c', 'Änne ☂')`)
		for _, want := range []int64{5, 0} { // the second time finds everything there
			if n, err := sqldb.Copy(ctx, from, to); n != want || err != nil {
				t.Fatalf("%d rows instead of %d, %v", n, want, err)
			}
		}
		var (
			blob []byte
			flag bool
			n    *int64
		)
		if err := to.QueryRowContext(ctx, `SELECT blob, flag, n FROM parent WHERE id = 'Änne ☂'`).Scan(&blob, &flag, &n); err != nil {
			t.Fatal(err)
		}
		if string(blob) != "\x00\xff\"" || !flag || n != nil {
			t.Errorf("%q %v %v", blob, flag, n)
		}
		if err := to.QueryRowContext(ctx, `SELECT blob, flag, n FROM parent WHERE id = 'b'`).Scan(&blob, &flag, &n); err != nil {
			t.Fatal(err)
		}
		if len(blob) != 0 || flag || *n != 1<<62 {
			t.Errorf("%q %v %v", blob, flag, *n)
		}
		exec(t, to, `INSERT INTO child (id, parent) VALUES ('e', 'b')`)
		if _, err := sqldb.Copy(ctx, from, to); !fault.Is(err, fault.Conflict) {
			t.Errorf("a database that lives: %v", err)
		}
	})
}

func TestCopyRefusesOtherVersions(t *testing.T) {
	ctx, from, to := t.Context(), sqltest.SQLite(t), sqltest.SQLite(t)
	if err := to.Migrate(ctx, family); err != nil {
		t.Fatal(err)
	}
	older := fstest.MapFS{"00001_family.sql": family["00001_family.sql"]}
	if err := from.Migrate(ctx, older); err != nil {
		t.Fatal(err)
	}
	if _, err := sqldb.Copy(ctx, from, to); !fault.Is(err, fault.Conflict) {
		t.Errorf("a database of an older version was copied: %v", err)
	}
	if _, err := sqldb.Copy(ctx, sqltest.Postgres(t), to); !fault.Is(err, fault.Invalid) {
		t.Errorf("from PostgreSQL: %v", err)
	}
}
