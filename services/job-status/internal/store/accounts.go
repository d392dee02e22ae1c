package store

import (
	"context"
	"fmt"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/services/job-status/internal/account"
	"filmgate.dev/services/job-status/internal/page"
)

func noAccount(slug string) error { return fault.New(fault.NotFound, "there is no account %q", slug) }

// CreateAccount keeps a new account.
func (s *Store) CreateAccount(ctx context.Context, a account.Account, by Actor) (account.Account, error) {
	a.CreatedAt = s.time()
	err := s.db.InTx(ctx, func(ctx context.Context, tx sqldb.Tx) error {
		result, err := tx.ExecContext(ctx, `
			INSERT INTO accounts (slug, name, revision, created_at) VALUES ($1, $2, 1, $3) ON CONFLICT (slug) DO NOTHING`,
			a.Slug, a.Name, millis(a.CreatedAt))
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err == nil && n == 0 {
			return fault.New(fault.Exists, "there is an account %q already", a.Slug)
		}
		return record(ctx, tx, by.Event(a.Slug, "account_created", "", a.Name, a.CreatedAt))
	})
	if err != nil {
		return account.Account{}, fmt.Errorf("creating account %s: %w", a.Slug, err)
	}
	return a, nil
}

// Account answers one account.
func (s *Store) Account(ctx context.Context, slug string) (account.Account, error) {
	a := account.Account{Slug: slug}
	var created int64
	err := s.db.QueryRowContext(ctx, `SELECT name, created_at FROM accounts WHERE slug = $1`, slug).Scan(&a.Name, &created)
	if err != nil {
		return a, orNotFound(err, "there is no account %q", slug)
	}
	a.CreatedAt = fromMillis(created)
	return a, nil
}

// Accounts answers a page of accounts by slug.
func (s *Store) Accounts(ctx context.Context, p page.Page) ([]account.Account, error) {
	var list []account.Account
	rows, err := s.db.QueryContext(ctx, `SELECT slug, name, created_at FROM accounts WHERE slug > $1 ORDER BY slug LIMIT $2`, p.After, p.Limit)
	err = each(rows, err, func(scan func(...any) error) error {
		var (
			a       account.Account
			created int64
		)
		err := scan(&a.Slug, &a.Name, &created)
		a.CreatedAt = fromMillis(created)
		list = append(list, a)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing accounts: %w", err)
	}
	return list, nil
}
