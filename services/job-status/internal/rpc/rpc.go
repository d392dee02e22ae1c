// Package rpc answers the gRPC services of filmgate.jobs.v1: it checks who asks and what they may, parses what they sent,
// and leaves the rest to the nouns and the store.
package rpc

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/job-status/internal/guess"
	"filmgate.dev/services/job-status/internal/login"
	"filmgate.dev/services/job-status/internal/watch"
)

// Store is everything that the services need of it; each declares its own part beside its methods.
type Store interface {
	sessionStore
	accountStore
	jobStore
	userStore
	auditStore
	edgeStore
	failureStore
	banStore
}

// Deps of the services.
type Deps struct {
	Store     Store
	Passwords *login.Passwords
	Hub       *watch.Hub
	// Rules are how those who guess passwords are met.
	Rules guess.Rules
	// Tokens of services and operators, who may name any account.
	Tokens []string
	// SessionLifetime of a web login.
	SessionLifetime time.Duration
	// Changed is called after a change of the account was committed.
	Changed func(ctx context.Context, account string)
	// Now is what failed logins and bans are timed by.
	Now func() time.Time
	Log *slog.Logger
	// Metrics may be nil.
	Metrics prometheus.Registerer
}

// Register adds all services to the server.
func Register(server grpc.ServiceRegistrar, d Deps) {
	g := newGuard(d.Store, d.Tokens)
	r := newRefusals(d.Store, d.Log)
	l := newLogins(d.Metrics)
	f := &failures{logins: l, store: d.Store, rules: d.Rules, now: d.Now, log: d.Log}
	jobsv1.RegisterIdentityServiceServer(server, &identity{logins: l, guard: g, store: d.Store, passwords: d.Passwords, lifetime: d.SessionLifetime, refusals: r})
	jobsv1.RegisterAccountServiceServer(server, &accounts{guard: g, store: d.Store})
	jobsv1.RegisterJobServiceServer(server, &jobs{guard: g, store: d.Store, changed: d.Changed})
	jobsv1.RegisterUserServiceServer(server, &users{guard: g, store: d.Store, passwords: d.Passwords, changed: d.Changed})
	jobsv1.RegisterAuditServiceServer(server, &audits{guard: g, store: d.Store})
	jobsv1.RegisterEdgeServiceServer(server, &edge{logins: l, guard: g, store: d.Store, passwords: d.Passwords, hub: d.Hub, refusals: r, failures: f})
	jobsv1.RegisterBanServiceServer(server, &bans{guard: g, store: d.Store, now: d.Now})
}
