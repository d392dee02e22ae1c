// Package embednats runs a real nats-server inside this process, for all-in-one and for tests.
//
// What a publisher was told is stored is on the disk: every write is synced before its acknowledgement, and the folder is
// locked, because two servers in one folder lose acknowledged messages without an error.
package embednats

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	serviceUser = "filmgate"
	// readyWithin is how long a start may take; a store of a million subjects needs about 4 s.
	readyWithin = 60 * time.Second
	// maxAckPending is well above the retries to be expected, which hold their places while they wait.
	maxAckPending = 256
)

// Config is what a server needs to start.
type Config struct {
	// Dir is the absolute path of the store. It is created when missing and locked while the server runs.
	Dir string
	// Addr is the host:port to listen on; port 0 takes a free one.
	Addr string
	// Token is the services' password. They may do everything.
	Token string
	// Consumers may each pull from one stream and do nothing else.
	Consumers []Consumer
	// SyncLazily gives up the promise of durable acknowledgements for speed. For tests only.
	SyncLazily bool
	// Log takes the server's own lines and the connections' asynchronous errors.
	Log *slog.Logger
}

// Server is a running nats-server.
type Server struct {
	nats *server.Server
	lock *os.File
	cfg  Config
}

// Start runs a server until Stop, or until ctx ends before it is ready.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("create the event store: %w", err)
	}
	lock, err := lockDir(cfg.Dir)
	if err != nil {
		return nil, err
	}
	nats, err := cfg.run(ctx)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &Server{nats: nats, lock: lock, cfg: cfg}, nil
}

func (c Config) run(ctx context.Context) (*server.Server, error) {
	opts, err := c.options()
	if err != nil {
		return nil, err
	}
	// The server would only log it and then never become ready.
	if err := tryListen(ctx, c.Addr); err != nil {
		return nil, err
	}
	nats, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("set up the event server: %w", err)
	}
	nats.SetLoggerV2(slogLogger{c.Log}, false, false, false)
	nats.Start()
	for deadline := time.Now().Add(readyWithin); ; {
		if nats.ReadyForConnections(100 * time.Millisecond) {
			return nats, nil
		}
		if err := ctx.Err(); err != nil || !nats.Running() || time.Now().After(deadline) {
			nats.Shutdown()
			nats.WaitForShutdown()
			return nil, errors.Join(fmt.Errorf("the event server in %s did not start; see its log", c.Dir), err)
		}
	}
}

func (c Config) check() error {
	var errs []error
	if !filepath.IsAbs(c.Dir) {
		errs = append(errs, fmt.Errorf("the event store %q is not an absolute path", c.Dir))
	}
	if !secret.MatchString(c.Token) {
		errs = append(errs, errors.New("the event server needs a token of letters, digits, _ . ~ and -"))
	}
	if c.Log == nil {
		errs = append(errs, errors.New("the event server needs a log"))
	}
	names := map[string]bool{}
	for _, consumer := range c.Consumers {
		errs = append(errs, consumer.check())
		if names[consumer.Name] {
			errs = append(errs, fmt.Errorf("two consumers are called %q", consumer.Name))
		}
		names[consumer.Name] = true
	}
	return errors.Join(errs...)
}

func tryListen(ctx context.Context, addr string) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("listen for events: %w", err)
	}
	return l.Close()
}

// Addr answers the host:port that the server listens on.
func (s *Server) Addr() string { return s.nats.Addr().String() }

// URL answers the address that a service dials. It contains the token: keep it out of logs.
func (s *Server) URL() string { return s.url(serviceUser, s.cfg.Token) }

// ConsumerURL answers the address that the named consumer dials, password included, or "" for a stranger.
func (s *Server) ConsumerURL(name string) string {
	for _, consumer := range s.cfg.Consumers {
		if consumer.Name == name {
			return s.url(name, consumer.Password)
		}
	}
	return ""
}

func (s *Server) url(user, password string) string {
	u := url.URL{Scheme: "nats", Host: s.Addr(), User: url.UserPassword(user, password)}
	return u.String()
}

// Connect makes a connection inside the process, with the services' rights. The caller closes it.
//
// A publish that failed is never sent later: there is no reconnect buffer.
func (s *Server) Connect(opts ...nats.Option) (*nats.Conn, error) {
	defaults := []nats.Option{
		nats.InProcessServer(s.nats),
		nats.UserInfo(serviceUser, s.cfg.Token),
		nats.ReconnectBufSize(-1),
		nats.MaxReconnects(-1),
		nats.ErrorHandler(logAsyncErrors(s.cfg.Log)),
	}
	conn, err := nats.Connect("", append(defaults, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to the event server: %w", err)
	}
	return conn, nil
}

// CreateConsumers makes the durable consumers that the configured programs pull from, once their streams exist. One that is
// there keeps its place.
func (s *Server) CreateConsumers(ctx context.Context, js jetstream.JetStream) error {
	for _, consumer := range s.cfg.Consumers {
		_, err := js.Consumer(ctx, consumer.Stream, consumer.Name)
		if errors.Is(err, jetstream.ErrConsumerNotFound) {
			_, err = js.CreateConsumer(ctx, consumer.Stream, jetstream.ConsumerConfig{
				Durable:       consumer.Name,
				AckPolicy:     jetstream.AckExplicitPolicy,
				MaxAckPending: maxAckPending,
			})
		}
		if err != nil {
			return fmt.Errorf("create consumer %s of %s: %w", consumer.Name, consumer.Stream, err)
		}
	}
	return nil
}

// Stop ends the server, waits until its files are closed and frees the folder.
func (s *Server) Stop() {
	s.nats.Shutdown()
	s.nats.WaitForShutdown()
	if err := s.lock.Close(); err != nil {
		s.cfg.Log.Warn("unlock the event store", "err", err)
	}
}
