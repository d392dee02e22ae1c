package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/services/job-status/internal/guess"
	"filmgate.dev/services/job-status/internal/page"
)

const banColumns = `network, since, until, times, user_name, account`

func scanBan(scan func(...any) error) (guess.Ban, error) {
	var (
		b            guess.Ban
		since, until int64
	)
	err := scan(&b.Network, &since, &until, &b.Times, &b.UserName, &b.Account)
	b.Since, b.Until = fromMillis(since), fromMillis(until)
	return b, err
}

// Ban keeps the attempt's address out, for as long as length answers for the nth time. made is false if it is banned
// already. The address begins anew after the ban: what was counted against it has had its effect.
func (s *Store) Ban(ctx context.Context, a guess.Attempt, now time.Time, length func(times int) time.Duration, by Actor) (ban guess.Ban, made bool, err error) {
	err = s.db.InTx(ctx, func(ctx context.Context, tx sqldb.Tx) error {
		ban, made = guess.Ban{}, false
		before, err := scanBan(tx.QueryRowContext(ctx, `SELECT `+banColumns+` FROM bans WHERE network = $1`, a.Network).Scan)
		switch {
		case err != nil && !errors.Is(err, sql.ErrNoRows):
			return err
		case err == nil && before.Until.After(now):
			ban = before
			return nil
		}
		ban = guess.Ban{Network: a.Network, Since: now, Times: before.Times + 1, UserName: a.User}
		ban.Until = now.Add(length(ban.Times))
		err = tx.QueryRowContext(ctx, `SELECT account FROM login_failures WHERE network = $1 AND user_name = ''`, a.Network).Scan(&ban.Account)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if ban.Account == severalAccounts {
			ban.Account = ""
		}
		_, err = tx.ExecContext(ctx, `
			INSERT INTO bans (`+banColumns+`) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (network) DO UPDATE SET since = excluded.since, until = excluded.until, times = excluded.times,
				user_name = excluded.user_name, account = excluded.account`,
			ban.Network, millis(ban.Since), millis(ban.Until), ban.Times, ban.UserName, ban.Account)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM login_failures WHERE network = $1 AND user_name = ''`, a.Network); err != nil {
			return err
		}
		made = true
		event := by.Event(ban.Account, "address_banned", "", fmt.Sprintf("too many failed logins, the last one as this user; until %s", ban.Until.UTC().Format(time.RFC3339)), now)
		event.ClientAddress = ban.Network
		return record(ctx, tx, event)
	})
	if err != nil {
		return guess.Ban{}, false, fmt.Errorf("banning %s: %w", a.Network, err)
	}
	return ban, made, nil
}

// Bans answers a page of the bans that are running, by network: of all, or of the account alone.
func (s *Store) Bans(ctx context.Context, account string, now time.Time, p page.Page) ([]guess.Ban, error) {
	var list []guess.Ban
	rows, err := s.db.QueryContext(ctx, `
		SELECT `+banColumns+` FROM bans WHERE network > $1 AND until > $2 AND (CAST($3 AS TEXT) = '' OR account = $3) ORDER BY network LIMIT $4`,
		p.After, millis(now), account, p.Limit)
	err = each(rows, err, func(scan func(...any) error) error {
		b, err := scanBan(scan)
		list = append(list, b)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing bans: %w", err)
	}
	return list, nil
}

// LiftBan ends a ban, of any account or of this one alone, and forgets everything that was counted from there.
func (s *Store) LiftBan(ctx context.Context, account, network string, now time.Time, by Actor) (guess.Ban, error) {
	var ban guess.Ban
	err := s.db.InTx(ctx, func(ctx context.Context, tx sqldb.Tx) (err error) {
		ban, err = scanBan(tx.QueryRowContext(ctx, `
			SELECT `+banColumns+` FROM bans WHERE network = $1 AND until > $2 AND (CAST($3 AS TEXT) = '' OR account = $3)`,
			network, millis(now), account).Scan)
		if err != nil {
			return orNotFound(err, "the address %s is not banned", network)
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM bans WHERE network = $1`, network); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM login_failures WHERE network = $1`, network); err != nil {
			return err
		}
		event := by.Event(ban.Account, "ban_lifted", "", fmt.Sprintf("it would have ended at %s", ban.Until.UTC().Format(time.RFC3339)), now)
		event.ClientAddress = ban.Network
		return record(ctx, tx, event)
	})
	if err != nil {
		if fault.Is(err, fault.NotFound) {
			return guess.Ban{}, err
		}
		return guess.Ban{}, fmt.Errorf("lifting the ban of %s: %w", network, err)
	}
	return ban, nil
}
