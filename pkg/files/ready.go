package files

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/fault"
)

// Ready reports whether the log and the bucket UPLOADS are there.
func (l *Log) Ready(ctx context.Context) error {
	for _, name := range []string{Stream, uploadsStreamName} {
		_, err := l.stream.js.Stream(ctx, name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return fault.New(fault.Unavailable, "the stream %s is missing: `filmgate provision` makes it", name)
		}
		if err != nil {
			return fault.Wrap(err, fault.Unavailable, "the event server did not answer about stream %s", name)
		}
	}
	return nil
}
