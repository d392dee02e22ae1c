package events

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/telemetry"
)

// The headers of a dead letter, beside those of the message itself.
const (
	HeaderDeadStream     = "Filmgate-Dead-Stream"
	HeaderDeadConsumer   = "Filmgate-Dead-Consumer"
	HeaderDeadSubject    = "Filmgate-Dead-Subject"
	HeaderDeadSequence   = "Filmgate-Dead-Sequence"
	HeaderDeadDeliveries = "Filmgate-Dead-Deliveries"
	HeaderDeadKind       = "Filmgate-Dead-Kind"
	HeaderDeadReason     = "Filmgate-Dead-Reason"
	HeaderDeadMsgID      = "Filmgate-Dead-Msg-Id"
)

// conflicts is how many lost races in a row are tried again at once.
const conflicts = 3

// outcome is what becomes of a delivery. The zero value delivers it again at once.
type outcome struct {
	ack   bool
	dead  bool          // to the dead letters
	hold  bool          // kept here until an outage is over
	delay time.Duration // before it is delivered again
}

// decide is the one table from a handler's error to a delivery's fate.
func (c *consumer) decide(err error, delivered int) outcome {
	if err == nil {
		return outcome{ack: true}
	}
	kind := fault.KindOf(err)
	switch {
	case kind == fault.Exists:
		return outcome{ack: true}
	case kind == fault.Invalid || kind == fault.Denied:
		return outcome{dead: true}
	case kind == fault.Unavailable && delivered >= c.Attempts:
		return outcome{hold: true}
	case delivered >= c.Attempts:
		return outcome{dead: true}
	case kind == fault.Conflict && delivered <= conflicts:
		return outcome{}
	}
	return outcome{delay: backoff(delivered)}
}

// settle answers the server. What fails here is delivered again after AckWait, so it is only logged.
func (c *consumer) settle(ctx context.Context, msg jetstream.Msg, m Message, o outcome, cause error) {
	var err error
	c.gauges.settled(o, m)
	log := c.Log.With("sequence", m.Sequence, "subject", m.Subject, "delivered", m.Delivered)
	switch {
	case o.ack:
		err = msg.Ack()
	case o.dead, o.hold && m.Delivered >= c.MaxDeliver:
		log.ErrorContext(ctx, "message is dead", "kind", fault.KindOf(cause), "error", cause)
		if err = c.bury(ctx, m, cause); err != nil {
			log.ErrorContext(ctx, "dead letter was not stored; the message stays", "error", err)
			err = msg.NakWithDelay(backoff(m.Delivered))
			break
		}
		c.gauges.dead.WithLabelValues(c.Durable, fault.KindOf(cause).String()).Inc()
		err = msg.TermWithReason(fault.KindOf(cause).String())
	case o.delay == 0:
		err = msg.Nak()
	default:
		log.WarnContext(ctx, "message is tried again", "delay", o.delay, "kind", fault.KindOf(cause), "error", cause)
		err = msg.NakWithDelay(o.delay)
	}
	if err != nil {
		log.WarnContext(ctx, "answer to a delivery was lost", "error", err)
	}
}

// bury stores a dead letter: the message as it was, and why it is here.
func (c *consumer) bury(ctx context.Context, m Message, cause error) error {
	subject, err := Subject("dlq", "v1", c.Stream, c.Durable)
	if err != nil {
		return err
	}
	header := nats.Header{}
	for _, key := range []string{"Content-Type", telemetry.TraceHeader} {
		if value := first(m.Header[key]); value != "" {
			header[key] = []string{value}
		}
	}
	header[HeaderDeadMsgID] = []string{first(m.Header[jetstream.MsgIDHeader])}
	header[HeaderDeadStream] = []string{c.Stream}
	header[HeaderDeadConsumer] = []string{c.Durable}
	header[HeaderDeadSubject] = []string{m.Subject}
	header[HeaderDeadSequence] = []string{strconv.FormatUint(m.Sequence, 10)}
	header[HeaderDeadDeliveries] = []string{strconv.Itoa(m.Delivered)}
	header[HeaderDeadKind] = []string{fault.KindOf(cause).String()}
	header[HeaderDeadReason] = []string{headerText(cause.Error())}
	header[jetstream.MsgIDHeader] = []string{fmt.Sprintf("%s:%s:%d", c.Stream, c.Durable, m.Sequence)}
	return publish(ctx, c.js, &nats.Msg{Subject: subject, Header: header, Data: m.Data})
}

// headerText makes any text fit in a header.
func headerText(text string) string {
	const limit = 2 << 10
	clean := []rune(text)
	for i, r := range clean {
		if r < ' ' || r == 0x7f {
			clean[i] = ' '
		}
	}
	for len(string(clean)) > limit {
		clean = clean[:len(clean)-1-(len(string(clean))-limit)/4]
	}
	return string(clean)
}

// backoff answers how long a message waits after its nth delivery.
func backoff(delivered int) time.Duration {
	waits := [...]time.Duration{500 * time.Millisecond, 2 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute}
	return jitter(waits[min(max(delivered, 1), len(waits))-1])
}

// jitter spreads d by 20 % both ways, so that what failed together is not tried again together.
func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}

// contain turns a panic into an Internal error.
func contain(err *error) {
	if r := recover(); r != nil {
		*err = fault.Wrap(fmt.Errorf("panic: %v\n%s", r, debug.Stack()), fault.Internal, "the handler failed")
	}
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}
