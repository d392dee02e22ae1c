package telemetry_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"filmgate.dev/pkg/telemetry"
	"filmgate.dev/pkg/version"
)

func TestLoggerWritesJSONAtItsLevel(t *testing.T) {
	var out bytes.Buffer
	log, err := telemetry.NewLogger(&out, telemetry.LogConfig{Level: "warn"})
	if err != nil {
		t.Fatal(err)
	}
	log.Info("not this")
	log.Warn("this", "job", "JOB00001")
	var line struct{ Msg, Job string }
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || line.Msg != "this" || line.Job != "JOB00001" {
		t.Errorf("got %q (%v)", out.String(), err)
	}
	for _, bad := range []telemetry.LogConfig{{Level: "loud"}, {Format: "xml"}} {
		if _, err := telemetry.NewLogger(&out, bad); err == nil {
			t.Errorf("%+v passed", bad)
		}
	}
}

func TestMetricsHandlerServesTheRegistry(t *testing.T) {
	rec := httptest.NewRecorder()
	telemetry.MetricsHandler(telemetry.NewRegistry()).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{"go_goroutines", `filmgate_build_info{go="` + runtime.Version() + `",version="` + version.String() + `"} 1`} {
		if !strings.Contains(rec.Body.String(), want) {
			t.Errorf("%s is missing", want)
		}
	}
}

func TestTraceParent(t *testing.T) {
	tp := telemetry.NewTraceParent()
	if !telemetry.ValidTraceParent(tp) || len(telemetry.TraceID(tp)) != 32 {
		t.Errorf("%q is not valid", tp)
	}
	if got := telemetry.TraceParent(telemetry.WithTraceParent(t.Context(), tp)); got != tp {
		t.Errorf("got %q back", got)
	}
	for _, bad := range []string{
		"", "00", "00-" + strings.Repeat("0", 32) + "-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	} {
		if telemetry.ValidTraceParent(bad) || telemetry.TraceParent(telemetry.WithTraceParent(t.Context(), bad)) != "" {
			t.Errorf("%q passed", bad)
		}
	}
}
