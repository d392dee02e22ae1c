package telemetry

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strings"

	"go.opentelemetry.io/otel/trace"
)

// TraceHeader is the W3C header's name. Carriers spell it so: nats.Header is case-sensitive.
const TraceHeader = "traceparent"

// NewTraceParent starts a trace: one upload is one trace, from its first packet to its last thumbnail.
func NewTraceParent() string {
	var id [24]byte
	rand.Read(id[:]) // never fails
	return "00-" + hex.EncodeToString(id[:16]) + "-" + hex.EncodeToString(id[16:]) + "-01"
}

// ValidTraceParent reports whether s is a W3C traceparent of version 00.
func ValidTraceParent(s string) bool {
	_, ok := parseTraceParent(s)
	return ok
}

func parseTraceParent(s string) (trace.SpanContext, bool) {
	parts := strings.Split(s, "-")
	if len(parts) != 4 || parts[0] != "00" || len(parts[1]) != 32 || len(parts[2]) != 16 || len(parts[3]) != 2 {
		return trace.SpanContext{}, false
	}
	for _, part := range parts {
		if strings.Trim(part, "0123456789abcdef") != "" {
			return trace.SpanContext{}, false
		}
	}
	c := trace.SpanContextConfig{Remote: true}
	var flags [1]byte
	hex.Decode(c.TraceID[:], []byte(parts[1])) //nolint:errcheck // they are hex digits
	hex.Decode(c.SpanID[:], []byte(parts[2]))  //nolint:errcheck // they are hex digits
	hex.Decode(flags[:], []byte(parts[3]))     //nolint:errcheck // they are hex digits
	c.TraceFlags = trace.TraceFlags(flags[0])
	sc := trace.NewSpanContext(c)
	return sc, sc.IsValid()
}

// TraceID answers the part of a traceparent that all steps of one upload share, or "".
func TraceID(traceparent string) string {
	if !ValidTraceParent(traceparent) {
		return ""
	}
	return traceparent[3:35]
}

// WithTraceParent puts a traceparent into ctx: spans that are begun under it belong to its trace. An invalid one is dropped.
func WithTraceParent(ctx context.Context, traceparent string) context.Context {
	sc, ok := parseTraceParent(traceparent)
	if !ok {
		return ctx
	}
	return trace.ContextWithRemoteSpanContext(ctx, sc)
}

// TraceParent answers the traceparent of ctx's span, or "".
func TraceParent(ctx context.Context) string {
	sc := trace.SpanContextFromContext(ctx)
	if !sc.IsValid() {
		return ""
	}
	return "00-" + sc.TraceID().String() + "-" + sc.SpanID().String() + "-" + sc.TraceFlags().String()
}

// Within answers ctx's own traceparent where that is of the same trace, or else the one given: what is said of an upload
// stays in its trace, whoever says it.
func Within(ctx context.Context, traceparent string) string {
	if own := TraceParent(ctx); own != "" && TraceID(own) == TraceID(traceparent) {
		return own
	}
	return traceparent
}
