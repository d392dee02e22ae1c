package objects

import (
	"context"
	"log/slog"
	"time"

	"filmgate.dev/pkg/fault"
)

// Await opens the bucket as Open does, and waits for a server that is away: services start in any order.
func Await(ctx context.Context, cfg Config, log *slog.Logger) (*Bucket, error) {
	for {
		bucket, err := Open(ctx, cfg)
		if !fault.Is(err, fault.Unavailable) {
			return bucket, err
		}
		log.WarnContext(ctx, "the bucket is away", "error", err)
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(2 * time.Second):
		}
	}
}
