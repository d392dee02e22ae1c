package store

import (
	"context"
	"fmt"
	"time"

	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/services/job-status/internal/user"
)

// maxSessions bounds the web sessions of one user; the oldest gives way.
const maxSessions = 20

// AddSession keeps the hash of a token.
func (s *Store) AddSession(ctx context.Context, hash, userID string, lifetime time.Duration) (expires time.Time, err error) {
	now := s.time()
	expires = now.Add(lifetime)
	err = s.db.InTx(ctx, func(ctx context.Context, tx sqldb.Tx) error {
		_, err := tx.ExecContext(ctx, `
			DELETE FROM sessions WHERE user_id = $1 AND token_hash NOT IN (
				SELECT token_hash FROM sessions WHERE user_id = $1 ORDER BY created_at DESC, token_hash LIMIT $2)`, userID, maxSessions-1)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO sessions (token_hash, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)`,
			hash, userID, millis(now), millis(expires))
		return err
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("keeping a session: %w", err)
	}
	return expires, nil
}

// SessionUser answers whose token it is; NotFound when it has expired, the user was switched off, or it never was one.
func (s *Store) SessionUser(ctx context.Context, hash string) (user.User, error) {
	u, err := scanUser(s.db.QueryRowContext(ctx, `
		SELECT `+userColumns+` FROM users WHERE active AND id = (SELECT user_id FROM sessions WHERE token_hash = $1 AND expires_at > $2)`,
		hash, millis(s.now())).Scan)
	return u, orNotFound(err, "there is no such session")
}

// EndSession forgets a token.
func (s *Store) EndSession(ctx context.Context, hash string) error {
	if _, err := s.db.ExecContext(ctx, `DELETE FROM sessions WHERE token_hash = $1`, hash); err != nil {
		return fmt.Errorf("ending a session: %w", err)
	}
	return nil
}
