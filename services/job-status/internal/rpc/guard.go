package rpc

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"slices"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/serve"
	"filmgate.dev/services/job-status/internal/account"
	"filmgate.dev/services/job-status/internal/audit"
	"filmgate.dev/services/job-status/internal/login"
	"filmgate.dev/services/job-status/internal/text"
	"filmgate.dev/services/job-status/internal/user"
)

// maxToken bounds what is hashed.
const maxToken = 512

// guard finds out who calls.
type guard struct {
	store  guardStore
	tokens [][sha256.Size]byte
}

type guardStore interface {
	SessionUser(ctx context.Context, hash string) (user.User, error)
	Account(ctx context.Context, slug string) (account.Account, error)
}

func newGuard(s guardStore, tokens []string) *guard {
	g := &guard{store: s}
	for _, token := range tokens {
		if token != "" {
			g.tokens = append(g.tokens, sha256.Sum256([]byte(token)))
		}
	}
	return g
}

// caller is who asks: a person, or a service.
type caller struct {
	service bool
	account string    // the person's own, or the one that the service names
	user    user.User // of a person
	session string    // hash of a person's token
}

// caller answers who asks, by the token.
func (g *guard) caller(ctx context.Context) (caller, error) {
	token := serve.BearerToken(ctx)
	if token == "" || len(token) > maxToken {
		return caller{}, fault.Unauthenticated("sign in first")
	}
	sum := sha256.Sum256([]byte(token))
	for _, known := range g.tokens {
		if subtle.ConstantTimeCompare(sum[:], known[:]) == 1 {
			return caller{service: true, account: serve.AccountName(ctx)}, nil
		}
	}
	hash := login.HashToken(token)
	u, err := g.store.SessionUser(ctx, hash)
	if fault.Is(err, fault.NotFound) {
		return caller{}, fault.Unauthenticated("your sign-in has ended; sign in again")
	}
	if err != nil {
		return caller{}, err
	}
	if named := serve.AccountName(ctx); named != "" && named != u.Account {
		return caller{}, fault.New(fault.Denied, "you do not belong to the account %q", text.Clip(named))
	}
	return caller{account: u.Account, user: u, session: hash}, nil
}

// inAccount answers who asks, in which account.
func (g *guard) inAccount(ctx context.Context) (caller, error) {
	c, err := g.caller(ctx)
	if err != nil || !c.service {
		return c, err
	}
	if c.account == "" {
		return c, fault.New(fault.Invalid, "a service or operator has no account of its own: name one in the metadata filmgate-account")
	}
	if len(c.account) > 63 {
		return c, fault.New(fault.NotFound, "there is no account %q", text.Clip(c.account))
	}
	_, err = g.store.Account(ctx, c.account)
	return c, err
}

// asService refuses people.
func (g *guard) asService(ctx context.Context) (caller, error) {
	c, err := g.caller(ctx)
	if err == nil && !c.service {
		err = fault.New(fault.Denied, "only services and the operator may do this")
	}
	return c, err
}

// with answers who asks in which account, if they hold one of the rights.
func (g *guard) with(ctx context.Context, rights ...user.Right) (caller, error) {
	c, err := g.inAccount(ctx)
	if err == nil && !c.holds(rights...) {
		err = fault.New(fault.Denied, "this needs the right %q; ask an administrator of your studio", rights[0])
	}
	return c, err
}

// holds reports whether the caller has one of the rights.
func (c caller) holds(rights ...user.Right) bool {
	return c.service || slices.ContainsFunc(rights, c.user.Holds)
}

// mayManage refuses to let somebody make themselves or others more than they are, also by taking over a login.
func (c caller) mayManage(u user.User) error {
	if c.service || c.user.Role == user.Admin {
		return nil
	}
	if u.Role == user.Admin {
		return fault.New(fault.Denied, "only an administrator may change an administrator")
	}
	for _, right := range u.Held() {
		if !c.user.Holds(right) {
			return fault.New(fault.Denied, "you cannot manage a user with the right %q, which you do not have", right)
		}
	}
	return nil
}

// actor is the caller in the audit and in events.
func (c caller) actor() audit.Actor {
	if c.service {
		return audit.Actor{UserName: "operator"}
	}
	return audit.Actor{UserID: c.user.ID, UserName: c.user.Email}
}
