// Command processing makes thumbnails and previews of the photos it hears of.
package main

import (
	"context"

	"filmgate.dev/pkg/env"
	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/objects"
	"filmgate.dev/pkg/process"
	"filmgate.dev/pkg/telemetry"
	"filmgate.dev/services/processing"
)

type config struct {
	Service      processing.Config
	NATS         events.Server
	S3           objects.Config
	Log          telemetry.LogConfig
	Installation string `env:"FILMGATE_INSTALLATION" default:"filmgate" help:"name of this installation, as events carry it"`
	HTTP         string `env:"FILMGATE_PROCESSING_HTTP" default:"127.0.0.1:8083" help:"where /healthz, /readyz and /metrics are served"`
}

func main() { process.Main("processing", run) }

func run(ctx context.Context) error {
	var c config
	if err := env.Load("processing makes thumbnails and previews of the photos it hears of.", &c); err != nil {
		return err
	}
	p, err := process.New(ctx, "processing", c.Log, c.HTTP)
	if err != nil {
		return err
	}
	return p.Run(ctx, func(ctx context.Context) error { return work(ctx, p, c) })
}

func work(ctx context.Context, p *process.Process, c config) error {
	nc, err := c.NATS.Connect("processing", p.Log)
	if err != nil {
		return err
	}
	defer nc.Close()
	p.Ready.Add("nats", events.Connected(nc))
	p.Ready.Add("streams", events.Provisioned(nc, events.StreamWork))

	bucket, err := process.Await(ctx, p, "bucket", c.S3.Open)
	if err != nil {
		return err
	}
	defer bucket.Close()
	service, err := processing.New(c.Service, processing.Deps{NATS: nc, Bucket: bucket, Log: p.Log, Installation: c.Installation})
	if err != nil {
		return err
	}
	p.Begun()
	return service.Run(ctx)
}
