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
	rows, err := s.db.QueryContext(ctx, `
		SELECT id, time, user_id, user_name, action, job_id, client_address, detail FROM audit
		WHERE account = $1 AND (CAST($2 AS TEXT) = '' OR id < $2) AND (CAST($3 AS TEXT) = '' OR job_id = $3)
		  AND (CAST($4 AS TEXT) = '' OR user_id = $4)
		ORDER BY id DESC LIMIT $5`, account, p.After, filter.JobID, filter.UserID, p.Limit)
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
