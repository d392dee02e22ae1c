package rpc

import (
	"context"
	"time"

	"filmgate.dev/pkg/fault"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/job-status/internal/audit"
	"filmgate.dev/services/job-status/internal/login"
	"filmgate.dev/services/job-status/internal/text"
	"filmgate.dev/services/job-status/internal/user"
)

// identity turns a web login into a token and a token into a principal.
type identity struct {
	jobsv1.UnimplementedIdentityServiceServer
	logins    logins
	guard     *guard
	store     sessionStore
	passwords *login.Passwords
	lifetime  time.Duration
	refusals  *refusals
}

type sessionStore interface {
	guardStore
	UserByEmail(ctx context.Context, email string) (user.User, error)
	AddSession(ctx context.Context, hash, userID string, lifetime time.Duration) (time.Time, error)
	EndSession(ctx context.Context, hash string) error
	Record(ctx context.Context, events ...audit.Event) error
}

const wrongWebLogin = "wrong e-mail address or password"

func (s *identity) SignIn(ctx context.Context, req *jobsv1.SignInRequest) (*jobsv1.SignInResponse, error) {
	u, err := s.store.UserByEmail(ctx, text.ClipTo(req.GetEmail(), 254))
	if err != nil && !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	matches, err := s.passwords.Matches(ctx, u.WebHash, req.GetPassword())
	if err != nil {
		return nil, err
	}
	refusal := ""
	switch {
	case u.ID == "":
		refusal = "unknown e-mail address"
	case !matches:
		refusal = "wrong password"
	case !u.Active:
		refusal = "the user is switched off"
	case u.Role == user.UploadOnly:
		refusal = "the user is for uploads only"
	}
	event := attempt("web", u, req.GetEmail(), req.GetClientAddress(), refusal)
	if refusal != "" {
		s.logins.count(viaWeb, loginRefused)
		s.refusals.record(ctx, event)
		return nil, fault.Unauthenticated(wrongWebLogin)
	}
	token := login.NewToken()
	expires, err := s.store.AddSession(ctx, login.HashToken(token), u.ID, s.lifetime)
	if err != nil {
		return nil, err
	}
	if err := s.store.Record(ctx, event); err != nil {
		return nil, err
	}
	s.logins.count(viaWeb, loginOK)
	return &jobsv1.SignInResponse{Token: token, ExpiresAt: timeProto(expires), Principal: principalProto(u, u.Email)}, nil
}

func (s *identity) SignOut(ctx context.Context, _ *jobsv1.SignOutRequest) (*jobsv1.SignOutResponse, error) {
	c, err := s.guard.caller(ctx)
	if err != nil {
		return nil, err
	}
	if c.service {
		return nil, fault.New(fault.Invalid, "the token of a service cannot be signed out")
	}
	return &jobsv1.SignOutResponse{}, s.store.EndSession(ctx, c.session)
}

func (s *identity) WhoAmI(ctx context.Context, _ *jobsv1.WhoAmIRequest) (*jobsv1.Principal, error) {
	c, err := s.guard.caller(ctx)
	if err != nil {
		return nil, err
	}
	if c.service {
		return &jobsv1.Principal{Account: c.account, UserName: c.actor().UserName, Service: true}, nil
	}
	return principalProto(c.user, c.user.Email), nil
}

// attempt is the line in the audit about a login; refusal says why not, or "".
func attempt(how string, u user.User, name, address, refusal string) audit.Event {
	action, detail := "login", how
	if refusal != "" {
		action, detail = "login_refused", how+": "+refusal
	}
	e := audit.Actor{UserID: u.ID, UserName: text.Clip(name)}.Event(u.Account, action, "", detail, time.Now())
	e.ClientAddress = text.Clip(address)
	return e
}
