package files

import (
	"context"
	"fmt"
	"iter"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/replay"
)

const (
	// restoringKey is in the stream's metadata while entries are being restored into it.
	restoringKey = "filmgate-restoring"
	// restoreWindow is how many entries are on their way at once.
	restoreWindow = 256
)

// All answers every entry, tombstones too, in the order in which they were written. It is for copies of the whole log:
// what is written meanwhile may be in it or not.
func (l *Log) All(ctx context.Context) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for m, err := range replay.All(ctx, l.stream.js, l.stream.name) {
			if err != nil {
				yield(Entry{}, fault.Wrap(err, fault.Unavailable, "the files log could not be read to its end"))
				return
			}
			e, err := Decode(m.Subject(), m.Data(), m.Sequence)
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// Restore writes entries, oldest first, into a log that has none yet, and makes this its epoch. The stream is made if it
// is missing. Broken off, it goes on when it is called again with the same entries, and when it was finished it only compares
// them. Nobody else may use the log meanwhile. It answers how many entries there were, and Conflict when the log has entries
// of its own.
func Restore(ctx context.Context, nc *nats.Conn, replicas int, epoch int64, entries iter.Seq2[Entry, error]) (int, error) {
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(restoreWindow))
	if err != nil {
		return 0, err
	}
	if err := Provision(ctx, js, replicas); err != nil {
		return 0, err
	}
	r := restorer{js: js, log: newStream(nc, js, Stream)}
	if r.finished, err = mark(ctx, js, epoch); err != nil {
		return 0, err
	}
	for e, err := range entries {
		if err == nil {
			err = r.put(ctx, e)
		}
		if err != nil {
			return r.count, err
		}
	}
	if err := r.flush(ctx); err != nil || r.finished {
		return r.count, err
	}
	return r.count, unmark(ctx, js)
}

// mark gives an empty log its epoch, and says that it is not whole yet. It reports whether an earlier Restore has finished.
func mark(ctx context.Context, js jetstream.JetStream, epoch int64) (finished bool, err error) {
	stream, err := js.Stream(ctx, Stream)
	if err != nil {
		return false, err
	}
	info := stream.CachedInfo()
	metadata, wanted := info.Config.Metadata, strconv.FormatInt(epoch, 10)
	switch {
	case metadata[restoringKey] == wanted:
		return false, nil
	case metadata[restoringKey] == "" && metadata[epochKey] == wanted && info.State.Msgs > 0:
		return true, nil
	case info.State.Msgs > 0:
		return false, fault.New(fault.Conflict, "the files log has %d entries; nothing is restored over them. If it is lost for good, delete the stream %s and restore again", info.State.Msgs, Stream)
	}
	metadata[epochKey], metadata[restoringKey] = wanted, wanted
	_, err = js.UpdateStream(ctx, info.Config)
	return false, err
}

func unmark(ctx context.Context, js jetstream.JetStream) error {
	stream, err := js.Stream(ctx, Stream)
	if err != nil {
		return err
	}
	config := stream.CachedInfo().Config
	delete(config.Metadata, restoringKey)
	_, err = js.UpdateStream(ctx, config)
	return err
}

// restorer has some entries on their way.
type restorer struct {
	js       jetstream.JetStream
	log      stream
	finished bool // only compares
	count    int
	sent     []sent
}

type sent struct {
	message *nats.Msg
	answer  jetstream.PubAckFuture
}

func (r *restorer) put(ctx context.Context, e Entry) error {
	subject, data, err := encode(e)
	if err != nil {
		return err
	}
	m := &nats.Msg{Subject: subject, Data: data, Header: nats.Header{}}
	if r.finished {
		r.count++
		return r.same(ctx, m)
	}
	if e.Gone() {
		m.Header.Set(jetstream.MsgTTLHeader, TombstoneTTL.String())
	}
	answer, err := r.js.PublishMsgAsync(m, jetstream.WithExpectStream(Stream), jetstream.WithExpectLastSequencePerSubject(0))
	if err != nil {
		return err
	}
	r.count++
	if r.sent = append(r.sent, sent{m, answer}); len(r.sent) == restoreWindow {
		return r.flush(ctx)
	}
	return nil
}

// flush waits until everything on its way is stored.
func (r *restorer) flush(ctx context.Context) error {
	for _, s := range r.sent {
		select {
		case <-s.answer.Ok():
		case err := <-s.answer.Err():
			if stale(err) {
				err = r.same(ctx, s.message)
			}
			if err != nil {
				return fmt.Errorf("restoring %s: %w", s.message.Subject, err)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	r.sent = r.sent[:0]
	return nil
}

// same reports whether an entry stands there already as it is to be restored.
func (r *restorer) same(ctx context.Context, m *nats.Msg) error {
	there, err := r.log.last(ctx, m.Subject)
	if fault.Is(err, fault.NotFound) || err == nil && string(there.Data) != string(m.Data) {
		return fault.New(fault.Conflict, "the files log has entries of its own; nothing is restored over them")
	}
	return err
}
