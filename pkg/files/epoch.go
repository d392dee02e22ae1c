package files

import (
	"context"
	"strconv"

	"filmgate.dev/pkg/fault"
)

// Epoch answers the log's epoch. Every rebuild or import raises it, and begins the sequences anew: who compares two
// entries compares epochs first.
func (l *Log) Epoch(ctx context.Context) (int64, error) {
	stream, err := l.stream.js.Stream(ctx, l.stream.name)
	if err != nil {
		return 0, fault.Wrap(err, fault.Unavailable, "the files log did not answer in time; try again")
	}
	text := stream.CachedInfo().Config.Metadata[epochKey]
	epoch, err := strconv.ParseInt(text, 10, 64)
	if err != nil || epoch < 1 {
		return 0, fault.New(fault.Internal, "the files log has no epoch, but %q", text)
	}
	return epoch, nil
}
