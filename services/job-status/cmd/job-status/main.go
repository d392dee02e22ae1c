// Command job-status serves accounts, users and jobs over gRPC.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sync/errgroup"

	"filmgate.dev/pkg/env"
	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/memory"
	"filmgate.dev/pkg/serve"
	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/pkg/telemetry"
	jobstatus "filmgate.dev/services/job-status"
)

type config struct {
	NATS         events.Server
	Database     string `env:"FILMGATE_JOBS_DATABASE" required:"true" help:"sqlite:/path/of.db or postgres://user:password@host/name?search_path=jobs"`
	GRPC         string `env:"FILMGATE_JOBS_GRPC" default:"127.0.0.1:9101" help:"where gRPC is served"`
	HTTP         string `env:"FILMGATE_JOBS_HTTP" default:"127.0.0.1:8083" help:"where /healthz, /readyz and /metrics are served"`
	Installation string `env:"FILMGATE_INSTALLATION" default:"local" help:"names this installation in events"`
	TLS          serve.TLSFiles
	Log          telemetry.LogConfig
	Service      jobstatus.Config
}

func main() {
	if err := run(); err != nil && !errors.Is(err, env.ErrHelp) {
		fmt.Fprintln(os.Stderr, "job-status:", err)
		os.Exit(1)
	}
}

func run() error {
	var c config
	if err := env.Load("job-status keeps accounts, users and jobs, and tells the edges who may enter.", &c); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log, err := telemetry.NewLogger(os.Stderr, c.Log)
	if err != nil {
		return err
	}
	memory.Limit(log)
	db, err := sqldb.Open(ctx, c.Database)
	if err != nil {
		return err
	}
	defer func() {
		if err := db.Close(); err != nil {
			log.Warn("closing the database", "error", err)
		}
	}()
	conn, err := c.NATS.Connect("job-status", log)
	if err != nil {
		return err
	}
	defer conn.Close()
	service, err := jobstatus.New(c.Service, jobstatus.Deps{DB: db, NATS: conn, Log: log, Installation: c.Installation})
	if err != nil {
		return err
	}
	certificates, err := c.TLS.Load()
	if err != nil {
		return err
	}
	grpcListener, err := c.TLS.Listen(ctx, c.GRPC)
	if err != nil {
		return err
	}
	httpListener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.HTTP)
	if err != nil {
		return err
	}
	server := serve.NewGRPC(serve.GRPCConfig{Log: log, TLS: certificates})
	service.Register(server)
	var ready serve.Readiness
	ready.Add("database", service.Ready)
	mux := http.NewServeMux()
	ready.Register(mux)
	mux.Handle("GET /metrics", telemetry.MetricsHandler(telemetry.NewRegistry()))
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return service.Run(ctx) })
	group.Go(func() error { return serve.GRPC(ctx, grpcListener, server) })
	group.Go(func() error { return serve.HTTP(ctx, httpListener, mux) })
	return group.Wait()
}
