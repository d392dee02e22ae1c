package events

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/telemetry"
)

const (
	// attempt is how long one publish may take. A stream without a leader answers nobody for 4.5 to 8.4 s, and the attempt
	// that was sent meanwhile is lost, so many short ones are sooner than one long one.
	attempt      = time.Second
	attemptPause = 100 * time.Millisecond
	// publishBudget bounds a publish whose context has no deadline.
	publishBudget = 15 * time.Second
)

// Publish says an event on a stream and returns when it is stored. It tries again for as long as ctx allows, at most 15 s
// where ctx has no deadline; the envelope's id makes repetitions one message.
func Publish(ctx context.Context, js jetstream.JetStream, subject string, env Envelope) error {
	msg, err := NewMsg(ctx, subject, env)
	if err != nil {
		return err
	}
	return publish(ctx, js, msg)
}

// NewMsg answers an event as the message that says it, for those who publish many at once.
func NewMsg(ctx context.Context, subject string, env Envelope) (*nats.Msg, error) {
	if !telemetry.ValidTraceParent(env.TraceParent) {
		env.TraceParent = telemetry.TraceParent(ctx)
	}
	data, err := Encode(env)
	if err != nil {
		return nil, err
	}
	msg := &nats.Msg{Subject: subject, Data: data, Header: nats.Header{
		"Content-Type":        {ContentType},
		jetstream.MsgIDHeader: {env.ID},
	}}
	if env.TraceParent != "" {
		msg.Header[telemetry.TraceHeader] = []string{env.TraceParent}
	}
	return msg, nil
}

func publish(ctx context.Context, js jetstream.JetStream, msg *nats.Msg) error {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, publishBudget)
		defer cancel()
	}
	var last error
	for {
		try, cancel := context.WithTimeout(ctx, attempt)
		_, err := js.PublishMsg(try, msg, jetstream.WithRetryAttempts(0))
		cancel()
		if err == nil {
			return nil
		}
		if ctx.Err() == nil || last == nil {
			last = err // the reason says more than "deadline exceeded"
		}
		if errors.Is(err, nats.ErrMaxPayload) || errors.Is(err, nats.ErrBadSubject) || errors.Is(err, nats.ErrConnectionClosed) {
			break
		}
		if !sleep(ctx, attemptPause) {
			break
		}
	}
	return fault.Wrap(last, fault.Unavailable, "the event server did not store an event on %s", msg.Subject)
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
