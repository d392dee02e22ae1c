package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"time"

	"filmgate.dev/pkg/fault"
)

// maxAttempts bounds how often a transaction that lost a race is run again.
const maxAttempts = 20

// errNested is a programmer's mistake that would wait for itself on SQLite.
var errNested = errors.New("sqldb: inside a transaction, use its Tx")

type txKey struct{}

func inTx(ctx context.Context) bool { return ctx.Value(txKey{}) != nil }

// Tx is a running transaction.
type Tx struct{ tx *sql.Tx }

// ExecContext runs one statement.
func (t Tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	result, err := t.tx.ExecContext(ctx, query, args...)
	return result, Fault(err)
}

// QueryContext answers rows. Read them to the end before the next statement: a transaction has one connection.
func (t Tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	rows, err := t.tx.QueryContext(ctx, query, args...)
	return rows, Fault(err)
}

// QueryRowContext answers one row.
func (t Tx) QueryRowContext(ctx context.Context, query string, args ...any) *Row {
	return &Row{t.tx.QueryRowContext(ctx, query, args...), Fault}
}

// InTx runs do in a serializable transaction: committed if do answers nil, else rolled back. One that lost a race is run
// again, so do must have no effect outside the transaction until InTx has returned.
func (db *DB) InTx(ctx context.Context, do func(ctx context.Context, tx Tx) error) error {
	if inTx(ctx) {
		return errNested
	}
	var options *sql.TxOptions
	if db.dialect == Postgres {
		options = &sql.TxOptions{Isolation: sql.LevelSerializable}
	}
	defer db.time(time.Now())
	for attempt := 1; ; attempt++ {
		err := run(ctx, db.write, options, do)
		if !lostRace(err) || attempt == maxAttempts {
			return db.count(err)
		}
		timer := time.NewTimer(time.Duration(1+rand.IntN(5*attempt)) * time.Millisecond)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fault.Wrap(ctx.Err(), fault.Unavailable, "the server did not answer in time; try again")
		}
	}
}

// InReadTx runs do on one unmoving snapshot of the database.
func (db *DB) InReadTx(ctx context.Context, do func(ctx context.Context, tx Tx) error) error {
	var options *sql.TxOptions
	if db.dialect == Postgres {
		options = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	return db.count(run(ctx, db.read, options, do))
}

func run(ctx context.Context, pool *sql.DB, options *sql.TxOptions, do func(context.Context, Tx) error) error {
	tx, err := pool.BeginTx(ctx, options)
	if err != nil {
		return err
	}
	defer tx.Rollback() // no effect after a commit
	if err := do(context.WithValue(ctx, txKey{}, true), Tx{tx}); err != nil {
		return err
	}
	err = tx.Commit()
	if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil {
		return ctx.Err() // the end of ctx has rolled it back, which is not a bug of ours
	}
	return err
}
