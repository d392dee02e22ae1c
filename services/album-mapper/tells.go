package albummapper

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/telemetry"
)

// tells are what is counted of the catalog's changes, once they are committed.
type tells struct {
	said  *prometheus.CounterVec
	ready prometheus.Observer
	stale prometheus.Counter
}

// told is one event that was said in a transaction.
type told struct {
	kind events.Type
	took time.Duration
}

func newTells(r prometheus.Registerer) tells {
	t := tells{
		said: telemetry.Counter(r, "filmgate_events_said_total", "Events that album-mapper has committed to its outbox, by type.", "type"),
		ready: telemetry.Histogram(r, "filmgate_landed_to_ready_seconds", "How long photos took from the moment they landed until their pictures were there.",
			telemetry.Slow()).WithLabelValues(),
		stale: telemetry.Counter(r, "filmgate_stale_noop_total", "Entries of the files log that changed nothing, because the catalog knew them or newer ones.").WithLabelValues(),
	}
	for _, kind := range []events.Type{events.TypeFileLanded, events.TypePhotoMapped, events.TypePhotoIngested, events.TypePhotoUpdated, events.TypePhotoFailed} {
		t.said.WithLabelValues(string(kind))
	}
	return t
}

func (s tells) count(t *turn) {
	s.stale.Add(float64(t.stale))
	for _, n := range t.news {
		s.said.WithLabelValues(string(n.kind)).Inc()
		if n.kind == events.TypePhotoIngested || n.kind == events.TypePhotoUpdated {
			s.ready.Observe(n.took.Seconds())
		}
	}
}

// together begins the span of a transaction that several handlers share: it belongs to the trace of the first, and is
// linked with the others, so that each of their traces shows what it waited for.
func together(ctx context.Context, parts []work) (context.Context, trace.Span) {
	var first trace.Span
	var others []trace.Link
	for _, w := range parts {
		span := trace.SpanFromContext(w.from)
		switch {
		case !span.IsRecording():
		case first == nil:
			first = span
		default:
			others = append(others, trace.Link{SpanContext: span.SpanContext()})
		}
	}
	if first == nil {
		return ctx, noop.Span{}
	}
	ctx, commit := telemetry.Span(trace.ContextWithSpan(ctx, first), "commit", trace.WithLinks(others...), trace.WithAttributes(attribute.Int("filmgate.handlers", len(parts))))
	for _, w := range parts {
		if span := trace.SpanFromContext(w.from); span.IsRecording() && span != first {
			span.AddLink(trace.Link{SpanContext: commit.SpanContext()})
		}
	}
	return ctx, commit
}
