// Package jobstatus keeps accounts, users and jobs, and tells everybody who may enter and which jobs are open for photos.
//
// It is the only place that knows a password. What it decides reaches running SFTP connections within moments, and what it
// changes is said as events exactly when it is committed.
package jobstatus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/outbox"
	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/services/job-status/internal/guess"
	"filmgate.dev/services/job-status/internal/login"
	"filmgate.dev/services/job-status/internal/rpc"
	"filmgate.dev/services/job-status/internal/store"
	"filmgate.dev/services/job-status/internal/watch"
)

// Replicas tell each other that something of an account was committed by a hint about this in place of a job.
const (
	hintJobs = "jobs"
	allHints = "filmgate.hint.v1.*." + hintJobs
)

const (
	forgetEvery  = time.Hour
	forgiveEvery = time.Minute
	day          = 24 * time.Hour
)

// Config is what an operator may set.
type Config struct {
	ServiceToken    string        `env:"FILMGATE_SERVICE_TOKEN" help:"bearer token of Filmgate's own services"`
	OperatorToken   string        `env:"FILMGATE_OPERATOR_TOKEN" help:"bearer token of the operator, who may do everything in every account"`
	SessionLifetime time.Duration `env:"FILMGATE_SESSION_LIFETIME" default:"168h" help:"how long a web login lasts"`
	AuditDays       int           `env:"FILMGATE_AUDIT_DAYS" default:"400" help:"how long the record of who did what is kept"`
	Guessing        guess.Config
}

// Deps are what the service works with, dialled already. The caller closes them after Run has returned.
type Deps struct {
	DB           *sqldb.DB
	NATS         *nats.Conn
	Log          *slog.Logger
	Installation string // names the source of events
}

// Service is job-status.
type Service struct {
	config    Config
	nats      *nats.Conn
	log       *slog.Logger
	store     *store.Store
	hub       *watch.Hub
	relay     *outbox.Relay
	passwords *login.Passwords
	rules     guess.Rules
}

// New brings the database up to date, waiting for one that starts later until ctx ends, and makes the service. Run and a
// server with Register make it work.
func New(ctx context.Context, c Config, d Deps) (*Service, error) {
	if c.SessionLifetime == 0 {
		c.SessionLifetime = 7 * day
	}
	if c.AuditDays == 0 {
		c.AuditDays = 400
	}
	if c.SessionLifetime < time.Minute || c.AuditDays < 1 {
		return nil, fault.New(fault.Invalid, "FILMGATE_SESSION_LIFETIME must be at least 1m and FILMGATE_AUDIT_DAYS at least 1")
	}
	if c.ServiceToken == "" && c.OperatorToken == "" {
		return nil, fault.New(fault.Invalid, "neither FILMGATE_SERVICE_TOKEN nor FILMGATE_OPERATOR_TOKEN is set: nobody could create an account")
	}
	rules, err := guess.NewRules(c.Guessing)
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(d.NATS)
	if err != nil {
		return nil, fmt.Errorf("job-status: %w", err)
	}
	s, err := store.Open(ctx, d.DB, d.Installation)
	if err != nil {
		return nil, fmt.Errorf("job-status: %w", err)
	}
	return &Service{
		config: c, nats: d.NATS, log: d.Log, store: s,
		hub:       watch.NewHub(s, d.Log, watch.Config{}),
		relay:     &outbox.Relay{DB: d.DB, JetStream: js, Log: d.Log},
		passwords: login.NewPasswords(),
		rules:     rules,
	}, nil
}

// Register adds the gRPC services of filmgate.jobs.v1.
func (s *Service) Register(server grpc.ServiceRegistrar) {
	rpc.Register(server, rpc.Deps{
		Store: s.store, Passwords: s.passwords, Hub: s.hub, Tokens: []string{s.config.ServiceToken, s.config.OperatorToken},
		SessionLifetime: s.config.SessionLifetime, Rules: s.rules, Changed: s.changed, Now: time.Now, Log: s.log,
	})
}

// Ready reports whether the database answers.
func (s *Service) Ready(ctx context.Context) error { return s.store.Ping(ctx) }

// Run publishes events, watches for changes and forgets what is old, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	hints, err := s.nats.Subscribe(allHints, func(*nats.Msg) { s.hub.Wake() })
	if err != nil {
		return fmt.Errorf("job-status: hearing hints: %w", err)
	}
	defer func() {
		if err := hints.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
			s.log.Warn("hints are still heard", "error", err)
		}
	}()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.relay.Run(ctx) })
	group.Go(func() error { return s.hub.Run(ctx) })
	group.Go(func() error { return s.forget(ctx) })
	group.Go(func() error { return s.forgive(ctx) })
	return group.Wait()
}

// changed makes a commit known: to the relay, to our own watchers, and by a hint to those of other replicas.
func (s *Service) changed(_ context.Context, account string) {
	s.relay.Wake()
	s.hub.Wake()
	if err := events.PublishHint(s.nats, account, events.Hint{JobID: hintJobs}); err != nil {
		s.log.Debug("no hint was sent; the others look within half a second", "error", err)
	}
}

// forget deletes what has expired, at the start and every hour.
func (s *Service) forget(ctx context.Context) error {
	tick := time.NewTicker(forgetEvery)
	defer tick.Stop()
	for {
		if err := s.store.Forget(ctx, time.Now().Add(-time.Duration(s.config.AuditDays)*day)); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "old sessions and audit lines stay for now", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// forgive deletes failed logins that count no more, and bans that ended long ago, every minute: strangers make them.
func (s *Service) forgive(ctx context.Context) error {
	tick := time.NewTicker(forgiveEvery)
	defer tick.Stop()
	for {
		if err := s.store.ForgetLogins(ctx, time.Now(), s.rules.LongestBan); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "forgiven logins stay for now", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
