package provision

import (
	"context"
	"errors"
	"slices"

	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/fault"
)

// Consumer makes a durable consumer, or patches what is there. It keeps its place in the stream.
func (p JetStream) Consumer(ctx context.Context, stream string, want jetstream.ConsumerConfig) error {
	what := "consumer " + want.Durable + " of " + stream
	consumer, err := p.JS.Consumer(ctx, stream, want.Durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) || p.DryRun && errors.Is(err, jetstream.ErrStreamNotFound) {
		if !p.DryRun {
			if _, err := p.JS.CreateOrUpdateConsumer(ctx, stream, want); err != nil {
				return fault.Wrap(err, kindOf(err), "the event server did not make the %s", what)
			}
		}
		p.tell(Made, what)
		return nil
	}
	if errors.Is(err, jetstream.ErrNotPullConsumer) {
		return fault.New(fault.Conflict, "the %s exists and pushes; Filmgate pulls, and will not delete it", what)
	}
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "the event server did not answer about the %s", what)
	}
	have := consumer.CachedInfo().Config
	if have.AckPolicy != want.AckPolicy || have.DeliverPolicy != want.DeliverPolicy {
		return fault.New(fault.Conflict, "the %s exists and delivers %s with %s acknowledgement; Filmgate needs %s with %s, and will not delete it",
			what, have.DeliverPolicy, have.AckPolicy, want.DeliverPolicy, want.AckPolicy)
	}
	patched := PatchConsumer(have, want)
	how := differences(have, patched)
	if len(how) == 0 {
		p.tell(Left, what)
		return nil
	}
	if !p.DryRun {
		if _, err := p.JS.UpdateConsumer(ctx, stream, patched); err != nil {
			return fault.Wrap(err, kindOf(err), "the event server did not change the %s", what)
		}
	}
	p.tell(Changed, what, how...)
	return nil
}

// Place makes a durable consumer unless there is one: its owner may have set it up otherwise.
func (p JetStream) Place(ctx context.Context, stream string, want jetstream.ConsumerConfig) error {
	_, err := p.JS.Consumer(ctx, stream, want.Durable)
	if err == nil || errors.Is(err, jetstream.ErrNotPullConsumer) {
		p.tell(Left, "consumer "+want.Durable+" of "+stream)
		return nil
	}
	return p.Consumer(ctx, stream, want)
}

// PatchConsumer answers have with what want asks for.
func PatchConsumer(have, want jetstream.ConsumerConfig) jetstream.ConsumerConfig {
	filters := have.FilterSubjects
	if have.FilterSubject != "" {
		filters = []string{have.FilterSubject}
	}
	if !slices.Equal(slices.Sorted(slices.Values(filters)), slices.Sorted(slices.Values(want.FilterSubjects))) {
		have.FilterSubject, have.FilterSubjects = "", want.FilterSubjects
	}
	have.AckWait = want.AckWait
	have.MaxDeliver = want.MaxDeliver
	have.MaxAckPending = want.MaxAckPending
	return have
}

// kindOf tells a refusal from a server that is away.
func kindOf(err error) fault.Kind {
	if code(err) != 0 && status(err) < 500 {
		return fault.Conflict
	}
	return fault.Unavailable
}
