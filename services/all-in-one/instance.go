package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"

	"filmgate.dev/pkg/embednats"
	"filmgate.dev/pkg/embeds3"
	"filmgate.dev/pkg/env"
	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/serve"
	"filmgate.dev/pkg/sqldb"
	catalogv1 "filmgate.dev/proto/catalog/v1"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	albummapper "filmgate.dev/services/album-mapper"
	jobstatus "filmgate.dev/services/job-status"
	"filmgate.dev/services/processing"
	sftpedge "filmgate.dev/services/sftp-edge"
	"filmgate.dev/services/studio"

	"github.com/nats-io/nats.go/jetstream"
)

const bucketName = "filmgate"

// instance is a running Filmgate: every service and the three servers that they need, in this process.
type instance struct {
	stages *stages
	card   card
	first  bool // the first start on this data folder
}

// start brings everything up, dependencies first, and returns when photographers and studio can come in.
func start(ctx context.Context, data string, sftpListener, web net.Listener, log *slog.Logger) (_ *instance, err error) {
	in := &instance{stages: newStages(log)}
	defer func() {
		if err != nil {
			_ = in.stages.stop(drainLimit)
		}
	}()

	k, err := keep(ctx, data)
	if err != nil {
		return nil, err
	}
	in.first = !k.Prepared

	basis, err := startBasis(ctx, data, k, in.stages, log)
	if err != nil {
		return nil, err
	}
	bus, s3, nc, bucket := basis.bus, basis.s3, basis.nc, basis.bucket

	// What `filmgate provision` does in a cluster.
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	if err := events.Provision(ctx, js, 1); err != nil {
		return nil, err
	}
	if err := files.Provision(ctx, js, 1); err != nil {
		return nil, err
	}
	if err := bus.CreateConsumers(ctx, js); err != nil {
		return nil, err
	}
	tree, err := files.Open(nc, files.Config{Log: log})
	if err != nil {
		return nil, err
	}

	// The services with databases, behind one gRPC port.
	jobsDB, err := in.database(ctx, "jobs", data)
	if err != nil {
		return nil, err
	}
	catalogDB, err := in.database(ctx, "catalog", data)
	if err != nil {
		return nil, err
	}
	grpcListener, err := new(net.ListenConfig).Listen(ctx, "tcp", k.GRPCAddr)
	if err != nil {
		return nil, err
	}
	server := serve.NewGRPC(serve.GRPCConfig{Log: log})
	services, err := serve.Dial(k.GRPCAddr, serve.DialConfig{Token: k.ServiceToken})
	if err != nil {
		return nil, err
	}
	people, err := serve.Dial(k.GRPCAddr, serve.DialConfig{})
	if err != nil {
		return nil, err
	}
	jobsConfig := jobstatus.Config{ServiceToken: k.ServiceToken, OperatorToken: k.OperatorToken}
	if err := env.Parse(os.LookupEnv, &jobsConfig.Guessing); err != nil { // FILMGATE_LOGIN_…: an office's address, for one
		return nil, err
	}
	jobs, err := jobstatus.New(ctx, jobsConfig,
		jobstatus.Deps{DB: jobsDB, NATS: nc, Log: log, Installation: k.Installation})
	if err != nil {
		return nil, err
	}
	catalog, err := albummapper.New(ctx, albummapper.Config{}, albummapper.Deps{
		DB: catalogDB, NATS: nc, Files: tree, Bucket: bucket, Identity: jobsv1.NewIdentityServiceClient(people),
		Log: log, Installation: k.Installation,
	})
	if err != nil {
		return nil, err
	}
	jobs.Register(server)
	catalog.Register(server)
	in.stages.run("grpc", func(ctx context.Context) error { return serve.GRPC(ctx, grpcListener, server) })
	in.stages.hold("grpc clients", func() { _, _ = services.Close(), people.Close() })
	in.stages.run("job-status", jobs.Run)
	in.stages.run("album-mapper", catalog.Run)

	pictures, err := processing.New(processing.Config{}, processing.Deps{NATS: nc, Bucket: bucket, Log: log, Installation: k.Installation})
	if err != nil {
		return nil, err
	}
	in.stages.run("processing", pictures.Run)

	// The two doors.
	keys, err := sftpedge.LoadOrCreateHostKeys(filepath.Join(data, "hostkeys"))
	if err != nil {
		return nil, err
	}
	edge, err := sftpedge.New(sftpedge.Config{Drain: uploadsMayFinish}, sftpedge.Deps{
		Listener: sftpListener, HostKeys: keys,
		Jobs: jobsv1.NewEdgeServiceClient(services), Audit: jobsv1.NewAuditServiceClient(services),
		Files: tree, Bucket: bucket, NATS: nc, Log: log,
	})
	if err != nil {
		return nil, err
	}
	fingerprint := ssh.FingerprintSHA256(keys[0].PublicKey())
	pages, err := studio.New(studio.Config{}, studio.Deps{
		Identity: jobsv1.NewIdentityServiceClient(people),
		Jobs:     jobsv1.NewJobServiceClient(people),
		Users:    jobsv1.NewUserServiceClient(people),
		Accounts: jobsv1.NewAccountServiceClient(people),
		Audit:    jobsv1.NewAuditServiceClient(people),
		Bans:     jobsv1.NewBanServiceClient(people),
		Catalog:  catalogv1.NewCatalogServiceClient(people),
		NATS:     nc, Bucket: bucket, Log: log,
		EdgeCard: studio.EdgeCard{SFTPAddress: sftpListener.Addr().String(), HostKeySHA256: fingerprint},
	})
	if err != nil {
		return nil, err
	}

	if err := prepare(ctx, &k, data, services); err != nil {
		return nil, err
	}
	in.card = makeCard(k, sftpListener.Addr().String(), web.Addr().String(), fingerprint, bus, s3)
	if err := in.card.write(data); err != nil {
		return nil, err
	}
	in.stages.run("studio pages", func(ctx context.Context) error { return serve.HTTP(ctx, web, pages.Handler()) })
	// Stopped before the pages: it ends the live streams that they would wait for.
	in.stages.run("studio", pages.Run)
	in.stages.run("sftp-edge", edge.Run)
	return in, nil
}

func (in *instance) database(ctx context.Context, name, data string) (*sqldb.DB, error) {
	db, err := sqldb.Open(ctx, "sqlite:"+filepath.Join(data, name+".db"))
	if err != nil {
		return nil, fmt.Errorf("%s database: %w", name, err)
	}
	in.stages.hold(name+" database", func() { _ = db.Close() })
	return db, nil
}

func makeCard(k kept, sftpAddr, webAddr, fingerprint string, bus *embednats.Server, s3 *embeds3.Server) card {
	var c card
	c.SFTP.Address, c.SFTP.User, c.SFTP.Password, c.SFTP.HostKeySHA256 = sftpAddr, demoSFTPUser, k.SFTPPassword, fingerprint
	c.Studio.URL, c.Studio.Email, c.Studio.Password = "http://"+webAddr, demoAdmin, k.AdminPassword
	c.NATS.URL, c.NATS.ConsumerURL = bus.URL(), bus.ConsumerURL("consumer")
	c.S3.Endpoint, c.S3.AccessKey, c.S3.SecretKey, c.S3.Bucket = s3.Endpoint(), k.S3AccessKey, k.S3SecretKey, bucketName
	c.GRPC.Address, c.GRPC.Token = k.GRPCAddr, k.OperatorToken
	return c
}
