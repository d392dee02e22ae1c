package albummapper

import (
	"context"
	"iter"
	"time"

	"github.com/nats-io/nats.go"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/sqldb"

	"filmgate.dev/services/album-mapper/internal/store"
)

// Rebuild writes the files log anew from what the catalog has heard of it, as its next epoch, after NATS was lost with all
// its replicas. No service may run meanwhile. What was said in the last moments, and never heard, is not in it: the objects
// of such photos are still in the bucket. It answers how many entries there are, and Conflict when the log is not empty.
func Rebuild(ctx context.Context, db *sqldb.DB, nc *nats.Conn, replicas int) (int, error) {
	rows := store.In(db)
	epoch, err := rows.Epoch(ctx)
	if err != nil {
		return 0, fault.Wrap(err, fault.Unavailable, "the catalog could not be read")
	}
	return files.Restore(ctx, nc, replicas, epoch+1, lasting(rows.Entries(ctx), time.Now()))
}

// lasting leaves out tombstones that the log would have forgotten.
func lasting(entries iter.Seq2[files.Entry, error], now time.Time) iter.Seq2[files.Entry, error] {
	return func(yield func(files.Entry, error) bool) {
		for e, err := range entries {
			if err == nil && e.Gone() && now.Sub(e.GoneAt) > files.TombstoneTTL {
				continue
			}
			if !yield(e, err) {
				return
			}
		}
	}
}
