// Package provisioning makes everything that Filmgate's services need on servers that are there already, and says what it did.
//
// It is the one place that knows all of it: what each service needs, the service itself says.
package provisioning

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/env"
	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/objects"
	"filmgate.dev/pkg/provision"
	"filmgate.dev/pkg/sqldb"
	albummapper "filmgate.dev/services/album-mapper"
	jobstatus "filmgate.dev/services/job-status"
	"filmgate.dev/services/processing"
)

// Config says what is to be provisioned, and where.
type Config struct {
	NATS           events.Server
	Replicas       int           `env:"FILMGATE_NATS_REPLICAS" default:"1" help:"copies of every stream: 1, or 3 on a cluster of three servers or more"`
	Listeners      []string      `env:"FILMGATE_LISTENERS" help:"other teams' programs; each gets its own consumer on PHOTOS, of that name"`
	JobsDatabase   string        `env:"FILMGATE_JOBS_DATABASE" help:"job-status' database, with the role that owns its schema; empty: not provisioned"`
	MapperDatabase string        `env:"FILMGATE_MAPPER_DATABASE" help:"album-mapper's database, with the role that owns its schema; empty: not provisioned"`
	Within         time.Duration `env:"FILMGATE_PROVISION_WITHIN" default:"5m" help:"how long servers that are away are waited for"`
}

// Provisioning is one run.
type Provisioning struct {
	Config
	bucket *objects.Config // nil: not provisioned
	dryRun bool
	out    io.Writer
	did    map[provision.Did]int
	failed int
}

// New reads the settings. Each change is said on out, a line each.
func New(lookup func(string) (string, bool), out io.Writer, dryRun bool) (*Provisioning, error) {
	p := &Provisioning{out: out, dryRun: dryRun, did: map[provision.Did]int{}}
	configs := []any{&p.Config}
	for _, name := range []string{"FILMGATE_S3_ENDPOINT", "FILMGATE_S3_ENDPOINT_FILE"} {
		if value, _ := lookup(name); value != "" && p.bucket == nil {
			p.bucket = &objects.Config{}
			configs = append(configs, p.bucket)
		}
	}
	if err := env.Parse(lookup, configs...); err != nil {
		return nil, err
	}
	if p.Replicas != 1 && p.Replicas != 3 {
		return nil, fault.New(fault.Invalid, "FILMGATE_NATS_REPLICAS=%d: say 1, or 3 on a cluster", p.Replicas)
	}
	for _, name := range p.Listeners {
		if _, err := events.Subject(name); err != nil {
			return nil, fault.New(fault.Invalid, "FILMGATE_LISTENERS: %q cannot be the name of a consumer: use letters, digits, _ and -", name)
		}
	}
	return p, nil
}

// Run provisions everything that the settings name. What is refused does not stop the others.
func (p *Provisioning) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.Within)
	defer cancel()
	if p.dryRun {
		fmt.Fprintln(p.out, "This is what would be done; nothing is changed.")
	}
	if err := p.streams(ctx); err != nil {
		return err
	}
	p.objects(ctx)
	p.database(ctx, "jobs", "FILMGATE_JOBS_DATABASE", p.JobsDatabase, jobstatus.Schema())
	p.database(ctx, "catalog", "FILMGATE_MAPPER_DATABASE", p.MapperDatabase, albummapper.Schema())
	if ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return ctx.Err()
	}
	if p.failed > 0 {
		return fmt.Errorf("%d of the objects are not as Filmgate needs them; the lines above say why", p.failed)
	}
	sentence := "Everything is there: %d made, %d changed, %d left as they were.\n"
	if p.dryRun {
		sentence = "To do: %d to be made, %d to be changed, %d are as they should be.\n"
	}
	fmt.Fprintf(p.out, sentence, p.did[provision.Made], p.did[provision.Changed], p.did[provision.Left])
	return nil
}

