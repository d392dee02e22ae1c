package events

import (
	"context"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/replay"
)

// copyWindow is how many messages are on their way at once.
const copyWindow = 256

// Copy copies what Filmgate has said on a stream into the stream of the same name elsewhere, in order and with its ids. Of
// WORK it copies only what is still to be done. Broken off, it goes on when it is called again. Nobody else may use either
// stream meanwhile. It answers how many messages there were to copy.
func Copy(ctx context.Context, from, to jetstream.JetStream, name string) (int, error) {
	source, err := from.Stream(ctx, name)
	if err != nil {
		return 0, unavailable(err, "the event server did not answer about stream %s", name)
	}
	target, err := to.Stream(ctx, name)
	if err != nil {
		return 0, unavailable(err, "the event server did not answer about stream %s", name)
	}
	wanted := func(string, uint64) bool { return true }
	if name == StreamWork {
		if wanted, err = undone(ctx, source); err != nil {
			return 0, err
		}
	}
	c := copier{to: to, there: target.CachedInfo().State.Msgs}
	if err := c.all(ctx, from, name, wanted); err != nil {
		return c.count, fault.Wrap(err, fault.Unavailable, "stream %s could not be copied to its end", name)
	}
	if uint64(c.count) < c.there { //nolint:gosec // it counts up from 0
		return c.count, fault.New(fault.Conflict, "stream %s has %d messages of its own; nothing is copied behind them", name, c.there)
	}
	return c.count, nil
}

// undone reports what a consumer has not acknowledged yet, or none is there for.
func undone(ctx context.Context, stream jetstream.Stream) (func(subject string, sequence uint64) bool, error) {
	type position struct {
		filters []string
		floor   uint64
	}
	var consumers []position
	list := stream.ListConsumers(ctx)
	for info := range list.Info() {
		if info.Config.Durable == "" {
			continue
		}
		filters := info.Config.FilterSubjects
		if info.Config.FilterSubject != "" {
			filters = []string{info.Config.FilterSubject}
		}
		floor := info.AckFloor.Stream
		if info.NumPending == 0 && info.NumAckPending == 0 {
			floor = max(floor, info.Delivered.Stream)
		}
		consumers = append(consumers, position{filters, floor})
	}
	if err := list.Err(); err != nil {
		return nil, unavailable(err, "the event server did not list who listens")
	}
	return func(subject string, sequence uint64) bool {
		heard, done := false, true
		for _, c := range consumers {
			for _, filter := range c.filters {
				if matches(filter, subject) {
					heard, done = true, done && sequence <= c.floor
				}
			}
		}
		return !heard || !done
	}, nil
}

// matches reports whether a filter is for a subject.
func matches(filter, subject string) bool {
	want, have := strings.Split(filter, "."), strings.Split(subject, ".")
	for i, token := range want {
		switch {
		case token == ">":
			return len(have) > i
		case i >= len(have) || token != "*" && token != have[i]:
			return false
		}
	}
	return len(want) == len(have)
}

// copier has some messages on their way.
type copier struct {
	to    jetstream.JetStream
	there uint64 // messages that an earlier try has copied
	count int
	sent  []jetstream.PubAckFuture
}

func (c *copier) all(ctx context.Context, from jetstream.JetStream, name string, wanted func(string, uint64) bool) error {
	for m, err := range replay.All(ctx, from, name) {
		if err != nil {
			return err
		}
		// The rest is what the server has told operators about consumers that are not there.
		if strings.HasPrefix(m.Subject(), "filmgate.") && wanted(m.Subject(), m.Sequence) {
			if err := c.put(ctx, m); err != nil {
				return err
			}
		}
	}
	return c.flush(ctx)
}

func (c *copier) put(ctx context.Context, m jetstream.Msg) error {
	if c.count++; uint64(c.count) <= c.there { //nolint:gosec // it counts up from 0
		return nil
	}
	header := nats.Header{}
	for name, values := range m.Headers() {
		if !strings.HasPrefix(name, "Nats-") || name == jetstream.MsgIDHeader {
			header[name] = values
		}
	}
	answer, err := c.to.PublishMsgAsync(&nats.Msg{Subject: m.Subject(), Header: header, Data: m.Data()})
	if err != nil {
		return err
	}
	if c.sent = append(c.sent, answer); len(c.sent) == copyWindow {
		return c.flush(ctx)
	}
	return nil
}

// flush waits until everything on its way is stored.
func (c *copier) flush(ctx context.Context) error {
	for _, answer := range c.sent {
		select {
		case <-answer.Ok():
		case err := <-answer.Err():
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	c.sent = c.sent[:0]
	return nil
}
