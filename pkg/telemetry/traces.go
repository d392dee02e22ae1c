package telemetry

import (
	"context"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"filmgate.dev/pkg/fault"
)

const (
	// flushFor bounds the sending of what waits when a service stops.
	flushFor = 3 * time.Second
	// complainEvery is how often the log hears of a collector that is away.
	complainEvery = time.Minute
)

// Traces is where a service's spans come from.
type Traces struct {
	trace.TracerProvider
	sdk *sdk.TracerProvider // nil: nobody wants to see spans
}

// Start makes a service's source of spans by OpenTelemetry's own settings, OTEL_EXPORTER_OTLP_ENDPOINT and its like. Where
// they name no endpoint there are no spans, and uploads have their traceparent all the same.
//
// Spans wait in a bounded queue (OTEL_BSP_MAX_QUEUE_SIZE) and are dropped when it is full: nothing ever waits for a collector.
func Start(ctx context.Context, service string, log *slog.Logger) (*Traces, error) {
	wanted, err := tracesWanted(os.Getenv)
	if err != nil || !wanted {
		return &Traces{TracerProvider: noop.NewTracerProvider()}, err
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "the OTEL_EXPORTER_OTLP_… settings cannot be used")
	}
	// The variables OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES have the last word.
	about, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.namespace", "filmgate"), attribute.String("service.name", service)),
		resource.WithHost(), resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "OTEL_RESOURCE_ATTRIBUTES cannot be used")
	}
	otel.SetErrorHandler(&complaints{log: log})
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(about))
	return &Traces{TracerProvider: provider, sdk: provider}, nil
}

// Stop sends what waits, within a bound.
func (t *Traces) Stop() {
	if t.sdk == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushFor)
	defer cancel()
	_ = t.sdk.Shutdown(ctx) // spans of a collector that is away are lost, and were complained of
}

// tracesWanted reads the settings that the library would misread in silence.
func tracesWanted(getenv func(string) string) (bool, error) {
	const endpoint, ownEndpoint = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	name, value := ownEndpoint, getenv(ownEndpoint)
	if value == "" {
		name, value = endpoint, getenv(endpoint)
	}
	if value == "" || strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") || getenv("OTEL_TRACES_EXPORTER") == "none" {
		return false, nil
	}
	if u, err := url.Parse(value); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return false, fault.New(fault.Invalid, "%s: %q is no address of a collector; it looks like http://collector:4318", name, value)
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if spoken := getenv(name); spoken != "" && spoken != "http/protobuf" {
			return false, fault.New(fault.Invalid, "%s: %q is not spoken here; set http/protobuf, and a collector's port for that, mostly 4318", name, spoken)
		}
	}
	return true, nil
}

// complaints tells the log of spans that were not taken, but not of each.
type complaints struct {
	log *slog.Logger

	mu     sync.Mutex
	told   time.Time
	untold int
}

// Handle hears what went wrong in the library.
func (c *complaints) Handle(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.untold++
	if time.Since(c.told) < complainEvery {
		return
	}
	c.log.Warn("traces are not taken; uploads are not touched by it", "error", err, "times", c.untold)
	c.told, c.untold = time.Now(), 0
}
