package files

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"filmgate.dev/pkg/fault"
)

const (
	// maxListed bounds what one listing may hold in memory.
	maxListed = 100_000
	// maxListings bounds how many are held at once: whoever may list a large folder may do so over many connections.
	maxListings = 4
	// forgotten is when the server drops a listing's consumer whose owner died.
	forgotten = 10 * time.Second
)

// errIncomplete says that a listing ended early, or came from a server that does not have everything yet.
var errIncomplete = errors.New("the listing is not complete")

// list reads the last message of every subject under the filters, as they stand when the last one is read. It never
// misses a message that is renamed meanwhile: the new one is appended before the old one goes.
func (s stream) list(ctx context.Context, filters ...string) ([]message, error) {
	ctx, cancel := context.WithTimeout(ctx, readBudget)
	defer cancel()
	select {
	case s.listing <- struct{}{}:
		defer func() { <-s.listing }()
	case <-ctx.Done():
		return nil, fault.Wrap(ctx.Err(), fault.Unavailable, "the folder could not be listed in time; try again")
	}
	for {
		messages, err := s.listOnce(ctx, filters)
		if err == nil || fault.Is(err, fault.Invalid) {
			return messages, err
		}
		if !retryable(err) || !rest(ctx) {
			return nil, fault.Wrap(err, fault.Unavailable, "the folder could not be listed in time; try again")
		}
	}
}

// newest answers the sequence of the last message under the filters, as the leader has it. A listing's consumer is placed
// on any server of the cluster, and one that is behind, because it was away or is slow, would leave out what was
// acknowledged before. Servers take messages in order: who has the newest one has the others too.
func (s stream) newest(ctx context.Context, filters []string) (uint64, error) {
	newest := uint64(0)
	for _, filter := range filters {
		m, err := s.last(ctx, filter)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return 0, err
		}
		newest = max(newest, m.Sequence)
	}
	return newest, nil
}

func reach(messages []message) uint64 {
	highest := uint64(0)
	for _, m := range messages {
		highest = max(highest, m.Sequence)
	}
	return highest
}

// listOnce lists through a consumer of its own: in memory, on one server, gone afterwards.
func (s stream) listOnce(ctx context.Context, filters []string) ([]message, error) {
	newest, err := s.newest(ctx, filters)
	if err != nil {
		return nil, err
	}
	messages, err := s.consume(ctx, filters)
	if err == nil && reach(messages) < newest {
		err = errIncomplete
	}
	return messages, err
}

func (s stream) consume(ctx context.Context, filters []string) ([]message, error) {
	name := "list-" + nuid.Next()
	starting, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	consumer, err := s.js.CreateConsumer(starting, s.name, jetstream.ConsumerConfig{
		Name:              name,
		FilterSubjects:    filters,
		DeliverPolicy:     jetstream.DeliverLastPerSubjectPolicy,
		AckPolicy:         jetstream.AckNonePolicy,
		InactiveThreshold: forgotten,
		MemoryStorage:     true,
		Replicas:          1,
	})
	if err != nil {
		return nil, err
	}
	// Nobody waits for the answer: a consumer that stays is forgotten soon.
	defer func() { _ = s.nc.Publish("$JS.API.CONSUMER.DELETE."+s.name+"."+name, nil) }()

	expected := consumer.CachedInfo().NumPending
	if expected > maxListed {
		return nil, fault.New(fault.Invalid, "there are too many entries to list: %d", expected)
	}
	at := make(map[string]int, expected)
	messages := make([]message, 0, expected)
	received := uint64(0)
	for pending := expected; pending > 0; {
		batch, err := consumer.Fetch(int(min(pending, maxListed)), jetstream.FetchMaxWait(attempt))
		if err != nil {
			return nil, err
		}
		before := received
		for m := range batch.Messages() {
			meta, err := m.Metadata()
			if err != nil {
				return nil, err
			}
			received++
			pending = meta.NumPending
			one := message{Subject: m.Subject(), Header: m.Headers(), Data: m.Data(), Sequence: meta.Sequence.Stream}
			if i, seen := at[one.Subject]; seen { // changed meanwhile
				messages[i] = one
				continue
			}
			at[one.Subject] = len(messages)
			messages = append(messages, one)
		}
		if err := batch.Error(); err != nil {
			return nil, err
		}
		if received == before || len(messages) > maxListed || ctx.Err() != nil {
			return nil, errIncomplete
		}
	}
	if received < expected {
		return nil, errIncomplete
	}
	return messages, nil
}
