package rpc

import (
	"context"
	"slices"
	"time"

	"filmgate.dev/pkg/fault"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/job-status/internal/text"
	"filmgate.dev/services/job-status/internal/user"
)

func (s *users) SetSFTPAccess(ctx context.Context, req *jobsv1.SetSFTPAccessRequest) (*jobsv1.SetSFTPAccessResponse, error) {
	c, err := s.guard.with(ctx, user.Users)
	if err != nil {
		return nil, err
	}
	if req.GetGeneratePassword() && req.GetPassword() != "" {
		return nil, fault.New(fault.Invalid, "either give an SFTP password or have one generated, not both")
	}
	name := req.GetUserName()
	if name != "" {
		if name, err = user.ParseSFTPName(name); err != nil {
			return nil, err
		}
	}
	answer := &jobsv1.SetSFTPAccessResponse{}
	var hash string
	if req.GetGeneratePassword() || req.GetPassword() != "" {
		// Hashed before the transaction: it takes long.
		if hash, answer.GeneratedPassword, err = s.password(ctx, req.GetPassword()); err != nil {
			return nil, err
		}
	}
	answer.User, err = s.changeAs(ctx, c, req.GetId(), 0, "sftp_access_changed", func(u *user.User) error {
		if name != "" {
			u.SFTP.UserName = name
		}
		if u.SFTP.UserName == "" {
			return fault.New(fault.Invalid, "SFTP access needs a user name")
		}
		if hash != "" {
			u.SFTP.Hash = hash
		}
		u.SFTP.Enabled = req.GetEnabled()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// SetWebPassword is for those who manage users, and for everybody's own.
func (s *users) SetWebPassword(ctx context.Context, req *jobsv1.SetWebPasswordRequest) (*jobsv1.SetWebPasswordResponse, error) {
	c, err := s.guard.inAccount(ctx)
	if err != nil {
		return nil, err
	}
	if self := !c.service && req.GetId() == c.user.ID; !self && !c.holds(user.Users) {
		return nil, fault.New(fault.Denied, "this needs the right %q; ask an administrator of your studio", user.Users)
	}
	hash, generated, err := s.password(ctx, req.GetPassword())
	if err != nil {
		return nil, err
	}
	_, err = s.changeAs(ctx, c, req.GetId(), 0, "web_password_changed", func(u *user.User) error {
		switch {
		case u.Email == "":
			return fault.New(fault.Invalid, "this user has no e-mail address to sign in with")
		case u.Role == user.UploadOnly:
			return fault.New(fault.Invalid, "an upload-only user has no web login")
		}
		u.WebHash = hash
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &jobsv1.SetWebPasswordResponse{GeneratedPassword: generated}, nil
}

func (s *users) AddSSHKey(ctx context.Context, req *jobsv1.AddSSHKeyRequest) (*jobsv1.User, error) {
	key, err := user.ParseKey(req.GetAuthorizedKey(), time.Now())
	if err != nil {
		return nil, err
	}
	return s.change(ctx, req.GetId(), 0, "ssh_key_added", func(u *user.User) error {
		switch {
		case u.HasKey(key.Fingerprint):
			return fault.New(fault.Exists, "this user has the key %s already", key.Fingerprint)
		case len(u.SFTP.Keys) >= user.MaxKeys:
			return fault.New(fault.Invalid, "a user can have at most %d keys", user.MaxKeys)
		}
		u.SFTP.Keys = append(u.SFTP.Keys, key)
		return nil
	})
}

func (s *users) RemoveSSHKey(ctx context.Context, req *jobsv1.RemoveSSHKeyRequest) (*jobsv1.User, error) {
	return s.change(ctx, req.GetId(), 0, "ssh_key_removed", func(u *user.User) error {
		if !u.HasKey(req.GetFingerprint()) {
			return fault.New(fault.NotFound, "this user has no key %q", text.Clip(req.GetFingerprint()))
		}
		u.SFTP.Keys = slices.DeleteFunc(u.SFTP.Keys, func(k user.Key) bool { return k.Fingerprint == req.GetFingerprint() })
		return nil
	})
}
