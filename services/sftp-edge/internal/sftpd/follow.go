package sftpd

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/telemetry"
	"filmgate.dev/services/sftp-edge/internal/upload"
)

// One upload is one trace. Its spans have ids, sizes and kinds of errors in them, never a name that a person has given:
// traces go to places that nobody made for the names of children.

// follow begins the upload's trace, with the packet that opened the file. It has an id also where nobody looks.
func (w *writer) follow(came time.Time) {
	ctx, span := w.session.server.measures.tracer.Start(context.Background(), "upload", trace.WithTimestamp(came), trace.WithSpanKind(trace.SpanKindServer), trace.WithNewRoot())
	w.span = span
	if w.trace = telemetry.TraceParent(ctx); w.trace == "" {
		w.trace = telemetry.NewTraceParent()
	}
	if span.IsRecording() {
		span.SetAttributes(attribute.String("filmgate.upload", w.id), attribute.String("filmgate.account", w.job.Account), attribute.String("filmgate.job", w.job.ID))
	}
}

// traced puts the upload's trace into a context.
func (w *writer) traced(ctx context.Context) context.Context {
	if w.span.IsRecording() {
		return trace.ContextWithSpan(ctx, w.span)
	}
	return telemetry.WithTraceParent(ctx, w.trace)
}

// ready notes that the file is open, or why it could not be opened.
func (w *writer) ready(came time.Time, err error) {
	w.received = time.Now()
	w.past("open", came, err)
	if err != nil {
		w.ended(err)
	}
}

// closing notes that no more bytes come.
func (w *writer) closing() { w.past("receive", w.received, nil) }

// past tells of a step that is over. No span is held while a client sends.
func (w *writer) past(step string, began time.Time, err error) {
	if !w.span.IsRecording() {
		return
	}
	_, span := telemetry.Span(trace.ContextWithSpan(context.Background(), w.span), step, trace.WithTimestamp(began))
	telemetry.End(span, err)
}

// goesOn links the upload to the one that was broken off and that it may go on with.
func (w *writer) goesOn(r files.Record) {
	if before := trace.SpanContextFromContext(telemetry.WithTraceParent(context.Background(), r.TraceParent)); before.IsValid() && w.span.IsRecording() {
		w.span.AddLink(trace.Link{SpanContext: before, Attributes: []attribute.KeyValue{attribute.Bool("filmgate.resumed", true)}})
	}
}

// ended tells what became of the upload.
func (w *writer) ended(err error) {
	result := w.result(err)
	if w.claim != nil { // else it was never open
		w.session.server.measures.landed.WithLabelValues(result).Inc()
	}
	if w.span.IsRecording() {
		w.span.SetAttributes(attribute.String("filmgate.result", result))
		if w.claim != nil {
			w.span.SetAttributes(attribute.Int64("filmgate.bytes", w.claim.came))
		}
	}
	telemetry.End(w.span, err)
}

func (w *writer) result(err error) string {
	switch kind := fault.KindOf(err); {
	case errors.Is(err, upload.ErrTaken):
		return resultBrokenOff
	case err != nil && (kind == fault.Unavailable || kind == fault.Internal):
		return resultFailed
	case err != nil:
		return resultRefused
	case w.claim != nil && w.claim.landed != nil && w.claim.landed.Unchanged:
		return resultUnchanged
	case w.claim != nil && w.claim.landed != nil:
		return resultLanded
	case w.broken() != nil:
		return resultBrokenOff
	}
	return resultUntouched
}
