package events

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/telemetry"
)

const (
	// pullFor is how long one pull may wait. It is also the most that a stop waits for a pull to come home: a pull that is
	// abandoned instead strands what the server sent meanwhile until AckWait is over.
	pullFor = 500 * time.Millisecond
	// drainFor is how long handlers may go on after the end.
	drainFor = 8 * time.Second
)

// ConsumerConfig is a durable pull consumer and how this process works on it.
type ConsumerConfig struct {
	Stream         string
	Durable        string
	FilterSubjects []string      // none = all of the stream
	AckWait        time.Duration // how long a handler may be silent; slow ones are kept alive by heartbeats
	MaxAckPending  int           // over all processes; delayed retries count too
	Concurrency    int           // handlers in this process, and never more messages than handlers
	Attempts       int           // deliveries after which a failing message is dead
	MaxDeliver     int           // the server's net under crash loops; above Attempts
	Log            *slog.Logger
	Metrics        prometheus.Registerer // nil: nobody asks
	Traces         trace.TracerProvider  // nil: nobody looks
	Step           string                // what its spans are called; "" = Durable
}

// Message is one delivery of a stored message.
type Message struct {
	Subject   string
	Data      []byte
	Header    nats.Header
	Sequence  uint64    // in the stream
	Delivered int       // 1 for the first delivery
	Time      time.Time // when it was stored
}

func (c ConsumerConfig) check() error {
	switch {
	case c.Log == nil:
		return fault.New(fault.Internal, "consumer %s has no log", c.Durable)
	case !tokenForm.MatchString(c.Stream) || !tokenForm.MatchString(c.Durable):
		return fault.New(fault.Invalid, "a consumer needs the names of its stream and itself, not %q and %q", c.Stream, c.Durable)
	case c.Concurrency < 1 || c.MaxAckPending < c.Concurrency:
		return fault.New(fault.Invalid, "consumer %s: concurrency %d must be at least 1 and at most MaxAckPending %d", c.Durable, c.Concurrency, c.MaxAckPending)
	case c.AckWait < time.Second:
		return fault.New(fault.Invalid, "consumer %s: AckWait %s is less than a second", c.Durable, c.AckWait)
	case c.Attempts < 1 || c.MaxDeliver <= c.Attempts:
		return fault.New(fault.Invalid, "consumer %s: MaxDeliver %d must be above Attempts %d, and both above 0", c.Durable, c.MaxDeliver, c.Attempts)
	}
	return nil
}

// Consume pulls messages and calls handle for each, until ctx ends and the handlers that were running have finished. The
// consumer is created or patched first where that is allowed, and again whenever it is missing; a server that is away is
// waited for, and so is a consumer that somebody else has to make.
//
// The kind of the handler's error decides: none and Exists acknowledge; Invalid and Denied go to the dead letters at once;
// Conflict is delivered again at once, NotFound, Unavailable and Internal after 0.5, 2, 10, 30, 60 s. After Attempts deliveries
// the message goes to the dead letters, except while the error is Unavailable: then it is kept and tried every 15 s,
// because an outage says nothing about the message.
func Consume(ctx context.Context, js jetstream.JetStream, cfg ConsumerConfig, handle Handler) error {
	if err := cfg.check(); err != nil {
		return err
	}
	return newConsumer(js, cfg, handle).consume(ctx)
}

func newConsumer(js jetstream.JetStream, cfg ConsumerConfig, handle Handler) *consumer {
	c := &consumer{ConsumerConfig: cfg, js: js, handle: handle, holdFor: 15 * time.Second, gauges: newGauges(cfg), tracer: telemetry.Tracer(cfg.Traces)}
	c.free, c.pulled = make(chan struct{}, cfg.Concurrency), make(chan struct{})
	c.Log = cfg.Log.With("stream", cfg.Stream, "consumer", cfg.Durable)
	for range cfg.Concurrency {
		c.free <- struct{}{}
	}
	return c
}

func (c *consumer) consume(ctx context.Context) error {
	// Handlers outlive ctx by drainFor, so that what was begun is finished and acknowledged.
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ctx, end := context.WithCancel(ctx)
	defer end()
	defer context.AfterFunc(ctx, func() {
		if sleep(work, drainFor) {
			stop()
		}
	})()

	var looking sync.WaitGroup
	defer looking.Wait()
	looking.Go(func() { c.look(ctx) })
	err := c.run(ctx, work)
	end() // a closed connection ends it too: handlers must not wait for what cannot come
	close(c.pulled)
	c.running.Wait()
	return err
}

