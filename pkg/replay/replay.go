// Package replay reads a whole stream, from its first message to the last one that is there.
package replay

import (
	"context"
	"errors"
	"iter"

	"github.com/nats-io/nats.go/jetstream"
)

// Message is a message and where it stands in its stream.
type Message struct {
	jetstream.Msg
	Sequence uint64
}

// All answers every message in order. What is written meanwhile may be among them or not. A last error says that they are
// not all.
func All(ctx context.Context, js jetstream.JetStream, stream string) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		if err := all(ctx, js, stream, yield); err != nil {
			yield(Message{}, err)
		}
	}
}

// all answers an error unless it has come to the end, or yield wants no more.
func all(ctx context.Context, js jetstream.JetStream, name string, yield func(Message, error) bool) error {
	stream, err := js.Stream(ctx, name)
	if err != nil || stream.CachedInfo().State.Msgs == 0 {
		return err
	}
	consumer, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverAllPolicy})
	if err != nil {
		return err
	}
	messages, err := consumer.Messages()
	if err != nil {
		return err
	}
	defer messages.Stop()
	stop := context.AfterFunc(ctx, messages.Stop)
	defer stop()
	for {
		m, err := messages.Next()
		if err != nil {
			return errors.Join(ctx.Err(), err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		if !yield(Message{m, meta.Sequence.Stream}, nil) || meta.NumPending == 0 {
			return nil
		}
	}
}
