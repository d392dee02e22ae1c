package provisioning_test

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filmgate.dev/pkg/embednats/natstest"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/pkg/sqldb/sqltest"
	"filmgate.dev/pkg/telemetry"
	albummapper "filmgate.dev/services/album-mapper"
	jobstatus "filmgate.dev/services/job-status"

	"filmgate.dev/pkg/files"
)

// source is this folder: the S3 server changes the working one.
var source, _ = filepath.Abs(".")

// as answers the database of an address for another role and schema.
func as(t *testing.T, address, role, database, schema string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.User, u.Path = url.User(role), "/"+database
	query := u.Query()
	query.Set("search_path", schema)
	u.RawQuery = query.Encode()
	return u.String()
}

func open(t *testing.T, address string) *sqldb.DB {
	t.Helper()
	db, err := sqldb.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// TestRoles runs deploy/postgres/roles.sql on a real PostgreSQL, provisions as the owner, and starts the services with the
// roles that may only work with rows.
func TestRoles(t *testing.T) {
	base := sqltest.PostgresURL(t)
	superuser := open(t, base)
	if _, err := superuser.ExecContext(t.Context(), `CREATE DATABASE filmgate_roles`); err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile(filepath.Join(source, "..", "..", "..", "..", "deploy", "postgres", "roles.sql"))
	if err != nil {
		t.Fatal(err)
	}
	admin := open(t, as(t, base, "filmgate", "filmgate_roles", "public")+"&default_query_exec_mode=simple_protocol")
	for range 2 { // it can be run again
		if _, err := admin.ExecContext(t.Context(), string(script)); err != nil {
			t.Fatal(err)
		}
	}
	jobs := open(t, as(t, base, "filmgate_jobs", "filmgate_roles", "jobs"))
	catalog := open(t, as(t, base, "filmgate_catalog", "filmgate_roles", "catalog"))

	// Before the owner came, a service waits, and says for whom.
	waiting, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := jobstatus.Schema().Migrate(waiting, jobs); err == nil || !strings.Contains(err.Error(), "`filmgate provision` does") {
		t.Fatalf("a service migrated, or does not say why not: %v", err)
	}

	server, nc := natstest.Start(t)
	s := everything(t, server.URL(), as(t, base, "filmgate_owner", "filmgate_roles", "jobs"), as(t, base, "filmgate_owner", "filmgate_roles", "catalog"))
	if said, err := s.run(t, false); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	log, err := telemetry.NewLogger(os.Stderr, telemetry.LogConfig{Level: "error", Format: "text"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := jobstatus.New(t.Context(), jobstatus.Config{OperatorToken: "x"}, jobstatus.Deps{DB: jobs, NATS: nc, Log: log, Installation: "test"}); err != nil {
		t.Errorf("job-status under its role: %v", err)
	}
	tree, err := files.Open(nc, files.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := albummapper.New(t.Context(), albummapper.Config{}, albummapper.Deps{DB: catalog, NATS: nc, Files: tree, Log: log, Installation: "test"}); err != nil {
		t.Errorf("album-mapper under its role: %v", err)
	}

	// Every table can be read and written by its service, and by no other.
	for _, side := range []struct {
		schema        string
		mine, foreign *sqldb.DB
	}{{"jobs", jobs, catalog}, {"catalog", catalog, jobs}} {
		tables := names(t, admin, side.schema)
		if len(tables) < 3 {
			t.Fatalf("%s has only %v", side.schema, tables)
		}
		for _, table := range tables {
			name := side.schema + "." + table
			for _, statement := range []string{"DELETE FROM " + name + " WHERE false", "SELECT count(*) FROM " + name, "UPDATE " + name + " SET " + column(t, admin, side.schema, table) + " = NULL WHERE false"} {
				if _, err := side.mine.ExecContext(t.Context(), statement); err != nil {
					t.Errorf("its own service: %s: %v", statement, err)
				}
				if _, err := side.foreign.ExecContext(t.Context(), statement); !denied(err) {
					t.Errorf("the other service: %s: %v", statement, err)
				}
			}
			for _, statement := range []string{"DROP TABLE " + name, "TRUNCATE " + name, "ALTER TABLE " + name + " ADD COLUMN x TEXT"} {
				if _, err := side.mine.ExecContext(t.Context(), statement); !denied(err) {
					t.Errorf("its own service: %s: %v", statement, err)
				}
			}
		}
		for _, statement := range []string{"CREATE TABLE " + side.schema + ".x (y TEXT)", "CREATE TABLE public.x (y TEXT)", "CREATE SCHEMA x", "CREATE ROLE x"} {
			if _, err := side.mine.ExecContext(t.Context(), statement); !denied(err) {
				t.Errorf("its own service: %s: %v", statement, err)
			}
		}
	}
	if fault.Is(jobs.Ping(t.Context()), fault.Unavailable) {
		t.Error("the database went away")
	}
}

func denied(err error) bool {
	return err != nil && strings.Contains(err.Error(), "SQLSTATE 42501")
}

func names(t *testing.T, db *sqldb.DB, schema string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT table_name FROM information_schema.tables WHERE table_schema = $1`, schema)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		all = append(all, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func column(t *testing.T, db *sqldb.DB, schema, table string) string {
	t.Helper()
	var name string
	err := db.QueryRowContext(t.Context(), `SELECT column_name FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2 ORDER BY ordinal_position LIMIT 1`, schema, table).Scan(&name)
	if err != nil {
		t.Fatal(err)
	}
	return name
}
