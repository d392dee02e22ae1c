// Package embeds3 runs a real S3 server inside this process, for all-in-one and for tests: versitygw on a folder.
//
// What it has answered is on the disk: versitygw itself never syncs, so every write is synced here before its answer.
// Starting it changes the process's working folder, and a process can run only one.
package embeds3

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"sync/atomic"

	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/embedgw"
	"github.com/versity/versitygw/s3api"
)

// Region is what the server answers when asked where it is.
const Region = "us-east-1"

const (
	maxConnections = 1024
	maxRequests    = 512
	maxParts       = 10_000
	// portTries is how often a free port may be taken by somebody else between finding and using it.
	portTries = 5
)

// Config is what a server needs to start.
type Config struct {
	// Dir is the absolute path of the folder that the buckets live in. It is created when missing.
	Dir string
	// Addr is the host:port to listen on; port 0 takes a free one.
	Addr string
	// AccessKey and SecretKey are the only credentials; they may do everything.
	AccessKey string
	SecretKey string
	Log       *slog.Logger
}

// running guards the working folder, of which a process has only one: a second server would pull it from under the first.
var running atomic.Bool

// Server is a running S3 server.
type Server struct {
	addr   string
	cancel context.CancelFunc
	done   chan struct{}
	err    error
	log    *slog.Logger
}

// Start runs a server until Stop. The process's working folder is the server's from now on.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if !running.CompareAndSwap(false, true) {
		return nil, errors.New("an object store is running in this process; there can be only one")
	}
	for try := 1; ; try++ {
		addr, chosen, err := listenable(ctx, cfg.Addr)
		if err != nil {
			running.Store(false)
			return nil, err
		}
		server, err := start(ctx, cfg, addr)
		if err == nil {
			return server, nil
		}
		if !chosen || try == portTries || ctx.Err() != nil {
			running.Store(false)
			return nil, err
		}
	}
}

func (c Config) check() error {
	var errs []error
	if !filepath.IsAbs(c.Dir) {
		errs = append(errs, fmt.Errorf("the object store %q is not an absolute path", c.Dir))
	}
	if c.AccessKey == "" || c.SecretKey == "" {
		errs = append(errs, errors.New("the object store needs an access key and a secret key"))
	}
	if c.Log == nil {
		errs = append(errs, errors.New("the object store needs a log"))
	}
	return errors.Join(errs...)
}

// listenable answers an address that could be listened on a moment ago, and whether its port was chosen here. The server
// cannot be given a listener, and cannot say which port it took.
func listenable(ctx context.Context, addr string) (found string, chosen bool, err error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return "", false, fmt.Errorf("listen for objects: %w", err)
	}
	found = l.Addr().String()
	_, port, err := net.SplitHostPort(addr)
	return found, port == "0", errors.Join(err, l.Close())
}

func start(ctx context.Context, cfg Config, addr string) (*Server, error) {
	store, err := openStore(cfg.Dir, cfg.Log)
	if err != nil {
		return nil, err
	}
	// The server outlives the start's context; Stop ends it.
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s := &Server{addr: addr, cancel: cancel, done: make(chan struct{}), log: cfg.Log}
	ready := make(chan struct{})
	go func() {
		defer close(s.done)
		s.err = embedgw.RunVersityGW(run, store, gateway(cfg, addr, func() { close(ready) }))
	}()
	select {
	case <-ready:
		return s, nil
	case <-s.done:
		cancel()
		return nil, fmt.Errorf("start the object store: %w", s.err)
	case <-ctx.Done():
		cancel()
		<-s.done
		return nil, ctx.Err()
	}
}

func gateway(cfg Config, addr string, onListen func()) *embedgw.Config {
	root := auth.Account{Access: cfg.AccessKey, Secret: cfg.SecretKey, Role: auth.RoleAdmin}
	return &embedgw.Config{
		RootUserAccess:    cfg.AccessKey,
		RootUserSecret:    cfg.SecretKey,
		Region:            Region,
		Ports:             []string{addr},
		MaxConnections:    maxConnections,
		MaxRequests:       maxRequests,
		MultipartMaxParts: maxParts,
		KeepAlive:         true,
		Quiet:             true,
		// Given, because choosing it announces the choice on stdout in spite of Quiet.
		IAMService: auth.NewIAMServiceSingle(root),
		S3Options:  []s3api.Option{s3api.WithOnListen(onListen)},
	}
}

// Endpoint answers the host:port that clients connect to, without TLS.
func (s *Server) Endpoint() string { return s.addr }

// Stop ends the server after the requests that are running, or after 10 s.
func (s *Server) Stop() {
	s.cancel()
	<-s.done
	running.Store(false)
	if s.err != nil {
		s.log.Warn("stop the object store", "err", s.err)
	}
}
