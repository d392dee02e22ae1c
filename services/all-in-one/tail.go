package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/spf13/cobra"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/files"
)

type tailOptions struct {
	*options
	stream    string
	nats      string
	fromStart bool
	follow    bool
}

func eventsCommand(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "events", Short: "Events: tail"}
	t := &tailOptions{options: o}
	tail := &cobra.Command{
		Use:   "tail",
		Short: "Print what is said on the bus, as it happens",
		Long: `Prints the events that other programs hear. With --json each line is one CloudEvent and
nothing else is printed.

The streams: "photos" is the public one (photo.ingested, photo.failed, album.created,
job.status_changed, …), kept for 30 days; "files" is the folder tree as it is now, one
entry per file and folder; "work" is what album-mapper and processing say to each other.`,
		Example: `  filmgate events tail
  filmgate events tail --json --from-start | jq 'select(.type=="dev.filmgate.photo.ingested.v1") | .data.file.path'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return t.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	tail.Flags().StringVar(&t.stream, "stream", "photos", "photos, files or work")
	tail.Flags().StringVar(&t.nats, "nats", envOr("FILMGATE_NATS_URL", ""), "NATS URL of a remote instance (FILMGATE_NATS_URL)")
	tail.Flags().Lookup("nats").DefValue = "" // it may hold a password, and --help would print it
	tail.Flags().BoolVar(&t.fromStart, "from-start", false, "begin with the oldest event kept, not with the next one")
	noFollow := tail.Flags().Bool("no-follow", false, "stop after the newest event instead of waiting for more")
	tail.PreRun = func(*cobra.Command, []string) { t.follow = !*noFollow }
	cmd.AddCommand(jsonFlag(tail, o))
	return cmd
}

// decode turns a message of one stream into a CloudEvent.
type decode func(jetstream.Msg, uint64) (events.Envelope, error)

func (t *tailOptions) run(ctx context.Context, out io.Writer) error {
	streams := map[string]struct {
		name   string
		decode decode
	}{
		"photos": {events.StreamPhotos, decodeEvent},
		"work":   {events.StreamWork, decodeEvent},
		"files":  {files.Stream, decodeEntry},
	}
	stream, ok := streams[t.stream]
	if !ok {
		return fmt.Errorf("--stream %q: say photos, files or work", t.stream)
	}
	url := t.nats
	if url == "" {
		c, err := readCard(t.data)
		if err != nil {
			return err
		}
		url = c.NATS.URL
	}
	nc, err := nats.Connect(url, nats.Name("filmgate events tail"), nats.MaxReconnects(-1))
	if err != nil {
		return fmt.Errorf("the message bus does not answer: is `filmgate run` still running on %s? (%w)", t.data, err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	cfg := jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverNewPolicy}
	if t.fromStart {
		cfg.DeliverPolicy = jetstream.DeliverAllPolicy
	}
	consumer, err := js.OrderedConsumer(ctx, stream.name, cfg)
	if err != nil {
		return err
	}
	info, err := consumer.Info(ctx)
	if err != nil {
		return err
	}
	if !t.follow && info.NumPending == 0 {
		return nil
	}
	messages, err := consumer.Messages()
	if err != nil {
		return err
	}
	defer messages.Stop()
	stop := context.AfterFunc(ctx, messages.Stop)
	defer stop()
	for {
		msg, err := messages.Next()
		if ctx.Err() != nil || errors.Is(err, jetstream.ErrMsgIteratorClosed) {
			return nil // Ctrl-C is how a tail ends
		}
		if err != nil {
			return err
		}
		meta, err := msg.Metadata()
		if err != nil {
			return err
		}
		if err := t.print(out, msg, meta.Sequence.Stream, stream.decode); err != nil {
			return err
		}
		if !t.follow && meta.NumPending == 0 {
			return nil
		}
	}
}

func (t *tailOptions) print(out io.Writer, msg jetstream.Msg, seq uint64, decode decode) error {
	e, err := decode(msg, seq)
	if err != nil {
		return fmt.Errorf("message %d on %s: %w", seq, msg.Subject(), err)
	}
	if t.json {
		b, err := json.Marshal(e)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "%s\n", b)
		return err
	}
	_, err = fmt.Fprintln(out, printable(line(e)))
	return err
}

func decodeEvent(msg jetstream.Msg, _ uint64) (events.Envelope, error) {
	return events.Decode(msg.Data())
}

// decodeEntry shows an entry of the files log as a CloudEvent, so that every stream reads alike.
func decodeEntry(msg jetstream.Msg, seq uint64) (events.Envelope, error) {
	entry, err := files.Decode(msg.Subject(), msg.Data(), seq)
	if err != nil {
		return events.Envelope{}, err
	}
	at := entry.LandedAt
	if entry.Gone() {
		at = entry.GoneAt
	}
	return events.Envelope{
		SpecVersion: "1.0", ID: fmt.Sprintf("files.entry:%d", seq), Type: "dev.filmgate.files.entry.v1",
		Source: "/filmgate/files", Subject: "files/" + entry.ID, Time: at, DataContentType: "application/json",
		Account: entry.Job.Account, PartitionKey: entry.ID, Sequence: fmt.Sprintf("%020d", seq), TraceParent: entry.TraceParent,
		Data: msg.Data(),
	}, nil
}

// line says an event in one line for a person.
func line(e events.Envelope) string {
	kind := strings.TrimSuffix(strings.TrimPrefix(e.Type, "dev.filmgate."), ".v1")
	var d struct {
		File    struct{ Path string }
		Album   struct{ Name string }
		Section string
		Job     struct{ InternalName, Status string }
		Reason  struct{ Message string }
		// Entries of the files log.
		JobName, Kind, State, Name string
	}
	_ = json.Unmarshal(e.Data, &d) // what is missing is left out
	var about []string
	for _, s := range []string{d.File.Path, d.Reason.Message} {
		if s != "" {
			about = append(about, s)
		}
	}
	switch {
	case strings.HasPrefix(kind, "job."):
		about = []string{d.Job.InternalName, d.Job.Status}
	case strings.HasPrefix(kind, "album."):
		about = []string{d.Job.InternalName + "/" + d.Album.Name}
	case kind == "files.entry":
		about = []string{d.Kind, d.State, d.JobName, d.Name}
	case len(about) == 0:
		about = []string{e.Subject}
	}
	return e.Time.Local().Format(time.DateTime) + "  " + fmt.Sprintf("%-20s", kind) + "  " + strings.Join(about, "  ")
}
