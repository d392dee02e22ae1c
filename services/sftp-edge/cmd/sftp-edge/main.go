// Command sftp-edge takes photographers' files over SFTP.
package main

import (
	"context"
	"net"
	"os"

	"filmgate.dev/pkg/env"
	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/objects"
	"filmgate.dev/pkg/process"
	"filmgate.dev/pkg/serve"
	"filmgate.dev/pkg/telemetry"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	sftpedge "filmgate.dev/services/sftp-edge"
)

type config struct {
	Service   sftpedge.Config
	NATS      events.Server
	S3        objects.Config
	TLS       serve.TLSFiles
	Log       telemetry.LogConfig
	Listen    string `env:"FILMGATE_SFTP_ADDRESS" default:"127.0.0.1:2022" help:"where SFTP is served, host:port"`
	HostKeys  string `env:"FILMGATE_SFTP_HOST_KEYS" required:"true" help:"folder of the host keys; missing ones are made. The same for all edges"`
	JobStatus string `env:"FILMGATE_JOB_STATUS" default:"127.0.0.1:9101" help:"job-status, host:port"`
	Token     string `env:"FILMGATE_SERVICE_TOKEN" required:"true" help:"bearer token of Filmgate's own services"`
	HTTP      string `env:"FILMGATE_SFTP_HTTP" default:"127.0.0.1:8081" help:"where /healthz, /readyz and /metrics are served"`
	Pprof     string `env:"FILMGATE_SFTP_PPROF" help:"where /debug/pprof is served, for those who look for lost time; empty means nowhere"`
}

func main() { process.Main("sftp-edge", run) }

func run(ctx context.Context) error {
	var c config
	if err := env.Load("sftp-edge takes photographers' files over SFTP.", &c); err != nil {
		return err
	}
	p, err := process.New(ctx, "sftp-edge", c.Log, c.HTTP)
	if err != nil {
		return err
	}
	return p.Run(ctx, func(ctx context.Context) error { return work(ctx, p, c) })
}

func work(ctx context.Context, p *process.Process, c config) error {
	if os.Getenv("GOGC") == "" {
		floor()
	}
	stop, err := profiler(ctx, c.Pprof, p.Log)
	if err != nil {
		return err
	}
	defer stop()
	keys, err := sftpedge.LoadOrCreateHostKeys(c.HostKeys)
	if err != nil {
		return err
	}
	certificates, err := c.TLS.Load(p.Log)
	if err != nil {
		return err
	}
	nc, err := c.NATS.Connect("sftp-edge", p.Log)
	if err != nil {
		return err
	}
	defer nc.Close()
	p.Ready.Add("nats", events.Connected(nc))
	p.Ready.Add("streams", events.Provisioned(nc, files.Streams()...))
	jobs, err := serve.Dial(c.JobStatus, serve.DialConfig{Token: c.Token, TLS: certificates, AllowPlaintext: c.TLS.AllowPlaintext})
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
	lis, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return err
	}
	service, err := sftpedge.New(c.Service, sftpedge.Deps{
		Listener: lis, HostKeys: keys, Jobs: jobsv1.NewEdgeServiceClient(jobs), Audit: jobsv1.NewAuditServiceClient(jobs),
		Files: tree, Bucket: bucket, NATS: nc, Metrics: p.Metrics, Log: p.Log,
	})
	if err != nil {
		return err
	}
	p.Begun()
	p.Log.Info("SFTP is served", "address", lis.Addr().String(), "http", p.Address())
	return service.Run(ctx)
}
