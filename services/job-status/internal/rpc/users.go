package rpc

import (
	"context"

	"github.com/oklog/ulid/v2"

	"filmgate.dev/pkg/fault"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/job-status/internal/audit"
	"filmgate.dev/services/job-status/internal/login"
	"filmgate.dev/services/job-status/internal/page"
	"filmgate.dev/services/job-status/internal/text"
	"filmgate.dev/services/job-status/internal/user"
)

// maxJobs bounds the jobs to which a new user is assigned.
const maxJobs = 500

// users keeps the people of the caller's account.
type users struct {
	jobsv1.UnimplementedUserServiceServer
	guard     *guard
	store     userStore
	passwords *login.Passwords
	changed   func(ctx context.Context, account string)
}

type userStore interface {
	CreateUser(ctx context.Context, u user.User, jobIDs []string, by audit.Actor) (user.User, error)
	ChangeUser(ctx context.Context, account, id string, revision int64, action string, by audit.Actor, change func(*user.User) error) (user.User, error)
	User(ctx context.Context, account, id string) (user.User, error)
	UserByEmail(ctx context.Context, email string) (user.User, error)
	UserBySFTPName(ctx context.Context, name string) (user.User, error)
	Users(ctx context.Context, account string, p page.Page) ([]user.User, error)
}

func (s *users) CreateUser(ctx context.Context, req *jobsv1.CreateUserRequest) (*jobsv1.CreateUserResponse, error) {
	c, err := s.guard.with(ctx, user.Users)
	if err != nil {
		return nil, err
	}
	if len(req.GetJobIds()) > maxJobs {
		return nil, fault.New(fault.Invalid, "at most %d jobs can be assigned at once", maxJobs)
	}
	u, err := newUser(c.account, req)
	if err != nil {
		return nil, err
	}
	if err := c.mayManage(u); err != nil {
		return nil, err
	}
	answer := &jobsv1.CreateUserResponse{}
	switch {
	case u.Role == user.UploadOnly && req.GetWebPassword() != "":
		return nil, fault.New(fault.Invalid, "an upload-only user has no web login; leave out the web password")
	case u.Email != "" && u.Role != user.UploadOnly:
		if u.WebHash, answer.GeneratedWebPassword, err = s.password(ctx, req.GetWebPassword()); err != nil {
			return nil, err
		}
	case req.GetWebPassword() != "":
		return nil, fault.New(fault.Invalid, "a web password needs an e-mail address to sign in with")
	}
	if u.SFTP.UserName != "" {
		if u.SFTP.Hash, answer.GeneratedSftpPassword, err = s.password(ctx, req.GetSftpPassword()); err != nil {
			return nil, err
		}
	} else if req.GetSftpPassword() != "" {
		return nil, fault.New(fault.Invalid, "an SFTP password needs an SFTP user name")
	}
	if u, err = s.store.CreateUser(ctx, u, req.GetJobIds(), c.actor()); err != nil {
		return nil, err
	}
	s.changed(ctx, c.account)
	answer.User = userProto(u)
	return answer, nil
}

// newUser parses everything but passwords.
func newUser(account string, req *jobsv1.CreateUserRequest) (user.User, error) {
	u := user.User{ID: ulid.Make().String(), Account: account, AllJobs: req.GetAllJobs(), Active: true}
	var err error
	if u.Role, err = roleOf(req.GetRole()); err != nil {
		return u, err
	}
	if u.Rights, err = user.ParseRights(req.GetRights()); err != nil {
		return u, err
	}
	if req.GetEmail() != "" {
		if u.Email, err = user.ParseEmail(req.GetEmail()); err != nil {
			return u, err
		}
	}
	if req.GetSftpUserName() != "" {
		if u.SFTP.UserName, err = user.ParseSFTPName(req.GetSftpUserName()); err != nil {
			return u, err
		}
		u.SFTP.Enabled = true
	}
	name := req.GetDisplayName()
	for _, other := range []string{u.Email, u.SFTP.UserName} {
		if name == "" {
			name = other
		}
	}
	u.DisplayName, err = text.Name("the name of a user", name)
	return u, err
}

