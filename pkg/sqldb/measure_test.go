package sqldb_test

import (
	"context"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/pkg/sqldb/sqltest"
)

func TestOnlyTheDatabasesOwnErrorsAreCounted(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		registry := prometheus.NewRegistry()
		db.Measure(registry, "catalog")
		if _, err := db.ExecContext(t.Context(), `CREATE TABLE things (id TEXT PRIMARY KEY)`); err != nil {
			t.Fatal(err)
		}
		put := func(ctx context.Context, tx sqldb.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO things (id) VALUES ('a')`)
			return err
		}
		if err := db.InTx(t.Context(), put); err != nil {
			t.Fatal(err)
		}
		if err := db.InTx(t.Context(), put); !fault.Is(err, fault.Exists) {
			t.Fatal(err)
		}
		refuse := fault.New(fault.Unavailable, "not of the database")
		if err := db.InTx(t.Context(), func(context.Context, sqldb.Tx) error { return refuse }); !fault.Is(err, fault.Unavailable) {
			t.Fatal(err)
		}
		if _, err := db.QueryContext(t.Context(), `SELECT nonsense`); err == nil {
			t.Fatal("nonsense passed")
		}
		want := `
			# HELP filmgate_sql_errors_total Errors that the database or its driver answered: unreachable, conflict, other.
			# TYPE filmgate_sql_errors_total counter
			filmgate_sql_errors_total{database="catalog",kind="conflict"} 1
			filmgate_sql_errors_total{database="catalog",kind="other"} 1
			filmgate_sql_errors_total{database="catalog",kind="unreachable"} 0
		`
		if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "filmgate_sql_errors_total"); err != nil {
			t.Error(err)
		}
	})
}