type consumer struct {
	ConsumerConfig
	js      jetstream.JetStream
	handle  Handler
	gauges  gauges
	tracer  trace.Tracer
	holdFor time.Duration // between two tries of a message that is kept through an outage
	free    chan struct{} // one token per idle handler
	pulled  chan struct{} // closed when the last pull is home
	running sync.WaitGroup
}

// run pulls until ctx ends.
func (c *consumer) run(ctx, work context.Context) error {
	var pulls jetstream.Consumer
	for failures := 0; ctx.Err() == nil; {
		var err error
		if pulls == nil {
			pulls, err = c.ensure(ctx)
		}
		if err == nil {
			err = c.pull(ctx, work, pulls)
		}
		if err == nil || ctx.Err() != nil { // whatever failed, the end explains it
			failures = 0
			continue
		}
		if c.js.Conn().IsClosed() {
			return fault.Wrap(err, fault.Unavailable, "the connection to the event server is closed")
		}
		failures++
		pulls = nil
		c.Log.WarnContext(ctx, "consumer waits for its stream", "error", err, "failures", failures)
		sleep(ctx, jitter(min(time.Duration(failures)*100*time.Millisecond, 5*time.Second)))
	}
	return nil
}

// pull asks for as many messages as there are idle handlers: a message never waits here while its AckWait runs.
func (c *consumer) pull(ctx, work context.Context, pulls jetstream.Consumer) error {
	select {
	case <-ctx.Done():
		return nil
	case <-c.free:
	}
	idle := 1
	for more := true; more; {
		select {
		case <-c.free:
			idle++
		default:
			more = false
		}
	}
	defer func() {
		for range idle {
			c.free <- struct{}{}
		}
	}()
	batch, err := pulls.Fetch(idle, jetstream.FetchMaxWait(pullFor))
	if err != nil {
		return err
	}
	for msg := range batch.Messages() {
		idle--
		c.running.Go(func() {
			defer func() { c.free <- struct{}{} }()
			c.deliver(ctx, work, msg)
		})
	}
	return batch.Error()
}

// deliver calls the handler for one delivery, keeps it alive meanwhile, and settles it.
func (c *consumer) deliver(ctx, work context.Context, msg jetstream.Msg) {
	if ctx.Err() != nil {
		// Nothing begins after the end: another process may have it.
		<-c.pulled
		_ = msg.Nak()
		return
	}
	meta, err := msg.Metadata()
	if err != nil {
		c.Log.ErrorContext(work, "a delivery that is not of JetStream", "subject", msg.Subject(), "error", err)
		return
	}
	m := Message{
		Subject:   msg.Subject(),
		Data:      msg.Data(),
		Header:    msg.Headers(),
		Sequence:  meta.Sequence.Stream,
		Delivered: int(meta.NumDelivered),
		Time:      meta.Timestamp,
	}
	c.gauges.waited(m)
	work, span := c.span(work, m)
	defer func() { telemetry.End(span, err) }()
	stop := c.heartbeat(msg)
	defer stop()
	for {
		began := time.Now()
		err = c.call(work, m)
		fate := c.decide(err, m.Delivered)
		c.gauges.handled(fate, began)
		if fate.hold && ctx.Err() == nil {
			c.Log.WarnContext(work, "message waits for an outage to end", "sequence", m.Sequence, "error", err)
			if sleep(ctx, jitter(c.holdFor)) {
				continue
			}
		}
		if ctx.Err() != nil && !fate.ack {
			// Given back before the last pull is home, it would be delivered to that, and use up a delivery each time.
			<-c.pulled
		}
		c.settle(work, msg, m, fate, err)
		return
	}
}

// call contains a panic: one bad message never stops another.
func (c *consumer) call(ctx context.Context, m Message) (err error) {
	defer contain(&err)
	return c.handle(ctx, m)
}

// heartbeat tells the server that the handler is at work, until the answer is called.
func (c *consumer) heartbeat(msg jetstream.Msg) (stop func()) {
	done := make(chan struct{})
	c.running.Go(func() {
		ticker := time.NewTicker(c.AckWait / 3)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				if err := msg.InProgress(); err != nil && !errors.Is(err, jetstream.ErrMsgAlreadyAckd) {
					c.Log.Warn("heartbeat failed", "subject", msg.Subject(), "error", err)
				}
			}
		}
	})
	return func() { close(done) }
}
