// Package store keeps the catalog in SQL: one set of queries for SQLite and PostgreSQL.
//
// Every query of people names the account. What the log says is keyed by ids and subjects, which contain it.
package store

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"filmgate.dev/pkg/sqldb"
)

// Migrations are the goose files of the catalog.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// Rows reads and writes the catalog through a database or a transaction.
type Rows struct {
	q sqldb.Querier
}

// In answers the catalog as q sees it.
func In(q sqldb.Querier) Rows { return Rows{q} }

// list reads every row of a query.
func list[T any](ctx context.Context, q sqldb.Querier, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, sqldb.Fault(rows.Err())
}

// one reads the first row of a query; false if there is none.
func one[T any](ctx context.Context, q sqldb.Querier, scan func(scanner) (T, error), query string, args ...any) (T, bool, error) {
	found, err := scan(q.QueryRowContext(ctx, query, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return found, false, nil
	}
	return found, err == nil, err
}

type scanner interface{ Scan(dest ...any) error }

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func encode(v any) (string, error) {
	data, err := json.Marshal(v)
	return string(data), err
}

func decode(text string, v any) error {
	if err := json.Unmarshal([]byte(text), v); err != nil {
		return fmt.Errorf("decode a stored %T: %w", v, err)
	}
	return nil
}
