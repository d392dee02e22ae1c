package events

import (
	"cmp"
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"filmgate.dev/pkg/telemetry"
)

// span begins what one delivery comes to, in the trace that its message belongs to; messages of no trace have none. A
// message that was delivered before is of the same trace, and linked to what said it: the first try's span may never have
// been told.
func (c *consumer) span(ctx context.Context, m Message) (context.Context, trace.Span) {
	ctx = telemetry.WithTraceParent(ctx, first(m.Header[telemetry.TraceHeader]))
	said := trace.SpanContextFromContext(ctx)
	if !said.IsValid() || c.Traces == nil {
		return ctx, noop.Span{}
	}
	options := []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(
			attribute.String("messaging.system", "nats"), attribute.String("messaging.destination.name", c.Stream),
			attribute.String("messaging.consumer.group.name", c.Durable),
			attribute.Int64("messaging.nats.sequence", int64(m.Sequence)), //nolint:gosec // a stream has no 2^63 messages
			attribute.Int("messaging.nats.delivered", m.Delivered),
		),
	}
	if m.Delivered > 1 {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: said, Attributes: []attribute.KeyValue{attribute.Bool("filmgate.redelivered", true)}}))
	}
	return c.tracer.Start(ctx, cmp.Or(c.Step, c.Durable), options...)
}
