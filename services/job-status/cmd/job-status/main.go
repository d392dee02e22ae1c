// Command job-status serves accounts, users and jobs over gRPC.
package main

import (
	"context"

	"golang.org/x/sync/errgroup"

	"filmgate.dev/pkg/env"
	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/process"
	"filmgate.dev/pkg/serve"
	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/pkg/telemetry"
	jobstatus "filmgate.dev/services/job-status"
)

type config struct {
	NATS         events.Server
	Database     string `env:"FILMGATE_JOBS_DATABASE" required:"true" help:"sqlite:/path/of.db or postgres://user:password@host/name?search_path=jobs"`
	GRPC         string `env:"FILMGATE_JOBS_GRPC" default:"127.0.0.1:9101" help:"where gRPC is served"`
	HTTP         string `env:"FILMGATE_JOBS_HTTP" default:"127.0.0.1:8084" help:"where /healthz, /readyz and /metrics are served"`
	Installation string `env:"FILMGATE_INSTALLATION" default:"local" help:"names this installation in events"`
	TLS          serve.TLSFiles
	Log          telemetry.LogConfig
	Service      jobstatus.Config
}

func main() { process.Main("job-status", run) }

func run(ctx context.Context) error {
	var c config
	if err := env.Load("job-status keeps accounts, users and jobs, and tells the edges who may enter.", &c); err != nil {
		return err
	}
	p, err := process.New(ctx, "job-status", c.Log, c.HTTP)
	if err != nil {
		return err
	}
	return p.Run(ctx, func(ctx context.Context) error { return work(ctx, p, c) })
}

func work(ctx context.Context, p *process.Process, c config) error {
	certificates, err := c.TLS.Load(p.Log)
	if err != nil {
		return err
	}
	db, err := sqldb.Open(ctx, c.Database)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	p.Ready.Add("database", db.Ping)
	conn, err := c.NATS.Connect("job-status", p.Log)
	if err != nil {
		return err
	}
	defer conn.Close()
	p.Ready.Add("nats", events.Connected(conn))
	p.Ready.Add("streams", events.Provisioned(conn, events.StreamPhotos))

	service, err := jobstatus.New(ctx, c.Service, jobstatus.Deps{DB: db, NATS: conn, Log: p.Log, Installation: c.Installation})
	if err != nil {
		return err
	}
	lis, err := c.TLS.Listen(ctx, c.GRPC)
	if err != nil {
		return err
	}
	server := serve.NewGRPC(serve.GRPCConfig{Log: p.Log, TLS: certificates})
	service.Register(server)
	p.Begun()
	p.Log.Info("gRPC is served", "address", lis.Addr().String())
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return service.Run(ctx) })
	group.Go(func() error { return serve.GRPC(ctx, lis, server) })
	return group.Wait()
}
