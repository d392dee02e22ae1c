package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"filmgate.dev/pkg/embednats"
	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/serve"
	"filmgate.dev/pkg/sqldb"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	jobstatus "filmgate.dev/services/job-status"
)

const (
	token    = "bench"
	edgeUser = "bench"
	edgeJob  = "JOB00001"
)

// parts is what an edge needs besides a bucket, inside this process: NATS and job-status. Nobody hears what lands, so that
// nothing but the two servers, their client and MinIO works on this machine.
type parts struct {
	bus      *embednats.Server
	nc       *nats.Conn
	db       *sqldb.DB
	grpc     string
	services errgroup.Group
	end      context.CancelFunc
}

// startParts starts them, and makes a job and a user who logs in with key.
func startParts(ctx context.Context, dir, key string) (_ *parts, err error) {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	running, end := context.WithCancel(ctx)
	p := &parts{end: end}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.stop())
		}
	}()
	if p.bus, err = embednats.Start(ctx, embednats.Config{Dir: filepath.Join(dir, "nats"), Addr: "127.0.0.1:0", Token: token, Log: log}); err != nil {
		return nil, err
	}
	if p.nc, err = p.bus.Connect(); err != nil {
		return nil, err
	}
	js, err := jetstream.New(p.nc)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(events.Provision(ctx, js, 1), files.Provision(ctx, js, 1)); err != nil {
		return nil, err
	}
	if p.db, err = sqldb.Open(ctx, "sqlite:"+filepath.Join(dir, "jobs.db")); err != nil {
		return nil, err
	}
	jobs, err := jobstatus.New(ctx, jobstatus.Config{ServiceToken: token, OperatorToken: "operator"},
		jobstatus.Deps{DB: p.db, NATS: p.nc, Log: log, Installation: "bench"})
	if err != nil {
		return nil, err
	}
	lis, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p.grpc = lis.Addr().String()
	server := serve.NewGRPC(serve.GRPCConfig{Log: log})
	jobs.Register(server)
	p.services.Go(func() error { return serve.GRPC(running, lis, server) })
	p.services.Go(func() error { return jobs.Run(running) })
	return p, p.prepare(ctx, key)
}

func (p *parts) prepare(ctx context.Context, key string) error {
	conn, err := serve.Dial(p.grpc, serve.DialConfig{Token: token})
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx = serve.WithAccount(ctx, "bench")
	if _, err := jobsv1.NewAccountServiceClient(conn).CreateAccount(ctx, &jobsv1.CreateAccountRequest{Slug: "bench", Name: "Bench"}); err != nil {
		return err
	}
	if _, err := jobsv1.NewJobServiceClient(conn).CreateJob(ctx, &jobsv1.CreateJobRequest{InternalName: edgeJob, Name: "Bench"}); err != nil {
		return err
	}
	users := jobsv1.NewUserServiceClient(conn)
	made, err := users.CreateUser(ctx, &jobsv1.CreateUserRequest{
		DisplayName: "Bench", Role: jobsv1.Role_ROLE_INDIVIDUAL, Rights: []string{"upload", "download"}, AllJobs: true, SftpUserName: edgeUser,
	})
	if err != nil {
		return err
	}
	line, err := os.ReadFile(key + ".pub")
	if err != nil {
		return err
	}
	_, err = users.AddSSHKey(ctx, &jobsv1.AddSSHKeyRequest{Id: made.GetUser().GetId(), AuthorizedKey: string(line)})
	return err
}

func (p *parts) stop() error {
	p.end()
	err := p.services.Wait()
	if p.db != nil {
		err = errors.Join(err, p.db.Close())
	}
	if p.nc != nil {
		p.nc.Close()
	}
	if p.bus != nil {
		p.bus.Stop()
	}
	return err
}
