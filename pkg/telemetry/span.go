package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"filmgate.dev/pkg/fault"
)

// scope names our spans' library.
const scope = "filmgate.dev"

// Tracer answers what begins a service's spans. Without a provider it begins none, and passes on the trace that it finds.
func Tracer(provider trace.TracerProvider) trace.Tracer {
	if provider == nil {
		return noop.Tracer{}
	}
	return provider.Tracer(scope)
}

// Span begins a step of the work that ctx's span stands for, where there is one that is recorded; end it with End.
func Span(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	around := trace.SpanFromContext(ctx)
	if !around.IsRecording() {
		return ctx, noop.Span{}
	}
	return around.TracerProvider().Tracer(scope).Start(ctx, name, options...)
}

// End ends a span that came to err. Only the kind of an error is told: its words may hold the names of files.
func End(span trace.Span, err error) {
	if err != nil && span.IsRecording() {
		kind := fault.KindOf(err).String()
		span.SetStatus(codes.Error, kind)
		span.SetAttributes(attribute.String("error.type", kind))
	}
	span.End()
}