func (p *Provisioning) streams(ctx context.Context) error {
	nc, err := p.NATS.Connect("provision", slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	maker := provision.JetStream{JS: js, DryRun: p.dryRun, Tell: p.tell}
	if !p.try(ctx, "NATS", func(ctx context.Context) error { return reach(ctx, nc) }) {
		return nil // nothing can be said of its streams
	}
	for _, want := range append(files.Streams(p.Replicas), events.Streams(p.Replicas)...) {
		p.try(ctx, "stream "+want.Name, func(ctx context.Context) error { return maker.Stream(ctx, want) })
	}
	for _, durable := range append(albummapper.Durables(), processing.Durable()) {
		p.try(ctx, "consumer "+durable.Durable, func(ctx context.Context) error {
			return maker.Consumer(ctx, durable.Stream, durable.Definition())
		})
	}
	for _, name := range p.Listeners {
		p.try(ctx, "consumer "+name, func(ctx context.Context) error {
			return maker.Place(ctx, events.StreamPhotos, jetstream.ConsumerConfig{
				Durable: name, AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: listenerPending,
			})
		})
	}
	return nil
}

// listenerPending is well above the retries to be expected, which hold their places while they wait.
const listenerPending = 256

// reach reports why the connection is not there.
func reach(ctx context.Context, nc *nats.Conn) error {
	if nc.IsConnected() {
		return nc.FlushWithContext(ctx)
	}
	reason := nc.LastError()
	switch {
	case nc.IsClosed(), errors.Is(reason, nats.ErrAuthorization), errors.Is(reason, nats.ErrAuthExpired):
		return fault.Wrap(reason, fault.Denied, "NATS refuses this user: check FILMGATE_NATS_CREDENTIALS, FILMGATE_NATS_NKEY_PATH or the password in FILMGATE_NATS_URL")
	case reason == nil:
		reason = errors.New("no server answers")
	}
	return fault.Wrap(reason, fault.Unavailable, "NATS cannot be reached")
}

func (p *Provisioning) objects(ctx context.Context) {
	if p.bucket == nil {
		p.skip("the bucket", "FILMGATE_S3_ENDPOINT")
		return
	}
	p.try(ctx, "bucket "+p.bucket.Bucket, func(ctx context.Context) error {
		missing, err := objects.Provision(ctx, *p.bucket, p.dryRun)
		if err == nil {
			did := provision.Left
			if missing {
				did = provision.Made
			}
			p.tell(provision.Change{Did: did, What: "bucket " + p.bucket.Bucket})
		}
		return err
	})
}

func (p *Provisioning) database(ctx context.Context, name, setting, address string, schema sqldb.Schema) {
	if address == "" {
		p.skip("the database "+name, setting)
		return
	}
	p.try(ctx, "database "+name, func(ctx context.Context) error {
		db, err := sqldb.Open(ctx, address)
		if err != nil {
			return err
		}
		defer func() { _ = db.Close() }()
		pending, err := schema.Pending(ctx, db)
		if err != nil {
			return err
		}
		change := provision.Change{Did: provision.Changed, What: "database " + name, How: pending}
		if len(pending) == 0 {
			change.Did = provision.Left
		}
		if !p.dryRun {
			err = schema.Apply(ctx, db)
		}
		if err == nil {
			p.tell(change)
		}
		return err
	})
}

// tryFor bounds one try, so that what is waited for can be said.
const tryFor = 30 * time.Second

// try does one thing, waits for a server that is away, and reports whether it was done in the end.
func (p *Provisioning) try(ctx context.Context, what string, do func(context.Context) error) bool {
	said := ""
	for {
		trying, cancel := context.WithTimeout(ctx, tryFor)
		err := do(trying)
		cancel()
		if err == nil {
			return true
		}
		if !fault.Is(err, fault.Unavailable) || ctx.Err() != nil {
			p.failed++
			fmt.Fprintf(p.out, "  %-8s %s: %s\n", "FAILED", what, words(err))
			return false
		}
		if words := words(err); words != said {
			said = words
			fmt.Fprintf(p.out, "  %-8s %s: %s\n", "waiting", what, words)
		}
		timer := time.NewTimer(time.Second)
		select {
		case <-ctx.Done():
			timer.Stop()
		case <-timer.C:
		}
	}
}

func (p *Provisioning) tell(c provision.Change) {
	p.did[c.Did]++
	fmt.Fprintf(p.out, "  %s\n", c)
}

func (p *Provisioning) skip(what, setting string) {
	fmt.Fprintf(p.out, "  %-8s %s: %s is not set\n", "skipped", what, setting)
}

// words is what an operator reads: our own sentence where it says enough, with the cause where something is only away.
func words(err error) string {
	if kind := fault.KindOf(err); kind == fault.Unavailable || kind == fault.Internal {
		return err.Error()
	}
	return fault.Message(err)
}

// Reference prints the settings.
func Reference(w io.Writer) { env.Reference(w, &Config{}, &objects.Config{}) }
