package sqldb

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"filmgate.dev/pkg/fault"
)

const (
	unreachable = "the database cannot be reached at the moment; try again"
	tooSlow     = "the database did not answer in time; try again"
)

// Fault gives a driver's error its kind. Errors that have one already, sql.ErrNoRows and context errors pass.
func Fault(err error) error {
	var known *fault.Error
	if err == nil || errors.As(err, &known) || errors.Is(err, sql.ErrNoRows) {
		return err
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return faultPostgres(pg, err)
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return faultSQLite(lite, err)
	}
	var (
		connect *pgconn.ConnectError
		network net.Error
	)
	if errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, sql.ErrConnDone) {
		return fault.Wrap(err, fault.Unavailable, unreachable)
	}
	return err
}

func faultPostgres(pg *pgconn.PgError, err error) error {
	switch {
	case pg.Code == "23505": // unique_violation
		return fault.Wrap(err, fault.Exists, "it exists already")
	case pg.Code == "40001", pg.Code == "40P01": // serialization_failure, deadlock_detected
		return fault.Wrap(err, fault.Conflict, "somebody else changed it at the same time; try again")
	case pg.Code == "57014": // query_canceled, by our context
		return fault.Wrap(err, fault.Unavailable, tooSlow)
	case len(pg.Code) == 5 && (pg.Code[:2] == "08" || pg.Code[:2] == "53" || pg.Code[:3] == "57P"):
		return fault.Wrap(err, fault.Unavailable, unreachable) // connection, resources, shutting down
	default:
		return err
	}
}

func faultSQLite(lite *sqlite.Error, err error) error {
	switch lite.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return fault.Wrap(err, fault.Exists, "it exists already")
	}
	switch lite.Code() & 0xff {
	case sqlite3.SQLITE_INTERRUPT: // by our context
		return fault.Wrap(err, fault.Unavailable, tooSlow)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN:
		return fault.Wrap(err, fault.Unavailable, unreachable)
	default:
		return err
	}
}

// lostRace reports whether PostgreSQL ended a transaction that would succeed if it were run again.
func lostRace(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}
