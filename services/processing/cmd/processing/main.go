// Command processing makes thumbnails and previews of the photos it hears of.
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
	"filmgate.dev/pkg/objects"
	"filmgate.dev/pkg/serve"
	"filmgate.dev/pkg/telemetry"
	"filmgate.dev/services/processing"
)

type peers struct {
	NATS         events.Server
	S3           objects.Config
	Installation string `env:"FILMGATE_INSTALLATION" default:"filmgate" help:"name of this installation, as events carry it"`
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
	memory.Limit(log)
	nc, err := at.NATS.Connect("processing", log)
	if err != nil {
		return err
	}
	defer nc.Close()
	bucket, err := objects.Await(ctx, at.S3, log)
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
