// Package session keeps people signed in: it turns an e-mail address and a password into a cookie, and a cookie back
// into who is asking.
//
// Nothing is stored here. The cookie holds the opaque token that job-status gave out, so that sessions outlive a restart
// and every replica knows them; job-status alone decides whether a token is still good.
package session

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/serve"
	jobsv1 "filmgate.dev/proto/jobs/v1"
)

const (
	cookieName = "filmgate_session"
	// believed is how long an answer of WhoAmI is used again: whoever is switched off is out after this.
	believed = 5 * time.Second
	// maxBelieved bounds the answers kept; more than that many people at once only cost more calls.
	maxBelieved = 10_000
	// maxToken bounds what is sent on from a cookie.
	maxToken = 512
)

// Session is one person, signed in on one browser.
type Session struct {
	Principal *jobsv1.Principal
	token     string
}

// Key tells sessions apart without giving the token away.
func (s Session) Key() [sha256.Size]byte { return sha256.Sum256([]byte(s.token)) }

// May reports whether the person holds the right.
func (s Session) May(right string) bool {
	if s.Principal.GetRole() == jobsv1.Role_ROLE_ADMIN {
		return true
	}
	for _, held := range s.Principal.GetRights() {
		if held == right {
			return true
		}
	}
	return false
}

// Context makes calls to other services in the person's name.
func (s Session) Context(ctx context.Context) context.Context { return serve.WithBearer(ctx, s.token) }

// Sessions signs people in and out.
type Sessions struct {
	identity jobsv1.IdentityServiceClient
	secure   bool
	log      *slog.Logger
	failures *throttle

	mu    sync.Mutex
	known map[[sha256.Size]byte]answer
}

type answer struct {
	principal *jobsv1.Principal
	until     time.Time
}

// New makes Sessions. With secure, cookies are sent over TLS only; a request that came over TLS gets such a cookie anyway.
func New(identity jobsv1.IdentityServiceClient, secure bool, log *slog.Logger) *Sessions {
	return &Sessions{
		identity: identity, secure: secure, log: log,
		failures: newThrottle(),
		known:    map[[sha256.Size]byte]answer{},
	}
}

// SignIn checks e-mail address and password and sets the cookie. Its errors are for the person at the form.
func (s *Sessions) SignIn(w http.ResponseWriter, r *http.Request, email, password, address string) error {
	keys := []string{"address " + address, "email " + email}
	if err := s.failures.check(time.Now(), keys...); err != nil {
		return err
	}
	answer, err := s.identity.SignIn(r.Context(), &jobsv1.SignInRequest{Email: email, Password: password, ClientAddress: address})
	if err = fault.FromStatus(err); err != nil {
		if fault.Is(err, fault.Denied) {
			s.failures.add(time.Now(), keys...)
		}
		return err
	}
	http.SetCookie(w, s.cookie(r, answer.GetToken(), answer.GetExpiresAt().AsTime()))
	return nil
}

// SignOut ends the session here and at job-status. The cookie goes even when job-status cannot be told.
func (s *Sessions) SignOut(w http.ResponseWriter, r *http.Request) {
	gone := s.cookie(r, "", time.Unix(0, 0))
	gone.MaxAge = -1
	http.SetCookie(w, gone)
	token := tokenOf(r)
	if token == "" {
		return
	}
	s.forget(token)
	if _, err := s.identity.SignOut(serve.WithBearer(r.Context(), token), &jobsv1.SignOutRequest{}); err != nil {
		s.log.Warn("sign out", "err", err)
	}
}

// Find answers who sent the request. fault.IsUnauthenticated tells that nobody is signed in.
func (s *Sessions) Find(r *http.Request) (Session, error) {
	token := tokenOf(r)
	if token == "" {
		return Session{}, fault.Unauthenticated("sign in first")
	}
	return s.check(r.Context(), token)
}

// Check asks again about a session that is long-lived, such as a page's stream of changes.
func (s *Sessions) Check(ctx context.Context, old Session) error {
	_, err := s.check(ctx, old.token)
	return err
}

func (s *Sessions) check(ctx context.Context, token string) (Session, error) {
	session := Session{token: token}
	now, key := time.Now(), session.Key()
	s.mu.Lock()
	known, ok := s.known[key]
	s.mu.Unlock()
	if ok && now.Before(known.until) {
		session.Principal = known.principal
		return session, nil
	}
	principal, err := s.identity.WhoAmI(serve.WithBearer(ctx, token), &jobsv1.WhoAmIRequest{})
	if err = fault.FromStatus(err); err != nil {
		return Session{}, err
	}
	if principal.GetService() || principal.GetAccount() == "" {
		return Session{}, fault.Unauthenticated("a service's token is no web login")
	}
	session.Principal = principal
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) >= maxBelieved {
		clear(s.known)
	}
	s.known[key] = answer{principal, now.Add(believed)}
	return session, nil
}

func (s *Sessions) forget(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.known, Session{token: token}.Key())
}

func (s *Sessions) cookie(r *http.Request, value string, expires time.Time) *http.Cookie {
	return &http.Cookie{
		Name: cookieName, Value: value, Path: "/", Expires: expires,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.secure || r.TLS != nil,
	}
}

func tokenOf(r *http.Request) string {
	cookie, err := r.Cookie(cookieName)
	if err != nil || len(cookie.Value) > maxToken {
		return ""
	}
	return cookie.Value
}
