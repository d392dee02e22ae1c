package main

import (
	"context"
	"log/slog"
	"path/filepath"

	"github.com/nats-io/nats.go"

	"filmgate.dev/pkg/embednats"
	"filmgate.dev/pkg/embeds3"
	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/objects"
)

// basis is the servers of a data folder that a cluster has already, and the connections to them.
type basis struct {
	bus    *embednats.Server
	s3     *embeds3.Server
	nc     *nats.Conn
	bucket *objects.Bucket
}

// startBasis starts the servers. They stop with the stages, also after an error.
func startBasis(ctx context.Context, data string, k kept, stages *stages, log *slog.Logger) (b basis, err error) {
	b.bus, err = embednats.Start(ctx, embednats.Config{
		Dir: filepath.Join(data, "nats"), Addr: k.NATSAddr, Token: k.NATSToken, Log: log,
		Consumers: []embednats.Consumer{{Name: "consumer", Password: k.ConsumerSecret, Stream: events.StreamPhotos}},
	})
	if err != nil {
		return b, err
	}
	stages.hold("nats", b.bus.Stop)
	b.s3, err = embeds3.Start(ctx, embeds3.Config{
		Dir: filepath.Join(data, "objects"), Addr: k.S3Addr, AccessKey: k.S3AccessKey, SecretKey: k.S3SecretKey, Log: log,
	})
	if err != nil {
		return b, err
	}
	stages.hold("s3", b.s3.Stop)
	b.nc, err = b.bus.Connect()
	if err != nil {
		return b, err
	}
	stages.hold("nats connection", b.nc.Close)
	b.bucket, err = objects.Open(ctx, objects.Config{
		Endpoint: b.s3.Endpoint(), AccessKey: k.S3AccessKey, SecretKey: k.S3SecretKey, Bucket: bucketName, Region: embeds3.Region,
	})
	return b, err
}
