package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/services/job-status/internal/text"
	"filmgate.dev/services/job-status/internal/user"
)

func joinRights(rights []user.Right) string {
	names := make([]string, len(rights))
	for i, r := range rights {
		names[i] = string(r)
	}
	return strings.Join(names, " ")
}

// CreateUser keeps a new user and assigns the jobs.
func (s *Store) CreateUser(ctx context.Context, u user.User, jobIDs []string, by Actor) (user.User, error) {
	u.CreatedAt, u.Revision, u.CredentialsRevision = s.time(), 1, 1
	err := s.db.InTx(ctx, func(ctx context.Context, tx sqldb.Tx) error {
		if err := bump(ctx, tx, u.Account); err != nil {
			return err
		}
		if err := free(ctx, tx, u); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `
			INSERT INTO users (id, account, email, email_key, web_hash, display_name, role, rights, all_jobs, active,
				sftp_name, sftp_enabled, sftp_hash, credentials_revision, revision, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
			u.ID, u.Account, u.Email, optional(text.Fold(u.Email)), u.WebHash, u.DisplayName, u.Role, joinRights(u.Rights), u.AllJobs, u.Active,
			optional(u.SFTP.UserName), u.SFTP.Enabled, u.SFTP.Hash, u.CredentialsRevision, u.Revision, millis(u.CreatedAt))
		if err != nil {
			return err
		}
		for _, jobID := range jobIDs {
			result, err := tx.ExecContext(ctx, `
				INSERT INTO assignments (job_id, user_id) SELECT id, $1 FROM jobs WHERE id = $2 AND account = $3 ON CONFLICT (job_id, user_id) DO NOTHING`,
				u.ID, jobID, u.Account)
			if err != nil {
				return err
			}
			if n, err := result.RowsAffected(); err == nil && n == 0 {
				return noJob(jobID)
			}
			if _, err := tx.ExecContext(ctx, `UPDATE jobs SET revision = revision + 1, updated_at = $1 WHERE id = $2`, millis(u.CreatedAt), jobID); err != nil {
				return err
			}
		}
		return record(ctx, tx, by.Event(u.Account, "user_created", "", describe(u), u.CreatedAt))
	})
	if err != nil {
		return user.User{}, fmt.Errorf("creating user: %w", err)
	}
	return u, nil
}

// ChangeUser applies change to the user's current state and records it as action. A revision other than 0 must be the
// current one. Where connections must end, the credentials' revision grows.
func (s *Store) ChangeUser(ctx context.Context, account, id string, revision int64, action string, by Actor, change func(*user.User) error) (user.User, error) {
	var after user.User
	err := s.db.InTx(ctx, func(ctx context.Context, tx sqldb.Tx) error {
		before, err := userBy(ctx, tx, `account = $1 AND id = $2`, account, id)
		if err != nil {
			return orNotFound(err, "there is no such user")
		}
		if revision != 0 && revision != before.Revision {
			return fault.New(fault.Conflict, "somebody else has changed this user meanwhile; look at it again")
		}
		after = before
		after.Rights, after.SFTP.Keys = slices.Clone(before.Rights), slices.Clone(before.SFTP.Keys)
		if err := change(&after); err != nil {
			return err
		}
		after.Revision++
		if after.EndsConnections(before) {
			after.CredentialsRevision++
		}
		if err := bump(ctx, tx, account); err != nil {
			return err
		}
		if err := s.write(ctx, tx, before, after); err != nil {
			return err
		}
		return record(ctx, tx, by.Event(account, action, "", describe(after), s.time()))
	})
	if err != nil {
		return user.User{}, fmt.Errorf("changing user %s: %w", text.Clip(id), err)
	}
	return after, nil
}

// write stores what a change made of a user, and ends web sessions that must not go on.
func (s *Store) write(ctx context.Context, tx sqldb.Tx, before, after user.User) error {
	if err := free(ctx, tx, after); err != nil {
		return err
	}
	if before.Role == user.Admin && before.Active && (after.Role != user.Admin || !after.Active) {
		if err := keepAnAdmin(ctx, tx, after); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, `
		UPDATE users SET web_hash = $1, display_name = $2, role = $3, rights = $4, all_jobs = $5, active = $6, sftp_name = $7,
			sftp_enabled = $8, sftp_hash = $9, credentials_revision = $10, revision = $11 WHERE id = $12`,
		after.WebHash, after.DisplayName, after.Role, joinRights(after.Rights), after.AllJobs, after.Active, optional(after.SFTP.UserName),
		after.SFTP.Enabled, after.SFTP.Hash, after.CredentialsRevision, after.Revision, after.ID)
	if err != nil {
		return err
	}
	if err := writeKeys(ctx, tx, before, after); err != nil {
		return err
	}
	if !after.Active || after.WebHash != before.WebHash || after.Role == user.UploadOnly {
		_, err = tx.ExecContext(ctx, `DELETE FROM sessions WHERE user_id = $1`, after.ID)
	}
	return err
}

func writeKeys(ctx context.Context, tx sqldb.Tx, before, after user.User) error {
	for _, k := range before.SFTP.Keys {
		if !after.HasKey(k.Fingerprint) {
			if _, err := tx.ExecContext(ctx, `DELETE FROM ssh_keys WHERE user_id = $1 AND fingerprint = $2`, after.ID, k.Fingerprint); err != nil {
				return err
			}
		}
	}
	for _, k := range after.SFTP.Keys {
		if !before.HasKey(k.Fingerprint) {
			if _, err := tx.ExecContext(ctx, `INSERT INTO ssh_keys (user_id, fingerprint, blob, comment, added_at) VALUES ($1, $2, $3, $4, $5)`,
				after.ID, k.Fingerprint, k.Blob, k.Comment, millis(k.AddedAt)); err != nil {
				return err
			}
		}
	}
	return nil
}

// free refuses an e-mail address or SFTP user name that somebody else has, in any account.
func free(ctx context.Context, tx sqldb.Tx, u user.User) error {
	var taken string
	if u.Email != "" {
		err := tx.QueryRowContext(ctx, `SELECT id FROM users WHERE email_key = $1 AND id <> $2`, text.Fold(u.Email), u.ID).Scan(&taken)
		if err == nil {
			return fault.New(fault.Exists, "the e-mail address %s is in use already", u.Email)
		} else if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
	}
	if u.SFTP.UserName != "" {
		err := tx.QueryRowContext(ctx, `SELECT id FROM users WHERE sftp_name = $1 AND id <> $2`, u.SFTP.UserName, u.ID).Scan(&taken)
		if err == nil {
			return fault.New(fault.Exists, "the SFTP user name %s is in use already; choose another", u.SFTP.UserName)
		} else if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
	}
	return nil
}

// keepAnAdmin refuses to take the last administrator from an account: nobody could undo it.
func keepAnAdmin(ctx context.Context, tx sqldb.Tx, u user.User) error {
	var others int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM users WHERE account = $1 AND role = $2 AND active AND id <> $3`,
		u.Account, user.Admin, u.ID).Scan(&others)
	if err == nil && others == 0 {
		return fault.New(fault.Invalid, "this is the last administrator of the account; make somebody else one first")
	}
	return err
}

// describe says in the audit who a user is and what they may do.
func describe(u user.User) string {
	who := u.DisplayName
	if u.SFTP.UserName != "" {
		state := "off"
		if u.SFTP.Enabled {
			state = "on"
		}
		who += fmt.Sprintf(", SFTP %s %s", u.SFTP.UserName, state)
	}
	if !u.Active {
		who += ", switched off"
	}
	return strings.TrimSpace(fmt.Sprintf("%s: %s %s", who, u.Role, joinRights(u.Rights)))
}
