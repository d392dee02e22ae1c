// Command album-mapper turns the files log into the catalog of albums and photos, and answers CatalogService.
package main

import (
	"context"

	"golang.org/x/sync/errgroup"

	"filmgate.dev/pkg/env"
	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/objects"
	"filmgate.dev/pkg/process"
	"filmgate.dev/pkg/serve"
	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/pkg/telemetry"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	albummapper "filmgate.dev/services/album-mapper"
)

type config struct {
	Service      albummapper.Config
	NATS         events.Server
	S3           objects.Config
	TLS          serve.TLSFiles
	Log          telemetry.LogConfig
	Installation string `env:"FILMGATE_INSTALLATION" default:"filmgate" help:"name of this installation, as events carry it"`
	Database     string `env:"FILMGATE_MAPPER_DATABASE" required:"true" help:"sqlite:/path/of.db or postgres://…?search_path=catalog"`
	JobStatus    string `env:"FILMGATE_JOB_STATUS" default:"127.0.0.1:9101" help:"job-status, host:port"`
	GRPC         string `env:"FILMGATE_MAPPER_GRPC" default:"127.0.0.1:9102" help:"where CatalogService is served, host:port"`
	HTTP         string `env:"FILMGATE_MAPPER_HTTP" default:"127.0.0.1:8082" help:"where /healthz, /readyz and /metrics are served"`
}

func main() { process.Main("album-mapper", run) }

func run(ctx context.Context) error {
	var c config
	if err := env.Load("album-mapper keeps the catalog of albums and photos.", &c); err != nil {
		return err
	}
	p, err := process.New(ctx, "album-mapper", c.Log, c.HTTP)
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
	nc, err := c.NATS.Connect("album-mapper", p.Log)
	if err != nil {
		return err
	}
	defer nc.Close()
	p.Ready.Add("nats", events.Connected(nc))
	p.Ready.Add("streams", events.Provisioned(nc, files.Stream, events.StreamWork, events.StreamPhotos))
	jobs, err := serve.Dial(c.JobStatus, serve.DialConfig{TLS: certificates, AllowPlaintext: c.TLS.AllowPlaintext})
	if err != nil {
		return err
	}
	defer jobs.Close()
	p.Ready.Add("job-status", serve.Answers(jobs))
	tree, err := files.Open(nc, files.Config{Log: p.Log})
	if err != nil {
		return err
	}

	bucket, err := process.Await(ctx, p, "bucket", c.S3.Open)
	if err != nil {
		return err
	}
	defer bucket.Close()
	service, err := albummapper.New(ctx, c.Service, albummapper.Deps{
		DB: db, NATS: nc, Files: tree, Bucket: bucket, Identity: jobsv1.NewIdentityServiceClient(jobs), Log: p.Log, Installation: c.Installation,
	})
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
