// Command provision makes the streams of the cluster.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/env"
	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/files"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "provision:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var c struct {
		NATS     events.Server
		Replicas int `env:"FILMGATE_NATS_REPLICAS" default:"1" help:"replicas"`
	}
	if err := env.Load("provision", &c); err != nil {
		return err
	}
	nc, err := c.NATS.Connect("provision", slog.Default())
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	return errors.Join(events.Provision(ctx, js, c.Replicas), files.Provision(ctx, js, c.Replicas))
}
