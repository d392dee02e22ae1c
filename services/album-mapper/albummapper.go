// Package albummapper is the service album-mapper: it turns what the files log says of paths into the catalog of albums,
// sections and photos, and tells everybody else what became of every photo.
//
// The log holds states, not history. So the catalog is computed from what is recorded of every path and never from the
// message that just came: messages may be lost in between, come in any order and more than once.
package albummapper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/grpc"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/objects"
	"filmgate.dev/pkg/outbox"
	"filmgate.dev/pkg/sqldb"
	catalogv1 "filmgate.dev/proto/catalog/v1"
	jobsv1 "filmgate.dev/proto/jobs/v1"

	"filmgate.dev/services/album-mapper/internal/hint"
	"filmgate.dev/services/album-mapper/internal/rpc"
	"filmgate.dev/services/album-mapper/internal/store"
)

// Config is how the service works.
type Config struct {
	// Concurrency is how many messages of one consumer are worked on at once; they share transactions.
	Concurrency int `env:"FILMGATE_MAPPER_CONCURRENCY" default:"32" help:"messages worked on at once, per consumer; they share transactions"`
	// StudioURL is where events say that pictures can be fetched. Empty: they say it relative to the studio.
	StudioURL string `env:"FILMGATE_STUDIO_URL" help:"address of the studio, such as https://studio.example.org, for the links in events"`
}

// Deps are what the service needs, dialled.
type Deps struct {
	DB       *sqldb.DB
	NATS     *nats.Conn
	Files    *files.Log
	Bucket   *objects.Bucket
	Identity jobsv1.IdentityServiceClient
	Log      *slog.Logger
	// Installation names this Filmgate in the source of events.
	Installation string
}

// Service is album-mapper.
type Service struct {
	config Config
	deps   Deps
	js     jetstream.JetStream
	bucket string
	relay  *outbox.Relay
	hints  *hint.Teller
	now    func() time.Time
	epochs epochs

	queue   chan work
	stopped chan struct{} // closed when nothing is committed any more
}

// New brings the database up to date, waiting for one that starts later until ctx ends, and answers the service, which does
// nothing until Run.
func New(ctx context.Context, config Config, deps Deps) (*Service, error) {
	js, err := jetstream.New(deps.NATS)
	if err != nil {
		return nil, fmt.Errorf("use JetStream: %w", err)
	}
	if config.Concurrency == 0 {
		config.Concurrency = 32
	}
	if err := deps.DB.Migrate(ctx, store.Migrations); err != nil {
		return nil, fmt.Errorf("migrate the catalog: %w", err)
	}
	if err := outbox.Migrate(ctx, deps.DB); err != nil {
		return nil, fmt.Errorf("migrate the outbox: %w", err)
	}
	s := &Service{
		config: config, deps: deps, js: js,
		relay: &outbox.Relay{DB: deps.DB, JetStream: js, Log: deps.Log},
		now:   func() time.Time { return time.Now().UTC().Truncate(time.Millisecond) },
		queue: make(chan work), stopped: make(chan struct{}),
	}
	if deps.Bucket != nil {
		s.bucket = deps.Bucket.Name()
	}
	s.hints = hint.New(func(account string, h events.Hint) {
		if err := events.PublishHint(deps.NATS, account, h); err != nil {
			deps.Log.Debug("hint not sent", "job", h.JobID, "error", err)
		}
	})
	return s, nil
}

// Register adds CatalogService to a gRPC server.
func (s *Service) Register(registrar grpc.ServiceRegistrar) {
	catalogv1.RegisterCatalogServiceServer(registrar, rpc.New(rpc.Config{
		DB: s.deps.DB, Changes: s, NATS: s.deps.NATS, Identity: s.deps.Identity, Stopped: s.stopped,
	}))
}

// Run hears and tells until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var (
		parts  sync.WaitGroup
		failed = make(chan error, 8)
	)
	part := func(name string, run func(context.Context) error) {
		parts.Go(func() {
			if err := run(ctx); err != nil {
				failed <- fmt.Errorf("%s: %w", name, err)
				stop()
			}
		})
	}
	for _, c := range s.consumers() {
		part(c.config.Durable, func(ctx context.Context) error { return events.Consume(ctx, s.js, c.config, c.handle) })
	}
	part("outbox", s.relay.Run)
	part("hints", func(ctx context.Context) error { s.hints.Run(ctx); return nil })
	part("settling", s.settling)

	// Commits outlive the consumers, so that what was begun is finished.
	committing, stopCommits := context.WithCancel(context.WithoutCancel(ctx))
	defer stopCommits()
	var commits sync.WaitGroup
	commits.Go(func() { s.commits(committing) })

	parts.Wait()
	stopCommits()
	commits.Wait()
	close(failed)
	var all []error
	for err := range failed {
		all = append(all, err)
	}
	return errors.Join(all...)
}
