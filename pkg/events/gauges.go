package events

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/telemetry"
)

// gauges are what is measured of one consumer.
type gauges struct {
	durable    string
	handlers   *prometheus.HistogramVec
	waiting    prometheus.Observer
	deliveries prometheus.Observer
	dead       *prometheus.CounterVec
	state      state
}

// The results of a handler's run.
const (
	resultOK    = "ok"
	resultAgain = "again" // delivered once more
	resultHeld  = "held"  // kept through an outage
	resultDead  = "dead"  // to the dead letters
)

func newGauges(c ConsumerConfig) gauges {
	r := c.Metrics
	g := gauges{
		durable: c.Durable,
		handlers: telemetry.Histogram(r, "filmgate_handler_seconds", "How long the handler of a message took, by consumer and result: ok, again, held, dead.",
			telemetry.Quick(), "consumer", "result"),
		waiting: telemetry.Histogram(r, "filmgate_queue_seconds", "How long a message had waited when it was first delivered.",
			telemetry.Slow(), "consumer").WithLabelValues(c.Durable),
		deliveries: telemetry.Histogram(r, "filmgate_deliveries", "How often a message was delivered until it was acknowledged or dead.",
			[]float64{1, 2, 3, 5, 10, 15}, "consumer").WithLabelValues(c.Durable),
		dead:  telemetry.Counter(r, "filmgate_dlq_total", "Messages that went to the dead letters, by the kind of the error.", "consumer", "reason"),
		state: newState(c),
	}
	for _, result := range []string{resultOK, resultAgain, resultHeld, resultDead} { // so that the first of its kind is a rise
		g.handlers.WithLabelValues(c.Durable, result)
	}
	for _, kind := range []fault.Kind{fault.Internal, fault.Invalid, fault.NotFound, fault.Denied, fault.Conflict, fault.Unavailable} {
		g.dead.WithLabelValues(c.Durable, kind.String())
	}
	return g
}

func (g gauges) waited(m Message) {
	if m.Delivered == 1 {
		g.waiting.Observe(max(0, time.Since(m.Time).Seconds())) // clocks differ
	}
}

func (g gauges) handled(o outcome, began time.Time) {
	result := resultAgain
	switch {
	case o.ack:
		result = resultOK
	case o.dead:
		result = resultDead
	case o.hold:
		result = resultHeld
	}
	telemetry.Since(g.handlers.WithLabelValues(g.durable, result), began)
}

func (g gauges) settled(o outcome, m Message) {
	if o.ack || o.dead {
		g.deliveries.Observe(float64(m.Delivered))
	}
}
