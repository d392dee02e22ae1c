// Command album-mapper turns the files log into the catalog of albums and photos, and answers CatalogService.
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
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/memory"
	"filmgate.dev/pkg/objects"
	"filmgate.dev/pkg/serve"
	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/pkg/telemetry"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	albummapper "filmgate.dev/services/album-mapper"
)

type peers struct {
	NATS         events.Server
	S3           objects.Config
	Installation string `env:"FILMGATE_INSTALLATION" default:"filmgate" help:"name of this installation, as events carry it"`
	Database     string `env:"FILMGATE_MAPPER_DATABASE" required:"true" help:"sqlite:/path/of.db or postgres://…?search_path=catalog"`
	JobStatus    string `env:"FILMGATE_JOB_STATUS" default:"127.0.0.1:9101" help:"job-status, host:port"`
	Plaintext    bool   `env:"FILMGATE_GRPC_PLAINTEXT" default:"false" help:"allow gRPC without TLS to other machines, such as inside a mesh"`
	GRPC         string `env:"FILMGATE_MAPPER_GRPC" default:"127.0.0.1:9102" help:"where CatalogService is served, host:port"`
	HTTP         string `env:"FILMGATE_MAPPER_HTTP" default:"127.0.0.1:8082" help:"where /healthz, /readyz and /metrics are served"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil && !errors.Is(err, env.ErrHelp) {
		fmt.Fprintln(os.Stderr, "album-mapper:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func run(ctx context.Context) error {
	var (
		cfg  albummapper.Config
		at   peers
		logs telemetry.LogConfig
	)
	if err := env.Load("album-mapper keeps the catalog of albums and photos.", &cfg, &at, &logs); err != nil {
		return err
	}
	log, err := telemetry.NewLogger(os.Stderr, logs)
	if err != nil {
		return err
	}
	memory.Limit(log)
	db, err := sqldb.Open(ctx, at.Database)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	nc, err := at.NATS.Connect("album-mapper", log)
	if err != nil {
		return err
	}
	defer nc.Close()
	tree, err := files.Open(nc, files.Config{Log: log})
	if err != nil {
		return err
	}
	bucket, err := objects.Await(ctx, at.S3, log)
	if err != nil {
		return err
	}
	defer bucket.Close()
	jobs, err := serve.Dial(at.JobStatus, serve.DialConfig{AllowPlaintext: at.Plaintext})
	if err != nil {
		return err
	}
	defer jobs.Close()
	service, err := albummapper.New(cfg, albummapper.Deps{
		DB: db, NATS: nc, Files: tree, Bucket: bucket, Identity: jobsv1.NewIdentityServiceClient(jobs), Log: log, Installation: at.Installation,
	})
	if err != nil {
		return err
	}
	var listen net.ListenConfig
	calls, err := listen.Listen(ctx, "tcp", at.GRPC)
	if err != nil {
		return err
	}
	probes, err := listen.Listen(ctx, "tcp", at.HTTP)
	if err != nil {
		return err
	}
	server := serve.NewGRPC(serve.GRPCConfig{Log: log})
	service.Register(server)
	mux := http.NewServeMux()
	mux.Handle("/", service.Handler())
	mux.Handle("GET /metrics", telemetry.MetricsHandler(telemetry.NewRegistry()))
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return service.Run(ctx) })
	group.Go(func() error { return serve.GRPC(ctx, calls, server) })
	group.Go(func() error { return serve.HTTP(ctx, probes, mux) })
	return group.Wait()
}
