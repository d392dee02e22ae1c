package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"filmgate.dev/pkg/env"
	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/sqldb"
	albummapper "filmgate.dev/services/album-mapper"
)

// loss is what is left after NATS was lost, and where its successor is.
type loss struct {
	NATS     events.Server
	Replicas int    `env:"FILMGATE_NATS_REPLICAS" default:"1" help:"servers that keep the log: 1 or 3"`
	Catalog  string `env:"FILMGATE_MAPPER_DATABASE" required:"true" help:"the catalog's database, sqlite:/path/of.db or postgres://…?search_path=catalog"`
	// Servers that have just come back agree on a leader first.
	Within time.Duration `env:"FILMGATE_PROVISION_WITHIN" default:"5m" help:"how long servers that are away are waited for"`
}

func rebuildCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "rebuild",
		Short: "Write the files log anew from the catalog, after NATS was lost",
		Long: `Writes the files log, which every upload and listing needs, anew from what the catalog
has heard of it. This is for the day on which NATS was lost with all its replicas: stop
every service, give NATS an empty disk, run this and then 'filmgate provision', and start
the services. A log that has entries is never written over.

What was uploaded in the last moment before the loss, and was not in the catalog yet, is
not in the log afterwards; its photos are still in the bucket.

Settings are environment variables:

` + settingsOf(&loss{}),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return rebuild(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
}

func rebuild(ctx context.Context, out, errOut io.Writer) error {
	var at loss
	if err := env.Parse(os.LookupEnv, &at); err != nil {
		return err
	}
	log, err := newLog(errOut, "warn")
	if err != nil {
		return err
	}
	db, err := sqldb.Open(ctx, at.Catalog)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	nc, err := at.NATS.Connect("restore", log)
	if err != nil {
		return err
	}
	defer nc.Close()
	n, err := albummapper.Rebuild(ctx, db, nc, at.Replicas)
	for end := time.Now().Add(at.Within); fault.Is(err, fault.Unavailable) && time.Now().Before(end); {
		fmt.Fprintln(out, "Not yet: "+fault.Message(err)+". Trying again.")
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2 * time.Second):
		}
		n, err = albummapper.Rebuild(ctx, db, nc, at.Replicas)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "The files log has its %d entries again. Run `filmgate provision`, then start the services.\n", n)
	return nil
}