func (s *users) GetUser(ctx context.Context, req *jobsv1.GetUserRequest) (*jobsv1.User, error) {
	c, err := s.guard.inAccount(ctx)
	if err != nil {
		return nil, err
	}
	var u user.User
	switch key := req.GetKey().(type) {
	case *jobsv1.GetUserRequest_Id:
		u, err = s.store.User(ctx, c.account, text.Clip(key.Id))
	case *jobsv1.GetUserRequest_Email:
		u, err = s.store.UserByEmail(ctx, text.ClipTo(key.Email, 254))
	case *jobsv1.GetUserRequest_SftpUserName:
		u, err = s.store.UserBySFTPName(ctx, text.Clip(key.SftpUserName))
	default:
		err = fault.New(fault.Invalid, "say which user: id, e-mail address or SFTP user name")
	}
	if err != nil && !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	// Who may not manage users knows only of themselves, and nobody knows of another account's.
	self := !c.service && u.ID == c.user.ID
	if !self && !c.holds(user.Users) {
		return nil, fault.New(fault.Denied, "this needs the right %q; ask an administrator of your studio", user.Users)
	}
	if err != nil || u.Account != c.account {
		asked := text.Clip(req.GetId() + req.GetEmail() + req.GetSftpUserName())
		return nil, fault.New(fault.NotFound, "there is no user %q in the account %s", asked, c.account)
	}
	return userProto(u), nil
}

func (s *users) ListUsers(ctx context.Context, req *jobsv1.ListUsersRequest) (*jobsv1.ListUsersResponse, error) {
	// Who may change jobs needs the names of those to assign.
	c, err := s.guard.with(ctx, user.Users, user.Jobs)
	if err != nil {
		return nil, err
	}
	p, err := page.ParseIDs(req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	list, err := s.store.Users(ctx, c.account, p)
	if err != nil {
		return nil, err
	}
	answer := &jobsv1.ListUsersResponse{NextPageToken: page.Next(p, list, func(u user.User) string { return u.ID })}
	for _, u := range list {
		answer.Users = append(answer.Users, userProto(u))
	}
	return answer, nil
}

func (s *users) UpdateUser(ctx context.Context, req *jobsv1.UpdateUserRequest) (*jobsv1.User, error) {
	role, err := roleOf(req.GetRole())
	if err != nil {
		return nil, err
	}
	rights, err := user.ParseRights(req.GetRights())
	if err != nil {
		return nil, err
	}
	name, err := text.Name("the name of a user", req.GetDisplayName())
	if err != nil {
		return nil, err
	}
	return s.change(ctx, req.GetId(), req.GetRevision(), "user_changed", func(u *user.User) error {
		u.Role, u.Rights, u.DisplayName, u.AllJobs = role, rights, name, req.GetAllJobs()
		return nil
	})
}

func (s *users) SetUserActive(ctx context.Context, req *jobsv1.SetUserActiveRequest) (*jobsv1.User, error) {
	return s.change(ctx, req.GetId(), 0, "user_switched", func(u *user.User) error {
		u.Active = req.GetActive()
		return nil
	})
}

// change does what all changes of one user have in common: the caller must be allowed to manage the user as they were and
// as they become.
func (s *users) change(ctx context.Context, id string, revision int64, action string, change func(*user.User) error) (*jobsv1.User, error) {
	c, err := s.guard.with(ctx, user.Users)
	if err != nil {
		return nil, err
	}
	return s.changeAs(ctx, c, id, revision, action, change)
}

func (s *users) changeAs(ctx context.Context, c caller, id string, revision int64, action string, change func(*user.User) error) (*jobsv1.User, error) {
	u, err := s.store.ChangeUser(ctx, c.account, text.Clip(id), revision, action, c.actor(), func(u *user.User) error {
		if err := c.mayManage(*u); err != nil {
			return err
		}
		if err := change(u); err != nil {
			return err
		}
		return c.mayManage(*u)
	})
	if err != nil {
		return nil, err
	}
	s.changed(ctx, c.account)
	return userProto(u), nil
}

// password hashes the one given, or generates one to be shown once.
func (s *users) password(ctx context.Context, given string) (hash, generated string, err error) {
	if given == "" {
		generated = login.GeneratePassword()
		given = generated
	}
	hash, err = s.passwords.Hash(ctx, given)
	return hash, generated, err
}
