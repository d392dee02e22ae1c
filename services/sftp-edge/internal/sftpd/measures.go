package sftpd

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/telemetry"
)

// measures are what is counted of uploads.
type measures struct {
	tracer   trace.Tracer
	received prometheus.Counter
	landed   *prometheus.CounterVec
	refusals *prometheus.CounterVec
	steps    *prometheus.HistogramVec
}

// What became of uploads.
const (
	resultLanded    = "landed"
	resultUnchanged = "unchanged" // the same bytes were there
	resultUntouched = "untouched" // opened and closed, nothing written
	resultBrokenOff = "broken_off"
	resultRefused   = "refused" // the client's doing: it hears what to do
	resultFailed    = "failed"  // ours: it hears to try again
)

// measure makes the server ready to tell what it does.
func (s *Server) measure() {
	m := measures{
		tracer:   telemetry.Tracer(s.Traces),
		received: telemetry.Counter(s.Metrics, "filmgate_received_bytes_total", "Bytes of files that clients have sent.").WithLabelValues(),
		landed: telemetry.Counter(s.Metrics, "filmgate_landed_total",
			"Uploads that ended, by result: landed, unchanged, untouched, broken_off, refused (the client's doing), failed (ours).", "result"),
		refusals: telemetry.Counter(s.Metrics, "filmgate_refusals_total", "SFTP requests that were refused or failed, by request and the kind of the error.", "request", "reason"),
		steps: telemetry.Histogram(s.Metrics, "filmgate_close_seconds",
			"How long a CLOSE took, by step: hash, put (small files), parts, complete (large ones), seal, append; close is the whole, until the client hears.",
			telemetry.Quick(), "step"),
	}
	for _, result := range []string{resultLanded, resultUnchanged, resultUntouched, resultBrokenOff, resultRefused, resultFailed} { // so that the first is a rise
		m.landed.WithLabelValues(result)
	}
	for _, kind := range []fault.Kind{fault.Internal, fault.Unavailable} {
		for _, request := range []string{"open", "write", "close", "list", "stat", "rename", "mkdir"} {
			m.refusals.WithLabelValues(request, kind.String())
		}
	}
	for _, step := range []string{"hash", "put", "parts", "complete", "seal", "append", "close"} {
		m.steps.WithLabelValues(step)
	}
	s.measures = m
	s.Config.Upload.Step = s.begin
	ask := func(name, help string, value func() float64) { telemetry.Ask(s.Metrics, name, help, nil, value) }
	ask("filmgate_uploads_open", "Files that are being uploaded.", func() float64 { return float64(s.Transfers.count()) })
	ask("filmgate_memory_budget_bytes", "Memory for the bytes of all transfers.", func() float64 { return float64(s.Budget.Total()) })
	ask("filmgate_memory_used_bytes", "Memory that transfers hold.", func() float64 { return float64(s.Budget.Total() - s.Budget.Free()) })
	ask("filmgate_jobs_watch_staleness_seconds", "For how long job-status has said nothing on the most silent stream of a connected user's jobs; it speaks every 2 s.",
		func() float64 { return s.Jobs.Staleness().Seconds() })
}

// refusal counts one request that went wrong. What is not there is asked for all the time.
func (m measures) refusal(request string, err error) {
	if kind := fault.KindOf(err); kind != fault.NotFound {
		m.refusals.WithLabelValues(request, kind.String()).Inc()
	}
}

// begin begins a step of a CLOSE.
func (s *Server) begin(ctx context.Context, name string) (context.Context, func(error)) {
	began := time.Now()
	ctx, span := telemetry.Span(ctx, name)
	return ctx, func(err error) {
		telemetry.End(span, err)
		telemetry.Since(s.measures.steps.WithLabelValues(name), began)
	}
}

func (s *Server) step(ctx context.Context, name string, do func(context.Context) error) error {
	ctx, end := s.begin(ctx, name)
	err := do(ctx)
	end(err)
	return err
}
