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
	"filmgate.dev/pkg/objects"
	"filmgate.dev/pkg/serve"
	"filmgate.dev/pkg/telemetry"
	catalogv1 "filmgate.dev/proto/catalog/v1"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/studio"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"
)

type config struct {
	studio.Config
	telemetry.LogConfig

	Address   string `env:"FILMGATE_STUDIO_ADDR" default:"127.0.0.1:8080" help:"where pages are served, host:port"`
	JobStatus string `env:"FILMGATE_JOB_STATUS" default:"127.0.0.1:9101" help:"job-status, host:port"`
	Mapper    string `env:"FILMGATE_ALBUM_MAPPER" default:"127.0.0.1:9102" help:"album-mapper, host:port"`
	Plaintext bool   `env:"FILMGATE_GRPC_PLAINTEXT" default:"false" help:"allow gRPC without TLS to other machines, such as inside a mesh"`
	NATS      string `env:"FILMGATE_NATS_URL" default:"nats://127.0.0.1:4222" help:"NATS server"`
	NATSCreds string `env:"FILMGATE_NATS_CREDENTIALS" help:"file with NATS credentials"`

	S3Endpoint  string `env:"FILMGATE_S3_ENDPOINT" required:"true" help:"S3 server, host:port"`
	S3AccessKey string `env:"FILMGATE_S3_ACCESS_KEY" required:"true" help:"access key"`
	S3SecretKey string `env:"FILMGATE_S3_SECRET_KEY" required:"true" help:"secret key"`
	S3Bucket    string `env:"FILMGATE_S3_BUCKET" default:"filmgate" help:"bucket"`
	S3Region    string `env:"FILMGATE_S3_REGION" default:"us-east-1" help:"region"`
	S3TLS       bool   `env:"FILMGATE_S3_TLS" default:"true" help:"TLS to the S3 server"`

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
	options := []nats.Option{nats.Name("studio"), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1)}
	if cfg.NATSCreds != "" {
		options = append(options, nats.UserCredentials(cfg.NATSCreds))
	}
	nc, err := nats.Connect(cfg.NATS, options...)
	if err != nil {
		return fmt.Errorf("NATS: %w", err)
	}
	defer nc.Close()
	bucket, err := objects.Open(ctx, objects.Config{
		Endpoint: cfg.S3Endpoint, AccessKey: cfg.S3AccessKey, SecretKey: cfg.S3SecretKey,
		Bucket: cfg.S3Bucket, Region: cfg.S3Region, Secure: cfg.S3TLS,
	})
	if err != nil {
		return err
	}
	defer bucket.Close()
	service, err := studio.New(cfg.Config, studio.Deps{
		Identity: jobsv1.NewIdentityServiceClient(jobs), Jobs: jobsv1.NewJobServiceClient(jobs),
		Users: jobsv1.NewUserServiceClient(jobs), Accounts: jobsv1.NewAccountServiceClient(jobs),
		Audit: jobsv1.NewAuditServiceClient(jobs), Catalog: catalogv1.NewCatalogServiceClient(mapper),
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
