package outbox

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/pkg/telemetry"
)

const (
	batch   = 256                    // rows published at a time
	poll    = 500 * time.Millisecond // for rows that another replica added
	ackWait = 10 * time.Second       // a leader lost is found again within 8.4 s
)

// Relay publishes what lies in the outbox. Every replica runs one; a lock lets one of them work at a time.
type Relay struct {
	DB        *sqldb.DB
	JetStream jetstream.JetStream
	Log       *slog.Logger
	Name      string                // whose outbox it is, in metrics
	Metrics   prometheus.Registerer // nil: nobody asks

	once sync.Once
	wake chan struct{}
	js   jetstream.JetStream // a publisher of the relay's own: only it can give up on what it sent
}

// row is one event waiting.
type row struct {
	id, eventID, subject, traceparent string
	body                              []byte
}

// Wake says that something was committed. Without it the relay looks twice a second.
func (r *Relay) Wake() {
	select {
	case r.wakes() <- struct{}{}:
	default: // one wake-up is already waiting
	}
}

func (r *Relay) wakes() chan struct{} {
	r.once.Do(func() { r.wake = make(chan struct{}, 1) })
	return r.wake
}

// Run publishes until ctx ends. A bus or database that is away is waited for.
func (r *Relay) Run(ctx context.Context) error {
	var err error
	r.js, err = jetstream.New(r.JetStream.Conn(), jetstream.WithPublishAsyncTimeout(ackWait), jetstream.WithPublishAsyncMaxPending(2*batch))
	if err != nil {
		return fmt.Errorf("starting the outbox relay: %w", err)
	}
	defer r.js.CleanupPublisher() // its subscription would live as long as the connection
	tick := time.NewTicker(poll)
	defer tick.Stop()
	failing, backlog := false, newBacklog(r)
	for {
		err := r.drain(ctx)
		backlog.look(ctx)
		if ctx.Err() != nil {
			return nil
		}
		// Once per outage, not twice a second.
		if err != nil && !failing {
			r.Log.WarnContext(ctx, "events wait in the outbox", "error", err)
		}
		if err == nil && failing {
			r.Log.InfoContext(ctx, "events leave the outbox again")
		}
		failing = err != nil
		wakes := r.wakes()
		if failing {
			wakes = nil // a wake-up must not make a failing relay spin
		}
		select {
		case <-ctx.Done():
			return nil
		case <-wakes:
		case <-tick.C:
		}
	}
}

// drain publishes until nothing waits, unless another replica is at it.
func (r *Relay) drain(ctx context.Context) error {
	for {
		n := 0
		ran, err := r.DB.TryLock(ctx, "outbox relay", func(ctx context.Context) (err error) {
			n, err = r.publish(ctx)
			return err
		})
		if err != nil || !ran || n < batch {
			return err
		}
	}
}

// publish says the oldest rows and deletes those that were acknowledged. It reads the oldest each time and never goes on
// from where it was: a transaction that commits late may have an older id.
func (r *Relay) publish(ctx context.Context) (int, error) {
	rows, err := r.oldest(ctx)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	futures := make([]jetstream.PubAckFuture, len(rows))
	var failed error
	for i, row := range rows {
		if futures[i], err = r.js.PublishMsgAsync(row.message(), jetstream.WithStallWait(time.Second)); err != nil {
			failed = fmt.Errorf("publishing %s: %w", row.eventID, err)
			break
		}
	}
	var said []row
	for i, future := range futures {
		if future == nil {
			break
		}
		select {
		case <-future.Ok():
			said = append(said, rows[i])
		case err := <-future.Err():
			failed = fmt.Errorf("publishing %s: %w", rows[i].eventID, err)
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	if err := r.delete(ctx, said); err != nil {
		return 0, err
	}
	return len(rows), failed
}

func (r *Relay) oldest(ctx context.Context) ([]row, error) {
	rows, err := r.DB.QueryContext(ctx, `SELECT id, event_id, subject, traceparent, body FROM outbox ORDER BY id LIMIT $1`, batch)
	if err != nil {
		return nil, fmt.Errorf("reading the outbox: %w", err)
	}
	defer rows.Close()
	var list []row
	for rows.Next() {
		var x row
		if err := rows.Scan(&x.id, &x.eventID, &x.subject, &x.traceparent, &x.body); err != nil {
			return nil, fmt.Errorf("reading the outbox: %w", err)
		}
		list = append(list, x)
	}
	return list, sqldb.Fault(rows.Err())
}

func (r *Relay) delete(ctx context.Context, said []row) error {
	if len(said) == 0 {
		return nil
	}
	err := r.DB.InTx(ctx, func(ctx context.Context, tx sqldb.Tx) error {
		for _, x := range said {
			if _, err := tx.ExecContext(ctx, `DELETE FROM outbox WHERE id = $1`, x.id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("clearing the outbox: %w", err)
	}
	return nil
}

// message makes what is published: structured CloudEvents JSON, the event's id for the stream's duplicate check.
func (x row) message() *nats.Msg {
	header := nats.Header{
		jetstream.MsgIDHeader: {x.eventID},
		"Content-Type":        {events.ContentType},
	}
	if x.traceparent != "" {
		header[telemetry.TraceHeader] = []string{x.traceparent}
	}
	return &nats.Msg{Subject: x.subject, Header: header, Data: x.body}
}
