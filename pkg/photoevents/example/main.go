// Command example prints a line for each photo that Filmgate takes in, goes on where it stopped, and misses none.
//
//	go run ./example --url nats://consumer:password@127.0.0.1:4222
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	neturl "net/url"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/nats-io/nats.go"

	"filmgate.dev/pkg/photoevents"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "example:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("example", flag.ContinueOnError)
	flags.SetOutput(stderr)
	url := flags.String("url", nats.DefaultURL, "where Filmgate's events are, with user and password")
	creds := flags.String("creds", "", "file with NATS credentials, instead of user and password in the URL")
	durable := flags.String("durable", "", "name of this program's place in the stream (default: the user in the URL, else example)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *durable == "" {
		*durable = "example"
		if at, err := neturl.Parse(*url); err == nil && at.User.Username() != "" {
			*durable = at.User.Username()
		}
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))

	opts := []nats.Option{
		nats.Name("photoevents example"),
		nats.MaxReconnects(-1),
		nats.RetryOnFailedConnect(true),
		// A refused request shows up only here.
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { log.Error("nats", "error", err) }),
	}
	if *creds != "" {
		opts = append(opts, nats.UserCredentials(*creds))
	}
	nc, err := nats.Connect(*url, opts...)
	if err != nil {
		return err
	}
	defer nc.Close()

	var mu sync.Mutex
	say := func(format string, args ...any) error {
		mu.Lock()
		defer mu.Unlock()
		_, err := fmt.Fprintf(stdout, format+"\n", args...)
		return err
	}
	return photoevents.Consumer{
		Durable: *durable,
		Log:     log,
		OnPhotoIngested: func(_ context.Context, _ photoevents.Event, p photoevents.PhotoIngested) error {
			return say("photo.ingested %s %s %q %s %dx%d", p.Photo.ID, p.Photo.Version, p.File.Path, p.Section, p.Image.DisplayWidth, p.Image.DisplayHeight)
		},
		OnPhotoUpdated: func(_ context.Context, _ photoevents.Event, p photoevents.PhotoIngested) error {
			return say("photo.updated %s %s %q %s %dx%d", p.Photo.ID, p.Photo.Version, p.File.Path, p.Section, p.Image.DisplayWidth, p.Image.DisplayHeight)
		},
		OnPhotoFailed: func(_ context.Context, _ photoevents.Event, p photoevents.PhotoFailed) error {
			return say("photo.failed %s %s %q %s: %s", p.Photo.ID, p.Photo.Version, p.File.Path, p.Reason.Code, p.Reason.Message)
		},
		OnPhotoRemoved: func(_ context.Context, _ photoevents.Event, p photoevents.PhotoRemoved) error {
			return say("photo.removed %s %s %q", p.Photo.ID, p.Photo.Version, p.File.Path)
		},
	}.Run(ctx, nc)
}
