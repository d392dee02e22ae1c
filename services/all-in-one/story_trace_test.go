package main_test

import (
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collector takes spans as an OpenTelemetry collector does, over HTTP.
type collector struct {
	server *httptest.Server

	mu    sync.Mutex
	spans map[string]seen // by span id
}

type seen struct {
	*tracev1.Span
	service string
}

func (c *collector) end() {
	if c != nil {
		c.server.Close()
	}
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body = unzipped
	}
	data, err := io.ReadAll(body)
	var request collectorv1.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(data, &request)
	}
	if err != nil || r.URL.Path != "/v1/traces" {
		http.Error(w, fmt.Sprint(r.URL.Path, ": ", err), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, of := range request.GetResourceSpans() {
		service := ""
		for _, attribute := range of.GetResource().GetAttributes() {
			if attribute.GetKey() == "service.name" {
				service = attribute.GetValue().GetStringValue()
			}
		}
		for _, scope := range of.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				c.spans[string(span.GetSpanId())] = seen{span, service}
			}
		}
	}
}

// story answers the spans that came, a line for each with its parent, and the ids of their traces.
func (c *collector) story() (lines, traces []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, span := range c.spans {
		parent := "nothing"
		if of, ok := c.spans[string(span.GetParentSpanId())]; ok {
			parent = of.GetName()
		} else if len(span.GetParentSpanId()) > 0 {
			parent = "something unknown"
		}
		lines = append(lines, fmt.Sprintf("%s: %s in %s", span.service, span.GetName(), parent))
		traces = append(traces, hex.EncodeToString(span.GetTraceId()))
	}
	slices.Sort(lines)
	slices.Sort(traces)
	return lines, slices.Compact(traces)
}

// cmdCollector starts a collector, to which filmgate sends its spans from its next start on: collector [away]
// One that is away has an address at which nobody answers.
func cmdCollector(ts *testscript.TestScript, neg bool, args []string) {
	c := &collector{spans: map[string]seen{}}
	c.server = httptest.NewServer(c)
	theStory(ts).collector = c
	ts.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.server.URL)
	if len(args) == 1 && args[0] == "away" {
		c.server.Close()
	}
}

// cmdTraced waits until the collector has the spans of a file, all of one trace, whose id is also that of an event:
// traced FILE
func cmdTraced(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: traced FILE")
	}
	want := strings.TrimSpace(ts.ReadFile(args[0]))
	var lines, traces []string
	for deadline := time.Now().Add(patience); strings.Join(lines, "\n") != want; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			ts.Fatalf("the spans are\n%s\nof the traces %v; want\n%s", strings.Join(lines, "\n"), traces, want)
		}
		lines, traces = theStory(ts).collector.story()
	}
	if len(traces) != 1 {
		ts.Fatalf("the spans are of the traces %v, want one", traces)
	}
	told := 0
	out, err := operator(ts, "events", "tail", "--json", "--from-start", "--no-follow")
	ts.Check(err)
	for line := range strings.Lines(out) {
		var event struct{ Type, TraceParent string }
		ts.Check(json.Unmarshal([]byte(line), &event))
		if strings.Contains(event.Type, ".photo.") || strings.Contains(event.Type, ".file.") {
			told++
			if !strings.Contains(event.TraceParent, traces[0]) {
				ts.Fatalf("%s is of the trace %s, want %s", event.Type, event.TraceParent, traces[0])
			}
		}
	}
	// What studio and operators are shown is the same.
	out, err = operator(ts, "photo", "list", "--job", "JOB00001", "--json")
	ts.Check(err)
	if !strings.Contains(out, `"traceId":"`+traces[0]+`"`) {
		ts.Fatalf("no photo of the trace %s in %s", traces[0], out)
	}
	if told < 2 {
		ts.Fatalf("%d events of the photo were told", told)
	}
}
