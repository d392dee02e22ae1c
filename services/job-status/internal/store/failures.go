package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"filmgate.dev/services/job-status/internal/guess"
)

// Bounds of what strangers can make this database remember.
const (
	maxFailures = 100_000 // counters; looked at once a minute, so it can be somewhat more
	maxBans     = 10_000
	maxPlaces   = 50 // addresses that one user has logged in from; the oldest gives way
)

const (
	placesKept = 180 * 24 * time.Hour
	// severalAccounts stands for an account in a counter whose failures were of users of more than one.
	severalAccounts = "*"
)

// Standing answers what was counted for the attempt before it, in one query whoever it is.
func (s *Store) Standing(ctx context.Context, a guess.Attempt, now time.Time) (guess.Standing, error) {
	var standing guess.Standing
	rows, err := s.db.QueryContext(ctx, `
		SELECT CASE WHEN network = '' THEN 'user' WHEN user_name = '' THEN 'address' ELSE 'pair' END, forgiven_at FROM login_failures
		WHERE forgiven_at > $3 AND (network = $1 AND user_name IN ('', $2) OR network = '' AND user_name = $2)
		UNION ALL SELECT 'place', at FROM login_places WHERE user_name = $2 AND network = $1
		UNION ALL SELECT 'ban', until FROM bans WHERE network = $1 AND until > $3`, a.Network, a.User, millis(now))
	err = each(rows, err, func(scan func(...any) error) error {
		var (
			what string
			ms   int64
		)
		if err := scan(&what, &ms); err != nil {
			return err
		}
		switch at := fromMillis(ms); what {
		case "address":
			standing.Address = at
		case "user":
			standing.User = at
		case "pair":
			standing.Pair = at
		case "place":
			standing.LoggedIn = at
		case "ban":
			standing.Banned = at
		}
		return nil
	})
	if err != nil {
		return guess.Standing{}, fmt.Errorf("reading what failed before: %w", err)
	}
	if a.Trusted { // it may have been counted before it was
		standing.Address, standing.Banned = time.Time{}, time.Time{}
	}
	return standing, nil
}

// CountFailure counts a failed attempt as the account's user, or nobody's; most is how many are remembered at most. It is
// one statement in no transaction: many failures of one address come at once, and none may be lost by losing a race.
func (s *Store) CountFailure(ctx context.Context, a guess.Attempt, account string, now time.Time, step time.Duration, most int) error {
	args := []any{millis(now.Add(step)), millis(now), step.Milliseconds(), millis(now.Add(time.Duration(most) * step)), a.User}
	values := `('', $5, $1, '')`
	if a.Network != "" { // in the same order for all, so that no two wait for each other
		args = append(args, a.Network)
		values = `($6, $5, $1, ''), ` + values
		if !a.Trusted {
			args = append(args, account)
			values = `($6, '', $1, $7), ` + values
		}
	}
	_, err := s.db.ExecContext(ctx, `
		INSERT INTO login_failures (network, user_name, forgiven_at, account) VALUES `+values+`
		ON CONFLICT (network, user_name) DO UPDATE SET
			forgiven_at = CASE WHEN login_failures.forgiven_at <= $2 THEN excluded.forgiven_at
				WHEN login_failures.forgiven_at + $3 > $4 THEN $4 ELSE login_failures.forgiven_at + $3 END,
			account = CASE WHEN login_failures.forgiven_at <= $2 OR login_failures.account = '' THEN excluded.account
				WHEN excluded.account = '' OR excluded.account = login_failures.account THEN login_failures.account
				ELSE '`+severalAccounts+`' END`, args...)
	if err != nil {
		return fmt.Errorf("counting a failed login: %w", err)
	}
	return nil
}

// LoggedIn forgets what failed for the user from this address, and remembers the address as one of the user's.
func (s *Store) LoggedIn(ctx context.Context, a guess.Attempt, before guess.Standing, now time.Time) error {
	if before.Pair.After(now) {
		if _, err := s.db.ExecContext(ctx, `DELETE FROM login_failures WHERE network = $1 AND user_name = $2`, a.Network, a.User); err != nil {
			return fmt.Errorf("forgetting failed logins: %w", err)
		}
	}
	if a.Network == "" || now.Sub(before.LoggedIn) < 24*time.Hour {
		return nil
	}
	_, err := s.db.ExecContext(ctx, `
		INSERT INTO login_places (user_name, network, at) VALUES ($1, $2, $3)
		ON CONFLICT (user_name, network) DO UPDATE SET at = excluded.at`, a.User, a.Network, millis(now))
	if err == nil {
		_, err = s.db.ExecContext(ctx, `
			DELETE FROM login_places WHERE user_name = $1 AND network NOT IN (
				SELECT network FROM login_places WHERE user_name = $1 ORDER BY at DESC, network LIMIT $2)`, a.User, maxPlaces)
	}
	if err != nil {
		return fmt.Errorf("remembering from where a user logs in: %w", err)
	}
	return nil
}

// ForgetLogins deletes counters that are forgiven, places that were not used for long, and bans that ended so long ago that
// the next one of the address is a first one. Of too many it keeps the weightiest.
func (s *Store) ForgetLogins(ctx context.Context, now time.Time, repeat time.Duration) error {
	for _, old := range []struct {
		what   string
		before time.Time
	}{
		{`DELETE FROM login_failures WHERE forgiven_at <= $1`, now},
		{`DELETE FROM login_places WHERE at <= $1`, now.Add(-placesKept)},
		{`DELETE FROM bans WHERE until <= $1`, now.Add(-repeat)},
	} {
		if _, err := s.db.ExecContext(ctx, old.what, millis(old.before)); err != nil {
			return fmt.Errorf("forgetting old logins: %w", err)
		}
	}
	if err := s.trim(ctx, "login_failures", "forgiven_at", s.maxFailures); err != nil {
		return err
	}
	return s.trim(ctx, "bans", "until", maxBans)
}

// trim keeps the rows of the greatest column, at most so many.
func (s *Store) trim(ctx context.Context, table, column string, most int) error {
	var last int64
	err := s.db.QueryRowContext(ctx, `SELECT `+column+` FROM `+table+` ORDER BY `+column+` DESC LIMIT 1 OFFSET $1`, most).Scan(&last)
	if err == nil {
		_, err = s.db.ExecContext(ctx, `DELETE FROM `+table+` WHERE `+column+` <= $1`, last)
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("keeping %s small: %w", table, err)
	}
	return nil
}
