// Command studio serves the studio's web pages.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"filmgate.dev/pkg/env"
	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/memory"
	"filmgate.dev/pkg/objects"
	"filmgate.dev/pkg/serve"
	"filmgate.dev/pkg/telemetry"
	catalogv1 "filmgate.dev/proto/catalog/v1"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/studio"

	"golang.org/x/sync/errgroup"
)

type config struct {
	studio.Config
	telemetry.LogConfig
	NATS events.Server
	S3   objects.Config

	Address   string `env:"FILMGATE_STUDIO_ADDR" default:"127.0.0.1:8080" help:"where pages are served, host:port"`
	JobStatus string `env:"FILMGATE_JOB_STATUS" default:"127.0.0.1:9101" help:"job-status, host:port"`
	Mapper    string `env:"FILMGATE_ALBUM_MAPPER" default:"127.0.0.1:9102" help:"album-mapper, host:port"`
	Plaintext bool   `env:"FILMGATE_GRPC_PLAINTEXT" default:"false" help:"allow gRPC without TLS to other machines, such as inside a mesh"`

	SFTPAddress string `env:"FILMGATE_SFTP_PUBLIC_ADDR" default:"127.0.0.1:2022" help:"what photographers connect to, host:port"`
	HostKey     string `env:"FILMGATE_SFTP_HOST_KEY_SHA256" help:"fingerprint of the SFTP host key, SHA256:…"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil && !errors.Is(err, env.ErrHelp) {
		fmt.Fprintln(os.Stderr, "studio:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func run(ctx context.Context) error {
	var cfg config
	if err := env.Load("studio serves the web pages of Filmgate.", &cfg); err != nil {
		return err
	}
	log, err := telemetry.NewLogger(os.Stderr, cfg.LogConfig)
	if err != nil {
		return err
	}
	memory.Limit(log)
	jobs, err := serve.Dial(cfg.JobStatus, serve.DialConfig{AllowPlaintext: cfg.Plaintext})
	if err != nil {
		return err
	}
	defer jobs.Close()
	mapper, err := serve.Dial(cfg.Mapper, serve.DialConfig{AllowPlaintext: cfg.Plaintext})
	if err != nil {
		return err
	}
	defer mapper.Close()
	nc, err := cfg.NATS.Connect("studio", log)
	if err != nil {
		return err
	}
	defer nc.Close()
	bucket, err := objects.Await(ctx, cfg.S3, log)
	if err != nil {
		return err
	}
	defer bucket.Close()
	service, err := studio.New(cfg.Config, studio.Deps{
		Identity: jobsv1.NewIdentityServiceClient(jobs), Jobs: jobsv1.NewJobServiceClient(jobs),
		Users: jobsv1.NewUserServiceClient(jobs), Accounts: jobsv1.NewAccountServiceClient(jobs),
		Audit: jobsv1.NewAuditServiceClient(jobs), Bans: jobsv1.NewBanServiceClient(jobs),
		Catalog:  catalogv1.NewCatalogServiceClient(mapper),
		EdgeCard: studio.EdgeCard{SFTPAddress: cfg.SFTPAddress, HostKeySHA256: cfg.HostKey},
		NATS:     nc, Bucket: bucket, Log: log,
	})
	if err != nil {
		return err
	}
	lis, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Address)
	if err != nil {
		return err
	}
	log.Info("studio serves", "address", lis.Addr().String())
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return service.Run(ctx) })
	group.Go(func() error { return serve.HTTP(ctx, lis, service.Handler()) })
	return group.Wait()
}
