package sqldb

import (
	"context"
	"fmt"
)

// TryLock runs do while holding the named lock of this database, so that one replica at a time does it; ran is false if
// somebody else holds it. On PostgreSQL the lock lives in a connection: if that one dies, do may run twice at once, so do
// must be safe then, only wasteful.
func (db *DB) TryLock(ctx context.Context, name string, do func(ctx context.Context) error) (ran bool, err error) {
	if db.dialect == SQLite {
		return db.tryLockHere(ctx, name, do)
	}
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return false, Fault(fmt.Errorf("locking %s: %w", name, err))
	}
	defer tx.Rollback() // lets go of the lock
	var got bool
	// Advisory locks belong to the whole database; services share it by schema.
	const query = `SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || ' ' || $1::text, 0))`
	if err := tx.QueryRowContext(ctx, query, name).Scan(&got); err != nil {
		return false, Fault(fmt.Errorf("locking %s: %w", name, err))
	}
	if !got {
		return false, nil
	}
	return true, do(ctx)
}

// tryLockHere locks within this process: it is the only one that may have the SQLite file.
func (db *DB) tryLockHere(ctx context.Context, name string, do func(ctx context.Context) error) (bool, error) {
	db.mu.Lock()
	if db.held[name] {
		db.mu.Unlock()
		return false, nil
	}
	db.held[name] = true
	db.mu.Unlock()
	defer func() {
		db.mu.Lock()
		delete(db.held, name)
		db.mu.Unlock()
	}()
	return true, do(ctx)
}
