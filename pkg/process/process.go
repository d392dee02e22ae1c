// Package process is the frame around a service: its log, its probes, its start while peers are away, its end.
//
// The probes are served before any peer is asked for, so that a process that waits says for whom.
package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"

	"filmgate.dev/pkg/env"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/memory"
	"filmgate.dev/pkg/serve"
	"filmgate.dev/pkg/telemetry"
	"filmgate.dev/pkg/version"
)

// Main runs a command: its context ends with SIGTERM or Ctrl-C, and a second one of these kills it. An error becomes the
// exit code 1.
func Main(name string, run func(context.Context) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	if err := run(ctx); err != nil && !errors.Is(err, env.ErrHelp) {
		fmt.Fprintln(os.Stderr, name+":", err)
		os.Exit(1)
	}
}

// Process is a service's process, as its parts see it.
type Process struct {
	Log     *slog.Logger
	Metrics *prometheus.Registry
	Ready   *serve.Readiness

	probes net.Listener
	begun  atomic.Bool
}

// New makes the process called name, with its probes and metrics at the given address.
func New(ctx context.Context, name string, logs telemetry.LogConfig, probes string) (*Process, error) {
	log, err := telemetry.NewLogger(os.Stderr, logs)
	if err != nil {
		return nil, err
	}
	lis, err := new(net.ListenConfig).Listen(ctx, "tcp", probes)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "cannot serve the probes on %s", probes)
	}
	log.Info(name+" starts", "version", version.String(), "http", lis.Addr().String())
	memory.Limit(log)
	return &Process{Log: log, Metrics: telemetry.NewRegistry(), Ready: new(serve.Readiness), probes: lis}, nil
}

// Address answers where the probes are.
func (p *Process) Address() string { return p.probes.Addr().String() }

// Run serves the probes and does the work until ctx ends and the work is over. From the end of ctx on the process is not
// ready, and still lives. One that is stopped while it waits for a peer has not failed.
func (p *Process) Run(ctx context.Context, work func(context.Context) error) error {
	p.Ready.Add("running", func(context.Context) error {
		switch {
		case ctx.Err() != nil:
			return fault.New(fault.Unavailable, "no more: it is being stopped")
		case !p.begun.Load():
			return fault.New(fault.Unavailable, "not yet: it is starting")
		}
		return nil
	})
	working, fail := context.WithCancel(ctx)
	defer fail()
	around, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	probed := make(chan error, 1)
	go func() {
		probed <- serve.HTTP(around, p.probes, p.mux())
		fail() // a process that nobody can probe would be killed anyway, without a word
	}()
	err := work(working)
	end()
	if e := <-probed; e != nil {
		return errors.Join(e, err)
	}
	if err != nil && ctx.Err() != nil && (!p.begun.Load() || errors.Is(err, context.Canceled)) {
		p.Log.InfoContext(ctx, "stopped before its work had begun", "error", err)
		return nil
	}
	return err
}

// Begun says that the work has begun: the process is ready as soon as all other checks pass.
func (p *Process) Begun() { p.begun.Store(true) }

func (p *Process) mux() *http.ServeMux {
	mux := http.NewServeMux()
	p.Ready.Register(mux)
	mux.Handle("GET /metrics", telemetry.MetricsHandler(p.Metrics))
	return mux
}
