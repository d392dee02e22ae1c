package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/services/job-status/internal/page"
	"filmgate.dev/services/job-status/internal/text"
	"filmgate.dev/services/job-status/internal/user"
)

const userColumns = `id, account, email, web_hash, display_name, role, rights, all_jobs, active,
	COALESCE(sftp_name, ''), sftp_enabled, sftp_hash, credentials_revision, revision, created_at`

func scanUser(scan func(...any) error) (user.User, error) {
	var (
		u       user.User
		rights  string
		created int64
	)
	err := scan(&u.ID, &u.Account, &u.Email, &u.WebHash, &u.DisplayName, &u.Role, &rights, &u.AllJobs, &u.Active,
		&u.SFTP.UserName, &u.SFTP.Enabled, &u.SFTP.Hash, &u.CredentialsRevision, &u.Revision, &created)
	for name := range strings.FieldsSeq(rights) {
		u.Rights = append(u.Rights, user.Right(name))
	}
	u.CreatedAt = fromMillis(created)
	return u, err
}

// User finds a user of the account by id.
func (s *Store) User(ctx context.Context, account, id string) (user.User, error) {
	u, err := userBy(ctx, s.db, `account = $1 AND id = $2`, account, id)
	return u, orNotFound(err, "there is no such user")
}

// UserByEmail finds a user of any account.
func (s *Store) UserByEmail(ctx context.Context, email string) (user.User, error) {
	u, err := userBy(ctx, s.db, `email_key = $1`, text.Fold(email))
	return u, orNotFound(err, "there is no user with the e-mail address %q", text.Clip(email))
}

// UserBySFTPName finds a user of any account.
func (s *Store) UserBySFTPName(ctx context.Context, name string) (user.User, error) {
	u, err := userBy(ctx, s.db, `sftp_name = $1`, name)
	return u, orNotFound(err, "there is no SFTP user %q", text.Clip(name))
}

// userBy always asks for keys too, so that an unknown user takes as many queries as a known one.
func userBy(ctx context.Context, q sqldb.Querier, where string, args ...any) (user.User, error) {
	u, err := scanUser(q.QueryRowContext(ctx, `SELECT `+userColumns+` FROM users WHERE `+where, args...).Scan)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return user.User{}, err
	}
	keys, keysErr := keysOf(ctx, q, u.ID)
	u.SFTP.Keys = keys
	if err == nil {
		err = keysErr
	}
	return u, err
}

func keysOf(ctx context.Context, q sqldb.Querier, userID string) ([]user.Key, error) {
	var keys []user.Key
	rows, err := q.QueryContext(ctx, `SELECT fingerprint, blob, comment, added_at FROM ssh_keys WHERE user_id = $1 ORDER BY added_at, fingerprint`, userID)
	err = each(rows, err, func(scan func(...any) error) error {
		var (
			k     user.Key
			added int64
		)
		err := scan(&k.Fingerprint, &k.Blob, &k.Comment, &added)
		k.AddedAt = fromMillis(added)
		keys = append(keys, k)
		return err
	})
	return keys, err
}

// Users answers a page of the account's users, oldest first.
func (s *Store) Users(ctx context.Context, account string, p page.Page) ([]user.User, error) {
	var list []user.User
	rows, err := s.db.QueryContext(ctx, `SELECT `+userColumns+` FROM users WHERE account = $1 AND id > $2 ORDER BY id LIMIT $3`,
		account, p.After, p.Limit)
	err = each(rows, err, func(scan func(...any) error) error {
		u, err := scanUser(scan)
		list = append(list, u)
		return err
	})
	for i := range list {
		if err == nil {
			list[i].SFTP.Keys, err = keysOf(ctx, s.db, list[i].ID)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("listing users of %s: %w", account, err)
	}
	return list, nil
}
