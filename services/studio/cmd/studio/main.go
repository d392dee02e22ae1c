// Command studio serves the studio's web pages.
package main

import (
	"context"
	"net"

	"golang.org/x/sync/errgroup"

	"filmgate.dev/pkg/env"
	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/objects"
	"filmgate.dev/pkg/process"
	"filmgate.dev/pkg/serve"
	"filmgate.dev/pkg/telemetry"
	catalogv1 "filmgate.dev/proto/catalog/v1"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/studio"
)

type config struct {
	Service studio.Config
	NATS    events.Server
	S3      objects.Config
	TLS     serve.TLSFiles
	Log     telemetry.LogConfig

	Address   string `env:"FILMGATE_STUDIO_ADDR" default:"127.0.0.1:8080" help:"where pages are served, host:port"`
	HTTP      string `env:"FILMGATE_STUDIO_HTTP" default:"127.0.0.1:8085" help:"where /healthz, /readyz and /metrics are served"`
	JobStatus string `env:"FILMGATE_JOB_STATUS" default:"127.0.0.1:9101" help:"job-status, host:port"`
	Mapper    string `env:"FILMGATE_ALBUM_MAPPER" default:"127.0.0.1:9102" help:"album-mapper, host:port"`

	SFTPAddress string `env:"FILMGATE_SFTP_PUBLIC_ADDR" default:"127.0.0.1:2022" help:"what photographers connect to, host:port"`
	HostKey     string `env:"FILMGATE_SFTP_HOST_KEY_SHA256" help:"fingerprint of the SFTP host key, SHA256:…"`
}

func main() { process.Main("studio", run) }

func run(ctx context.Context) error {
	var c config
	if err := env.Load("studio serves the web pages of Filmgate.", &c); err != nil {
		return err
	}
	p, err := process.New(ctx, "studio", c.Log, c.HTTP)
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
	dial := serve.DialConfig{TLS: certificates, AllowPlaintext: c.TLS.AllowPlaintext}
	jobs, err := serve.Dial(c.JobStatus, dial)
	if err != nil {
		return err
	}
	defer jobs.Close()
	p.Ready.Add("job-status", serve.Answers(jobs))
	mapper, err := serve.Dial(c.Mapper, dial)
	if err != nil {
		return err
	}
	defer mapper.Close()
	p.Ready.Add("album-mapper", serve.Answers(mapper))
	nc, err := c.NATS.Connect("studio", p.Log)
	if err != nil {
		return err
	}
	defer nc.Close()
	p.Ready.Add("nats", events.Connected(nc))

	bucket, err := process.Await(ctx, p, "bucket", c.S3.Open)
	if err != nil {
		return err
	}
	defer bucket.Close()
	service, err := studio.New(c.Service, studio.Deps{
		Identity: jobsv1.NewIdentityServiceClient(jobs), Jobs: jobsv1.NewJobServiceClient(jobs),
		Users: jobsv1.NewUserServiceClient(jobs), Accounts: jobsv1.NewAccountServiceClient(jobs),
		Audit: jobsv1.NewAuditServiceClient(jobs), Bans: jobsv1.NewBanServiceClient(jobs),
		Catalog:  catalogv1.NewCatalogServiceClient(mapper),
		EdgeCard: studio.EdgeCard{SFTPAddress: c.SFTPAddress, HostKeySHA256: c.HostKey},
		NATS:     nc, Bucket: bucket, Log: p.Log,
	})
	if err != nil {
		return err
	}
	lis, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Address)
	if err != nil {
		return err
	}
	p.Begun()
	p.Log.Info("pages are served", "address", lis.Addr().String())
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return service.Run(ctx) })
	group.Go(func() error { return serve.HTTP(ctx, lis, service.Handler()) })
	return group.Wait()
}
