package telemetry_test

import (
	"context"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"filmgate.dev/pkg/telemetry"
)

// BenchmarkNobodyLooks is what an upload's spans cost where no endpoint is given: once for each step, never for each WRITE.
func BenchmarkNobodyLooks(b *testing.B) {
	tracer := telemetry.Tracer(nil)
	for b.Loop() {
		ctx, span := tracer.Start(context.Background(), "upload", trace.WithNewRoot())
		_, step := telemetry.Span(ctx, "append")
		telemetry.End(step, nil)
		telemetry.End(span, nil)
	}
}

// BenchmarkWrite is what is counted of each WRITE.
func BenchmarkWrite(b *testing.B) {
	bytes := telemetry.Counter(telemetry.NewRegistry(), "bytes_total", "Bytes.").WithLabelValues()
	for b.Loop() {
		bytes.Add(32 << 10)
	}
}
