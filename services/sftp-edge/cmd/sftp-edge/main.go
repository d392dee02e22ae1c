// Command sftp-edge takes photographers' files over SFTP.
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

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"filmgate.dev/pkg/env"
	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/memory"
	"filmgate.dev/pkg/objects"
	"filmgate.dev/pkg/serve"
	"filmgate.dev/pkg/telemetry"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	sftpedge "filmgate.dev/services/sftp-edge"
)

type peers struct {
	NATS      events.Server
	S3        objects.Config
	Listen    string `env:"FILMGATE_SFTP_ADDRESS" default:"127.0.0.1:2022" help:"where SFTP is served, host:port"`
	HostKeys  string `env:"FILMGATE_SFTP_HOST_KEYS" required:"true" help:"folder of the host keys; missing ones are made. The same for all edges"`
	JobStatus string `env:"FILMGATE_JOB_STATUS" default:"127.0.0.1:9101" help:"job-status, host:port"`
	Token     string `env:"FILMGATE_SERVICE_TOKEN" required:"true" help:"bearer token of Filmgate's own services"`
	Plaintext bool   `env:"FILMGATE_GRPC_PLAINTEXT" default:"false" help:"allow gRPC without TLS to other machines, such as inside a mesh"`
	HTTP      string `env:"FILMGATE_SFTP_HTTP" default:"127.0.0.1:8081" help:"where /healthz, /readyz and /metrics are served"`
	Pprof     string `env:"FILMGATE_SFTP_PPROF" help:"where /debug/pprof is served, for those who look for lost time; empty means nowhere"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil && !errors.Is(err, env.ErrHelp) {
		fmt.Fprintln(os.Stderr, "sftp-edge:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func run(ctx context.Context) error {
	var (
		cfg  sftpedge.Config
		at   peers
		logs telemetry.LogConfig
	)
	if err := env.Load("sftp-edge takes photographers' files over SFTP.", &cfg, &at, &logs); err != nil {
		return err
	}
	log, err := telemetry.NewLogger(os.Stderr, logs)
	if err != nil {
		return err
	}
	memory.Limit(log)
	if os.Getenv("GOGC") == "" {
		floor()
	}
	keys, err := sftpedge.LoadOrCreateHostKeys(at.HostKeys)
	if err != nil {
		return err
	}
	nc, err := at.NATS.Connect("sftp-edge", log)
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
	jobs, err := serve.Dial(at.JobStatus, serve.DialConfig{Token: at.Token, AllowPlaintext: at.Plaintext})
	if err != nil {
		return err
	}
	defer jobs.Close()
	lis, err := new(net.ListenConfig).Listen(ctx, "tcp", at.Listen)
	if err != nil {
		return err
	}
	metrics := telemetry.NewRegistry()
	service, err := sftpedge.New(cfg, sftpedge.Deps{
		Listener: lis, HostKeys: keys, Jobs: jobsv1.NewEdgeServiceClient(jobs), Audit: jobsv1.NewAuditServiceClient(jobs),
		Files: tree, Bucket: bucket, NATS: nc, Metrics: metrics, Log: log,
	})
	if err != nil {
		return err
	}
	probes, err := new(net.ListenConfig).Listen(ctx, "tcp", at.HTTP)
	if err != nil {
		return err
	}
	var ready serve.Readiness
	ready.Add("nats", func(context.Context) error { return connected(nc) })
	ready.Add("stream FILES", tree.Ready)
	ready.Add("running", func(context.Context) error { return ctx.Err() }) // before the listener closes, and until the end
	mux := http.NewServeMux()
	ready.Register(mux)
	mux.Handle("GET /metrics", telemetry.MetricsHandler(metrics))
	servers := []func(context.Context) error{func(ctx context.Context) error { return serve.HTTP(ctx, probes, mux) }}
	if at.Pprof != "" {
		profiler, err := new(net.ListenConfig).Listen(ctx, "tcp", at.Pprof)
		if err != nil {
			return err
		}
		servers = append(servers, func(ctx context.Context) error { return serve.HTTP(ctx, profiler, profiles()) })
	}
	log.Info("SFTP is served", "address", lis.Addr().String(), "http", probes.Addr().String())
	return together(ctx, service, servers...)
}

// together runs the service and, until it has ended, the servers beside it: while it drains, the probes say that it lives and
// takes nobody.
func together(ctx context.Context, service *sftpedge.Service, beside ...func(context.Context) error) error {
	group, serving := errgroup.WithContext(ctx)
	around, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group.Go(func() error {
		defer stop()
		return service.Run(serving)
	})
	for _, serve := range beside {
		group.Go(func() error { return serve(around) })
	}
	return group.Wait()
}

func connected(nc *nats.Conn) error {
	if nc.IsConnected() {
		return nil
	}
	return errors.New("the connection to NATS is " + nc.Status().String())
}
