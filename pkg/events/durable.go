package events

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/provision"
)

// asking bounds a question about a consumer. What a user may not do is not answered at all.
const asking = 5 * time.Second

// Definition answers the durable consumer as the event server keeps it.
func (c ConsumerConfig) Definition() jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable:        c.Durable,
		FilterSubjects: c.FilterSubjects,
		AckPolicy:      jetstream.AckExplicitPolicy,
		DeliverPolicy:  jetstream.DeliverAllPolicy,
		AckWait:        c.AckWait,
		MaxDeliver:     c.MaxDeliver,
		MaxAckPending:  c.MaxAckPending,
	}
}

// Ready reports whether the durable consumer is there.
func (c ConsumerConfig) Ready(ctx context.Context, js jetstream.JetStream) error {
	_, err := js.Consumer(ctx, c.Stream, c.Durable)
	if missing(err) {
		return fault.New(fault.Unavailable, "the consumer %s of stream %s is missing: `filmgate provision` makes it", c.Durable, c.Stream)
	}
	return unavailable(err, "the event server did not answer about consumer %s of stream %s", c.Durable, c.Stream)
}

func missing(err error) bool {
	return errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrStreamNotFound)
}

// ensure answers the durable consumer, created or patched where this user may do that. One that is there and may not be
// patched is used as it is: `filmgate provision` is ahead of this process, or behind it.
func (c *consumer) ensure(ctx context.Context) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	want := c.Definition()
	have, err := c.js.Consumer(ctx, c.Stream, c.Durable)
	switch {
	case err == nil:
		config := have.CachedInfo().Config
		if reflect.DeepEqual(config, provision.PatchConsumer(config, want)) {
			return have, nil
		}
		patched, err := c.js.CreateOrUpdateConsumer(ctx, c.Stream, want)
		if err != nil {
			c.Log.Warn("the consumer is not as it should be, and is used as it is", "error", err)
			return have, nil
		}
		return patched, nil
	case !errors.Is(err, jetstream.ErrConsumerNotFound):
		return nil, err
	}
	made, err := c.js.CreateOrUpdateConsumer(ctx, c.Stream, want)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("consumer %s is missing and could not be made here; `filmgate provision` makes it: %w", c.Durable, err)
	}
	return made, err
}
