package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/spf13/cobra"

	"filmgate.dev/pkg/env"
	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/objects"
	"filmgate.dev/pkg/sqldb"
)

// destination is where an installation moves: the servers of a cluster.
type destination struct {
	NATS     events.Server
	S3       objects.Config
	Replicas int    `env:"FILMGATE_NATS_REPLICAS" default:"1" help:"servers that keep each stream: 1 or 3"`
	Jobs     string `env:"FILMGATE_JOBS_DATABASE" required:"true" help:"the jobs database, postgres://…?search_path=jobs"`
	Catalog  string `env:"FILMGATE_MAPPER_DATABASE" required:"true" help:"the catalog's database, postgres://…?search_path=catalog"`
}

func moveCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "move",
		Short: "Move everything of a local instance into a cluster",
		Long: `Copies all photos, accounts, jobs and the catalog of the instance in --data into a
cluster's NATS, S3 and PostgreSQL, which 'filmgate provision' has prepared. Stop the
instance first, and start the cluster's services afterwards.

Nothing is removed from the data folder. What was copied already is left, so a move that
was interrupted is simply started again. Uploads that broke off are not taken along:
their programs send these files again.

Where the cluster's servers are is told by environment variables:

` + settingsOf(&destination{}),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return move(cmd.Context(), o.data, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
}

// settingsOf is the reference of settings in the environment, for a command's help.
func settingsOf(configs ...any) string {
	var text strings.Builder
	env.Reference(&text, configs...)
	return strings.TrimRight(text.String(), "\n")
}

func move(ctx context.Context, data string, out, errOut io.Writer) (err error) {
	var to destination
	if err := env.Parse(os.LookupEnv, &to); err != nil {
		return err
	}
	log, err := newLog(errOut, "warn")
	if err != nil {
		return err
	}
	if _, err := readKept(data); err != nil {
		return fmt.Errorf("there is no instance in %s: %w", data, err)
	}
	unlock, err := openFolder(data)
	if err != nil {
		return err
	}
	defer func() { _ = unlock() }()
	stages := newStages(log)
	defer func() { _ = stages.stop(drainLimit) }()
	k, err := keep(ctx, data)
	if err != nil {
		return err
	}
	from, err := startBasis(ctx, data, k, stages, log)
	if err != nil {
		return err
	}
	m := mover{out: out, data: data, from: from, to: to}
	if m.nc, err = to.NATS.Connect("restore", log); err != nil {
		return err
	}
	stages.hold("connection to the new NATS", m.nc.Close)
	if m.bucket, err = objects.Open(ctx, to.S3); err != nil {
		return err
	}
	return m.run(ctx)
}

// mover copies part after part. The databases come last: a service that is started too early finds nobody it knows.
type mover struct {
	out    io.Writer
	data   string
	from   basis
	to     destination
	nc     *nats.Conn
	bucket *objects.Bucket
}

func (m *mover) run(ctx context.Context) error {
	if err := m.prepared(ctx); err != nil {
		return err
	}
	for _, part := range []struct {
		name string
		copy func(context.Context) (string, error)
	}{
		{"photos and pictures", m.objects},
		{"files log", m.log},
		{"events", m.streams},
		{"catalog", func(ctx context.Context) (string, error) { return m.database(ctx, "catalog", m.to.Catalog) }},
		{"accounts and jobs", func(ctx context.Context) (string, error) { return m.database(ctx, "jobs", m.to.Jobs) }},
	} {
		began := time.Now()
		done, err := part.copy(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		fmt.Fprintf(m.out, "%-20s %s, %s\n", part.name, done, time.Since(began).Round(time.Millisecond))
	}
	fmt.Fprintf(m.out, `
Everything is copied. What is left to you:
  host keys      give the edges the files of %s, so that no program warns of a changed server
  addresses      let photographers' programs and the studio's browsers find the cluster
  other teams    their consumers of PHOTOS are made anew; they know events by their ids
Then start the services. The data folder was not changed: keep it until you are sure.
`, filepath.Join(m.data, "hostkeys"))
	return nil
}

// prepared finds out before the long part whether there is something to copy into.
func (m *mover) prepared(ctx context.Context) error {
	js, err := jetstream.New(m.nc)
	if err != nil {
		return err
	}
	if _, err := js.Stream(ctx, events.StreamPhotos); err != nil {
		return fault.Wrap(err, fault.Unavailable, "NATS has no stream %s; was `filmgate provision` run with the same settings?", events.StreamPhotos)
	}
	for name, address := range map[string]string{"FILMGATE_JOBS_DATABASE": m.to.Jobs, "FILMGATE_MAPPER_DATABASE": m.to.Catalog} {
		db, err := sqldb.Open(ctx, address)
		if err != nil {
			return err
		}
		_, err = db.ExecContext(ctx, `SELECT 1 FROM outbox LIMIT 1`)
		_ = db.Close()
		if err != nil {
			return fault.Wrap(err, fault.Unavailable, "the database of %s has no tables of Filmgate; was `filmgate provision` run with the same settings?", name)
		}
	}
	return nil
}

func (m *mover) objects(ctx context.Context) (string, error) {
	var (
		copied  objects.Copied
		telling sync.WaitGroup
	)
	ended := make(chan struct{})
	defer telling.Wait()
	defer close(ended)
	telling.Go(func() {
		tick := time.NewTicker(10 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				fmt.Fprintf(m.out, "%-20s %d so far, %.1f GiB\n", "", copied.Objects.Load(), gib(copied.Bytes.Load()))
			case <-ended:
				return
			}
		}
	})
	err := objects.Copy(ctx, m.from.bucket, m.bucket, &copied)
	return fmt.Sprintf("%d copied (%.1f GiB), %d were there", copied.Objects.Load(), gib(copied.Bytes.Load()), copied.Skipped.Load()), err
}

func gib(n int64) float64 { return float64(n) / (1 << 30) }

func (m *mover) log(ctx context.Context) (string, error) {
	source, err := files.Open(m.from.nc, files.Config{})
	if err != nil {
		return "", err
	}
	epoch, err := source.Epoch(ctx)
	if err != nil {
		return "", err
	}
	n, err := files.Restore(ctx, m.nc, m.to.Replicas, epoch+1, source.All(ctx))
	return fmt.Sprintf("%d entries", n), err
}

func (m *mover) streams(ctx context.Context) (string, error) {
	from, err := jetstream.New(m.from.nc)
	if err != nil {
		return "", err
	}
	to, err := jetstream.New(m.nc)
	if err != nil {
		return "", err
	}
	total := 0
	for _, name := range []string{events.StreamPhotos, events.StreamDLQ, events.StreamWork} {
		n, err := events.Copy(ctx, from, to, name)
		if err != nil {
			return "", err
		}
		total += n
	}
	return fmt.Sprintf("%d messages", total), nil
}

func (m *mover) database(ctx context.Context, name, address string) (string, error) {
	from, err := sqldb.Open(ctx, "sqlite:"+filepath.Join(m.data, name+".db"))
	if err != nil {
		return "", err
	}
	defer func() { _ = from.Close() }()
	to, err := sqldb.Open(ctx, address)
	if err != nil {
		return "", err
	}
	defer func() { _ = to.Close() }()
	rows, err := sqldb.Copy(ctx, from, to)
	return fmt.Sprintf("%d rows", rows), err
}
