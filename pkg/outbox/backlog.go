package outbox

import (
	"context"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/client_golang/prometheus"

	"filmgate.dev/pkg/telemetry"
)

// lookEvery is how often it is counted what waits.
const lookEvery = 5 * time.Second

// backlog tells how much waits in the outbox, and how long. Every replica counts the same rows, so dashboards take the
// highest.
type backlog struct {
	relay         *Relay
	depth, oldest *prometheus.GaugeVec
	looked        time.Time
}

func newBacklog(r *Relay) *backlog {
	return &backlog{
		relay:  r,
		depth:  telemetry.Gauge(r.Metrics, "filmgate_outbox_depth", "Events that wait in the outbox. Missing while the database cannot be asked.", "outbox"),
		oldest: telemetry.Gauge(r.Metrics, "filmgate_outbox_oldest_seconds", "How long the oldest event has waited in the outbox; 0 when there is none.", "outbox"),
	}
}

func (b *backlog) look(ctx context.Context) {
	if b.relay.Metrics == nil || time.Since(b.looked) < lookEvery {
		return
	}
	b.looked = time.Now()
	depth, oldest, err := b.relay.waiting(ctx)
	if err != nil { // no number is better than an old one
		b.depth.DeleteLabelValues(b.relay.Name)
		b.oldest.DeleteLabelValues(b.relay.Name)
		return
	}
	b.depth.WithLabelValues(b.relay.Name).Set(float64(depth))
	b.oldest.WithLabelValues(b.relay.Name).Set(oldest.Seconds())
}

// waiting answers how many events wait, and for how long the first has.
func (r *Relay) waiting(ctx context.Context) (n int, oldest time.Duration, err error) {
	var first string
	err = r.DB.QueryRowContext(ctx, `SELECT count(*), coalesce(min(id), '') FROM outbox`).Scan(&n, &first)
	if err != nil || n == 0 {
		return n, 0, err
	}
	id, err := ulid.ParseStrict(first)
	if err != nil {
		return n, 0, err
	}
	return n, max(0, time.Since(ulid.Time(id.Time()))), nil
}
