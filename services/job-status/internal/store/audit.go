package store

import (
	"context"
	"fmt"
	"time"

	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/services/job-status/internal/audit"
	"filmgate.dev/services/job-status/internal/page"
)

// record writes a line, once per id.
func record(ctx context.Context, q sqldb.Querier, e audit.Event) error {
	_, err := q.ExecContext(ctx, `
		INSERT INTO audit (id, time, account, user_id, user_name, action, job_id, client_address, detail)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING`,
		e.ID, millis(e.Time), e.Account, e.UserID, e.UserName, e.Action, e.JobID, e.ClientAddress, e.Detail)
	if err != nil {
		return fmt.Errorf("recording %s: %w", e.Action, err)
	}
	return nil
}

// Record writes lines that were seen elsewhere.
func (s *Store) Record(ctx context.Context, events ...audit.Event) error {
	return s.db.InTx(ctx, func(ctx context.Context, tx sqldb.Tx) error {
		for _, e := range events {
			if err := record(ctx, tx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

// Audit answers a page of the account's record, newest first.
func (s *Store) Audit(ctx context.Context, account string, filter audit.Filter, p page.Page) ([]audit.Event, error) {
	var list []audit.Event
	query, args := found(account, filter, p)
	rows, err := s.db.QueryContext(ctx, query, args...)
	err = each(rows, err, func(scan func(...any) error) error {
		e := audit.Event{Account: account}
		var at int64
		err := scan(&e.ID, &at, &e.UserID, &e.UserName, &e.Action, &e.JobID, &e.ClientAddress, &e.Detail)
		e.Time = fromMillis(at)
		list = append(list, e)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing the audit of %s: %w", account, err)
	}
	return list, nil
}

// found asks only for what is filtered: a condition that may be empty would keep a database from its index.
func found(account string, filter audit.Filter, p page.Page) (query string, args []any) {
	where, args := "account = $1", []any{account}
	for _, c := range []struct{ condition, value string }{{"id <", p.After}, {"job_id =", filter.JobID}, {"user_id =", filter.UserID}} {
		if c.value != "" {
			args = append(args, c.value)
			where += fmt.Sprintf(" AND %s $%d", c.condition, len(args))
		}
	}
	args = append(args, p.Limit)
	return `SELECT id, time, user_id, user_name, action, job_id, client_address, detail FROM audit WHERE ` + where +
		fmt.Sprintf(" ORDER BY id DESC LIMIT $%d", len(args)), args
}

// Forget deletes sessions that have expired and lines of the audit from before oldest.
func (s *Store) Forget(ctx context.Context, oldest time.Time) error {
	if _, err := s.db.ExecContext(ctx, `DELETE FROM sessions WHERE expires_at <= $1`, millis(s.now())); err != nil {
		return fmt.Errorf("forgetting sessions: %w", err)
	}
	if _, err := s.db.ExecContext(ctx, `DELETE FROM audit WHERE time < $1`, millis(oldest)); err != nil {
		return fmt.Errorf("forgetting the audit: %w", err)
	}
	return nil
}
