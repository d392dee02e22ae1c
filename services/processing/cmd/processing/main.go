// Command processing makes thumbnails and previews of the photos it hears of.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"filmgate.dev/pkg/env"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/objects"
	"filmgate.dev/pkg/serve"
	"filmgate.dev/pkg/telemetry"
	"filmgate.dev/services/processing"
)

type peers struct {
	Installation string `env:"FILMGATE_INSTALLATION" default:"filmgate" help:"name of this installation, as events carry it"`
	NATS         string `env:"FILMGATE_NATS_URL" default:"nats://127.0.0.1:4222" help:"where NATS is; several servers separated by commas"`
	NATSCreds    string `env:"FILMGATE_NATS_CREDENTIALS" help:"path of a NATS credentials file"`
	Endpoint     string `env:"FILMGATE_S3_ENDPOINT" required:"true" help:"host:port of the S3 server"`
	AccessKey    string `env:"FILMGATE_S3_ACCESS_KEY" required:"true" help:"S3 access key"`
	SecretKey    string `env:"FILMGATE_S3_SECRET_KEY" required:"true" help:"S3 secret key"`
	Bucket       string `env:"FILMGATE_S3_BUCKET" default:"filmgate" help:"the bucket of all photos"`
	Region       string `env:"FILMGATE_S3_REGION" default:"us-east-1" help:"the bucket's region"`
	Secure       bool   `env:"FILMGATE_S3_TLS" default:"true" help:"speak TLS to the S3 server"`
	Listen       string `env:"FILMGATE_PROCESSING_HTTP" default:"127.0.0.1:8084" help:"where /healthz, /readyz and /metrics are served"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil && !errors.Is(err, env.ErrHelp) && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "processing:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var (
		cfg  processing.Config
		at   peers
		logs telemetry.LogConfig
	)
	if err := env.Load("processing makes thumbnails and previews of the photos it hears of.", &cfg, &at, &logs); err != nil {
		return err
	}
	log, err := telemetry.NewLogger(os.Stderr, logs)
	if err != nil {
		return err
	}
	options := []nats.Option{
		nats.Name("processing"), nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true), nats.ReconnectBufSize(-1),
		nats.ConnectHandler(func(nc *nats.Conn) { log.Info("connected to NATS", "server", nc.ConnectedUrlRedacted()) }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { log.Warn("NATS is away", "error", err) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { log.Error("NATS refused something", "error", err) }),
	}
	if at.NATSCreds != "" {
		options = append(options, nats.UserCredentials(at.NATSCreds))
	}
	nc, err := nats.Connect(at.NATS, options...)
	if err != nil {
		return err
	}
	defer nc.Close()
	bucket, err := openBucket(ctx, log, objects.Config{
		Endpoint: at.Endpoint, AccessKey: at.AccessKey, SecretKey: at.SecretKey, Bucket: at.Bucket, Region: at.Region, Secure: at.Secure,
	})
	if err != nil {
		return err
	}
	defer bucket.Close()
	service, err := processing.New(cfg, processing.Deps{NATS: nc, Bucket: bucket, Log: log, Installation: at.Installation})
	if err != nil {
		return err
	}
	lis, err := new(net.ListenConfig).Listen(ctx, "tcp", at.Listen)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/", service.Handler())
	mux.Handle("GET /metrics", telemetry.MetricsHandler(telemetry.NewRegistry()))
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return serve.HTTP(ctx, lis, mux) })
	group.Go(func() error { return service.Run(ctx) })
	return group.Wait()
}

// openBucket waits for a bucket that is away: services start in any order.
func openBucket(ctx context.Context, log *slog.Logger, cfg objects.Config) (*objects.Bucket, error) {
	for {
		bucket, err := objects.Open(ctx, cfg)
		if !fault.Is(err, fault.Unavailable) {
			return bucket, err
		}
		log.WarnContext(ctx, "the bucket is away", "error", err)
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(2 * time.Second):
		}
	}
}
