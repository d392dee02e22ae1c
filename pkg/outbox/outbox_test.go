package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"filmgate.dev/pkg/embednats/natstest"
	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/outbox"
	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/pkg/sqldb/sqltest"
	"filmgate.dev/pkg/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const subject = "filmgate.photos.v1.demo.j1.job_created"

func bus(t *testing.T) (jetstream.JetStream, jetstream.Stream) {
	t.Helper()
	_, conn := natstest.Start(t)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	if err := events.Provision(t.Context(), js, 1); err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), events.StreamPhotos)
	if err != nil {
		t.Fatal(err)
	}
	return js, stream
}

func event(t *testing.T, n int) events.Envelope {
	t.Helper()
	data := events.JobChanged{Job: events.Job{ID: "j1", InternalName: "JOB00001", Name: "x", Status: "PLANNING"}, Revision: int64(n)}
	env, err := events.NewEnvelope("test", events.TypeJobCreated, "demo", "j1", fmt.Sprint(n), time.Unix(1, 0), data)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

func add(t *testing.T, db *sqldb.DB, from, to int) {
	t.Helper()
	ctx := telemetry.WithTraceParent(t.Context(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	err := db.InTx(ctx, func(ctx context.Context, tx sqldb.Tx) error {
		for n := from; n < to; n++ {
			if err := outbox.Add(ctx, tx, subject, event(t, n)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// relay runs one and answers what stops it.
func relay(t *testing.T, db *sqldb.DB, js jetstream.JetStream, log *slog.Logger) (*outbox.Relay, func()) {
	t.Helper()
	r := &outbox.Relay{DB: db, JetStream: js, Log: log}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return r, stop
}

// lines hands on what a logger writes.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

func waiting(t *testing.T, db *sqldb.DB) int {
	t.Helper()
	var n int
	if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM outbox`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never true: %s", what)
		}
	}
}

func TestEveryCommittedEventIsSaidOnceInOrder(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		if err := outbox.Migrate(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		js, stream := bus(t)
		const count = 600 // more than two batches
		add(t, db, 0, count)
		add(t, db, count-5, count) // said twice before anything was published
		undo := errors.New("undo")
		err := db.InTx(t.Context(), func(ctx context.Context, tx sqldb.Tx) error {
			if err := outbox.Add(ctx, tx, subject, event(t, 9999)); err != nil {
				return err
			}
			return undo
		})
		if !errors.Is(err, undo) {
			t.Fatal(err)
		}
		quiet := slog.New(slog.DiscardHandler)
		r, stop := relay(t, db, js, quiet)
		relay(t, db, js, quiet) // another replica
		r.Wake()
		eventually(t, "the outbox is empty", func() bool { return waiting(t, db) == 0 })
		stop()
		info, err := stream.Info(t.Context())
		if err != nil || info.State.Msgs != count {
			t.Fatalf("%d messages (%v), want %d", info.State.Msgs, err, count)
		}
		for _, n := range []uint64{1, 2, 300, count} {
			msg, err := stream.GetMsg(t.Context(), n)
			if err != nil {
				t.Fatal(err)
			}
			env, err := events.Decode(msg.Data)
			if err != nil {
				t.Fatal(err)
			}
			if want := event(t, int(n-1)).ID; env.ID != want || msg.Header.Get(jetstream.MsgIDHeader) != want {
				t.Errorf("message %d is %s (id %s), want %s", n, env.ID, msg.Header.Get(jetstream.MsgIDHeader), want)
			}
			if tp := msg.Header[telemetry.TraceHeader]; len(tp) != 1 || tp[0] != env.TraceParent {
				t.Errorf("traceparent %v in the header, %q in the event", tp, env.TraceParent)
			}
		}
	})
}

func TestEventsWaitForABusThatIsAway(t *testing.T) {
	db := sqltest.SQLite(t)
	if err := outbox.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	_, conn := natstest.Start(t)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	add(t, db, 0, 10)
	said := make(lines, 16)
	relay(t, db, js, slog.New(slog.NewTextHandler(said, nil)))
	if line := <-said; !strings.Contains(line, "events wait in the outbox") { // no stream is there yet
		t.Fatalf("the relay says %q", line)
	}
	if n := waiting(t, db); n != 10 {
		t.Errorf("%d rows wait, want 10", n)
	}
	if err := events.Provision(t.Context(), js, 1); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the outbox is empty", func() bool { return waiting(t, db) == 0 })
}

func TestWhatCanNeverBeSaidIsRefused(t *testing.T) {
	db := sqltest.SQLite(t)
	if err := outbox.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "filmgate.>", "a b"} {
		err := db.InTx(t.Context(), func(ctx context.Context, tx sqldb.Tx) error {
			return outbox.Add(ctx, tx, bad, event(t, 1))
		})
		if err == nil {
			t.Errorf("the subject %q passed", bad)
		}
	}
}

func TestAStoppedRelayLeavesNothingOnTheConnection(t *testing.T) {
	js, _ := bus(t)
	db := sqltest.SQLite(t)
	if err := outbox.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	before := js.Conn().NumSubscriptions()
	add(t, db, 0, 3)
	_, stop := relay(t, db, js, slog.New(slog.DiscardHandler))
	eventually(t, "nothing waits", func() bool { return waiting(t, db) == 0 })
	stop()
	if now := js.Conn().NumSubscriptions(); now != before {
		t.Errorf("%d subscriptions, were %d", now, before)
	}
}
