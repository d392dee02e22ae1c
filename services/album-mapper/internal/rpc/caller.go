package rpc

import (
	"context"
	"crypto/sha256"
	"slices"
	"sync"
	"time"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/serve"
	jobsv1 "filmgate.dev/proto/jobs/v1"
)

const (
	// remembered is how long a token's principal is taken for granted.
	remembered = 5 * time.Second
	// mostCallers bounds what is remembered.
	mostCallers = 4096
	// asked is how long job-status may take to say who calls.
	asked = 5 * time.Second
)

// caller is who calls, and for which account.
type caller struct {
	account string
	by      files.By
	changes bool // may change the catalog
}

type callerKey [sha256.Size]byte

type knownCaller struct {
	caller caller
	until  time.Time
}

// callers knows whose token a call carries.
type callers struct {
	identity jobsv1.IdentityServiceClient

	mu    sync.Mutex
	known map[callerKey]knownCaller
}

// of answers the caller of ctx's call.
func (c *callers) of(ctx context.Context) (caller, error) {
	token, account := serve.BearerToken(ctx), serve.AccountName(ctx)
	if token == "" {
		return caller{}, fault.Unauthenticated("sign in first: the call carries no bearer token")
	}
	key := sha256.Sum256([]byte(token + "\x00" + account))
	now := time.Now()
	c.mu.Lock()
	known, ok := c.known[key]
	c.mu.Unlock()
	if ok && now.Before(known.until) {
		return known.caller, nil
	}
	who, err := c.ask(ctx, token, account)
	if err != nil {
		return caller{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= mostCallers {
		clear(c.known)
	}
	c.known[key] = knownCaller{caller: who, until: now.Add(remembered)}
	return who, nil
}

func (c *callers) ask(ctx context.Context, token, account string) (caller, error) {
	ctx, cancel := context.WithTimeout(ctx, asked)
	defer cancel()
	out := serve.WithBearer(ctx, token)
	if account != "" {
		out = serve.WithAccount(out, account)
	}
	p, err := c.identity.WhoAmI(out, &jobsv1.WhoAmIRequest{})
	if err != nil {
		return caller{}, fault.FromStatus(err)
	}
	who := caller{
		account: p.GetAccount(),
		by:      files.By{UserID: p.GetUserId(), User: p.GetUserName(), Client: "studio"},
		changes: p.GetService() || p.GetRole() == jobsv1.Role_ROLE_ADMIN || slices.Contains(p.GetRights(), "photos"),
	}
	if p.GetService() {
		who.account, who.by.Client = account, "service"
	}
	if who.account == "" {
		return caller{}, fault.New(fault.Invalid, "a service names the account it acts for in filmgate-account")
	}
	return who, nil
}

// changer answers a caller who may change the catalog.
func (c *callers) changer(ctx context.Context) (caller, error) {
	who, err := c.of(ctx)
	if err == nil && !who.changes {
		return caller{}, fault.New(fault.Denied, "changing photos needs the right %q", "photos")
	}
	return who, err
}
