package events

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/telemetry"
)

// gathered answers one series of a registry, and whether there is one.
func gathered(t *testing.T, r *prometheus.Registry, name string, labels ...string) (float64, bool) {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			var have []string
			for _, l := range m.GetLabel() {
				have = append(have, l.GetValue())
			}
			if family.GetName() != name || strings.Join(have, " ") != strings.Join(labels, " ") {
				continue
			}
			switch {
			case m.GetGauge() != nil:
				return m.GetGauge().GetValue(), true
			case m.GetHistogram() != nil:
				return m.GetHistogram().GetSampleSum(), true
			}
			return m.GetCounter().GetValue(), true
		}
	}
	return 0, false
}

func TestARetryIsCountedAndStaysInItsTrace(t *testing.T) {
	js, _ := bus(t)
	seen := tracetest.NewInMemoryExporter()
	provider := sdk.NewTracerProvider(sdk.WithSyncer(seen))
	cfg := settings()
	cfg.Metrics, cfg.Traces, cfg.Step = prometheus.NewRegistry(), provider, "map"
	said := telemetry.NewTraceParent()
	if err := Publish(telemetry.WithTraceParent(t.Context(), said), js, landedSubject, landedEvent(t, uploadID)); err != nil {
		t.Fatal(err)
	}
	const noTrace = "01J00000000000000000000003"
	say1(t, js, noTrace)
	stop := start(t, newConsumer(js, cfg, func(ctx context.Context, m Message) error {
		if m.Delivered == 1 {
			return fault.New(fault.Conflict, "somebody was faster")
		}
		_, step := telemetry.Span(ctx, "step")
		step.End()
		return nil
	}))
	eventually(t, "both messages are settled", func() bool { return settled(t, js, 2) })
	stop()
	spans := seen.GetSpans()
	if len(spans) != 3 {
		t.Fatalf("%d spans, want two tries and a step of the second", len(spans))
	}
	tries := 0
	for _, span := range spans {
		if got := span.SpanContext.TraceID().String(); got != telemetry.TraceID(said) {
			t.Errorf("the span %s is of the trace %s, want %s", span.Name, got, telemetry.TraceID(said))
		}
		if span.Name != "map" {
			continue
		}
		if parent := telemetry.TraceParent(telemetry.WithTraceParent(t.Context(), said)); span.Parent.SpanID().String() != parent[36:52] {
			t.Errorf("its parent is %s", span.Parent.SpanID())
		}
		if len(span.Links) != tries {
			t.Errorf("try %d has %d links", tries, len(span.Links))
		}
		tries++
	}
	if tries != 2 {
		t.Errorf("%d tries, want 2", tries)
	}
	if sum, _ := gathered(t, cfg.Metrics.(*prometheus.Registry), "filmgate_deliveries", "test"); sum != 4 {
		t.Errorf("%v deliveries, want 4", sum)
	}
}

func TestWhatWaitsIsToldWithItsAge(t *testing.T) {
	js, nc := bus(t)
	cfg, registry := settings(), prometheus.NewRegistry()
	cfg.Metrics, cfg.Concurrency = registry, 1
	Measure(nc, registry)
	Measure(nc, registry) // by another part on the same connection
	release := make(chan struct{})
	for _, upload := range []string{uploadID, "01J00000000000000000000003", "01J00000000000000000000004"} {
		say1(t, js, upload)
	}
	stop := start(t, newConsumer(js, cfg, func(context.Context, Message) error { <-release; return fault.New(fault.Invalid, "never") }))
	eventually(t, "the consumer's state is told", func() bool {
		pending, _ := gathered(t, registry, "filmgate_consumer_pending_messages", "test", StreamPhotos)
		unacked, _ := gathered(t, registry, "filmgate_consumer_ack_pending_messages", "test", StreamPhotos)
		age, _ := gathered(t, registry, "filmgate_consumer_oldest_seconds", "test", StreamPhotos)
		return pending == 2 && unacked == 1 && age > 0
	})
	close(release)
	eventually(t, "all are dead", func() bool {
		dead, _ := gathered(t, registry, "filmgate_dlq_total", "test", "invalid")
		return dead == 3
	})
	stop()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	watched := make(chan struct{})
	go func() {
		WatchStreams(ctx, js, registry, slog.New(slog.DiscardHandler), StreamDLQ)
		close(watched)
	}()
	eventually(t, "the parked messages are told", func() bool {
		parked, _ := gathered(t, registry, "filmgate_dlq_messages")
		return parked == 3
	})
	cancel()
	<-watched
	if connected, _ := gathered(t, registry, "filmgate_nats_connected"); connected != 1 {
		t.Error("the connection is not told")
	}
	nc.ErrorHandler()(nc, nil, errors.New("odd"))
	if n, _ := gathered(t, registry, "filmgate_nats_async_errors_total", "other"); n != 1 {
		t.Errorf("%v errors, want 1", n)
	}
}
