package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/prometheus/client_golang/prometheus"
	"modernc.org/sqlite"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/telemetry"
)

// measures are what is counted of one database.
type measures struct {
	errors       *prometheus.CounterVec
	transactions prometheus.Observer
	name         string
}

// The kinds of SQL errors in metrics.
const (
	errUnreachable = "unreachable" // away, or not in time
	errConflict    = "conflict"    // lost a race, or must be unique: what callers live with
	errOther       = "other"       // a bug, or a database that nobody has migrated
)

// Measure counts errors and times transactions from now on, under the database's name.
func (db *DB) Measure(r prometheus.Registerer, name string) {
	if r == nil {
		return
	}
	m := &measures{
		name:   name,
		errors: telemetry.Counter(r, "filmgate_sql_errors_total", "Errors that the database or its driver answered: unreachable, conflict, other.", "database", "kind"),
		transactions: telemetry.Histogram(r, "filmgate_sql_transaction_seconds", "How long transactions that may write took, with their repetitions.",
			telemetry.Quick(), "database").WithLabelValues(name),
	}
	for _, kind := range []string{errUnreachable, errConflict, errOther} {
		m.errors.WithLabelValues(name, kind)
	}
	labels := prometheus.Labels{"database": name}
	telemetry.Ask(r, "filmgate_sql_connections_in_use", "Connections to the database that are at work.", labels, func() float64 { return float64(db.write.Stats().InUse) })
	telemetry.AskCount(r, "filmgate_sql_waits_seconds_total", "How long has been waited in all for a free connection to the database.", labels,
		func() float64 { return db.write.Stats().WaitDuration.Seconds() })
	db.measures.Store(m)
}

// count answers the fault of err, and counts it when the database is its cause.
func (db *DB) count(err error) error {
	if err == nil {
		return nil
	}
	err = Fault(err)
	if m := db.measures.Load(); m != nil {
		if kind := errorKind(err); kind != "" {
			m.errors.WithLabelValues(m.name, kind).Inc()
		}
	}
	return err
}

func (db *DB) time(began time.Time) {
	if m := db.measures.Load(); m != nil {
		telemetry.Since(m.transactions, began)
	}
}

// errorKind tells errors of the database from those that came through a transaction.
func errorKind(err error) string {
	var (
		pg      *pgconn.PgError
		lite    *sqlite.Error
		connect *pgconn.ConnectError
		network net.Error
	)
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, sql.ErrNoRows): // of whoever asked
		return ""
	case errors.As(err, &pg), errors.As(err, &lite):
		switch fault.KindOf(err) {
		case fault.Unavailable:
			return errUnreachable
		case fault.Exists, fault.Conflict:
			return errConflict
		}
		return errOther
	case errors.As(err, &connect), errors.As(err, &network), errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errUnreachable
	}
	return ""
}
