package photoevents

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// pullFor is how long one pull may wait, and so the most that a stop waits for one: an abandoned pull would strand what
	// the server sent meanwhile until AckWait is over.
	pullFor = 500 * time.Millisecond
	// drainFor is how long handlers may go on after the end.
	drainFor = 10 * time.Second
)

// worker is one run of a Consumer.
type worker struct {
	Consumer
	js      jetstream.JetStream
	free    chan struct{} // one token per idle handler
	pulled  chan struct{} // closed when the last pull is home
	running sync.WaitGroup
}

func newWorker(c Consumer, nc *nats.Conn) (*worker, error) {
	if nc == nil {
		return nil, errors.New("photoevents: Run needs a connection")
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("photoevents: %w", err)
	}
	w := &worker{Consumer: c, js: js, free: make(chan struct{}, c.Concurrency), pulled: make(chan struct{})}
	for range c.Concurrency {
		w.free <- struct{}{}
	}
	return w, nil
}

func (w *worker) work(ctx context.Context) error {
	// Handlers outlive ctx, so that what was begun is finished and acknowledged.
	handlers, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ctx, end := context.WithCancel(ctx)
	defer end()
	defer context.AfterFunc(ctx, func() {
		if sleep(handlers, drainFor) {
			stop()
		}
	})()
	err := w.run(ctx, handlers)
	end() // a closed connection ends it too: handlers get no longer than after a stop
	close(w.pulled)
	w.running.Wait()
	return err
}

// run pulls until ctx ends.
func (w *worker) run(ctx, handlers context.Context) error {
	var consumer jetstream.Consumer
	for failures := 0; ctx.Err() == nil; {
		var err error
		if consumer == nil {
			consumer, err = w.open(ctx)
		}
		if err == nil {
			err = w.pull(ctx, handlers, consumer)
		}
		if err == nil || ctx.Err() != nil { // whatever failed, the end explains it
			failures = 0
			continue
		}
		closed := w.js.Conn().IsClosed() // asked first: until then its last error may change
		if err = w.explain(err); closed {
			return fmt.Errorf("photoevents: %w", err)
		}
		failures++
		consumer = nil
		w.Log.WarnContext(ctx, "cannot pull events; trying again", "error", err, "failures", failures)
		sleep(ctx, jitter(min(time.Duration(failures)*100*time.Millisecond, 5*time.Second)))
	}
	return nil
}

// open finds the durable consumer, or makes it where the credentials allow that.
func (w *worker) open(ctx context.Context) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	consumer, err := w.js.Consumer(ctx, Stream, w.Durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		if consumer, err = w.js.CreateConsumer(ctx, Stream, w.config()); err != nil {
			err = fmt.Errorf("there is no consumer %s on %s, and these credentials could not make it (whoever runs Filmgate can): %w", w.Durable, Stream, err)
		}
	}
	return consumer, err
}

func (w *worker) config() jetstream.ConsumerConfig {
	account := "*"
	if w.Account != "" {
		account = w.Account
	}
	c := jetstream.ConsumerConfig{
		Durable:       w.Durable,
		FilterSubject: "filmgate.photos.v1." + account + ".>",
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       w.AckWait,
		MaxAckPending: max(256, 4*w.Concurrency), // retries that wait count too
		MaxDeliver:    -1,                        // Attempts decides, and says so
	}
	if !w.Since.IsZero() {
		c.DeliverPolicy, c.OptStartTime = jetstream.DeliverByStartTimePolicy, &w.Since
	}
	return c
}

// pull asks for as many events as there are idle handlers: an event never waits here while its AckWait runs.
func (w *worker) pull(ctx, handlers context.Context, consumer jetstream.Consumer) error {
	select {
	case <-ctx.Done():
		return nil
	case <-w.free:
	}
	idle := 1 + len(w.free)
	for range idle - 1 {
		<-w.free // nobody else takes tokens
	}
	defer func() {
		for range idle {
			w.free <- struct{}{}
		}
	}()
	batch, err := consumer.Fetch(idle, jetstream.FetchMaxWait(pullFor))
	if err != nil {
		return err
	}
	beat := max(consumer.CachedInfo().Config.AckWait/3, 100*time.Millisecond)
	for msg := range batch.Messages() {
		idle--
		w.running.Go(func() {
			defer func() { w.free <- struct{}{} }()
			w.deliver(ctx, handlers, msg, beat)
		})
	}
	return batch.Error()
}

// deliver handles one delivery and answers the server. An answer that is lost brings the event again.
func (w *worker) deliver(ctx, handlers context.Context, msg jetstream.Msg, beat time.Duration) {
	if ctx.Err() != nil {
		// Given back before the last pull is home, it would be delivered to that.
		<-w.pulled
		_ = msg.Nak()
		return
	}
	meta, err := msg.Metadata()
	if err != nil {
		w.Log.ErrorContext(handlers, "this is no delivery", "subject", msg.Subject(), "error", err)
		return
	}
	delivered := int(meta.NumDelivered)
	stop := w.heartbeat(msg, beat)
	defer stop()
	err = w.try(handlers, msg.Data(), meta.Sequence.Stream, delivered)

	log := w.Log.With("subject", msg.Subject(), "sequence", meta.Sequence.Stream, "delivered", delivered)
	_, hopeless := errors.AsType[*permanent](err)
	switch {
	case err == nil:
		err = msg.Ack()
	case hopeless || w.Attempts > 0 && delivered >= w.Attempts:
		log.ErrorContext(handlers, "event is given up", "error", err)
		err = msg.TermWithReason("given up by " + w.Durable)
	default:
		log.WarnContext(handlers, "event is tried again", "error", err)
		if ctx.Err() != nil {
			<-w.pulled
		}
		err = msg.NakWithDelay(wait(err, delivered))
	}
	if err != nil {
		log.WarnContext(handlers, "answer to a delivery was lost", "error", err)
	}
}

// try contains a panic: one bad event never stops another.
func (w *worker) try(ctx context.Context, message []byte, sequence uint64, delivered int) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	event, err := Decode(message)
	if err != nil {
		return Permanent(err)
	}
	event.StreamSequence, event.Delivered = sequence, delivered
	return w.handle(ctx, event)
}

// heartbeat tells the server that a handler is at work, until stop is called.
func (w *worker) heartbeat(msg jetstream.Msg, every time.Duration) (stop func()) {
	done := make(chan struct{})
	w.running.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				_ = msg.InProgress() // too late is no harm: the event comes again
			}
		}
	})
	return func() { close(done) }
}

// sleep waits for d and reports whether ctx is still alive.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
