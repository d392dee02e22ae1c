package main

import (
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestEveryDashboardCanBeDrawn(t *testing.T) {
	boards, err := readBoards("../../charts/filmgate/dashboards")
	if err != nil {
		t.Fatal(err)
	}
	panels := map[string]bool{}
	for _, b := range boards {
		for _, p := range b.Panels {
			panels[b.name()+": "+p.Title] = true
		}
	}
	if len(boards) < 4 || len(panels) < 50 {
		t.Fatalf("only %d dashboards with %d panels", len(boards), len(panels))
	}
	for name := range empty {
		if !panels[name] {
			t.Errorf("%q may be empty, and is none", name)
		}
	}
}

func TestWhatCannotBeDrawnIsSaid(t *testing.T) {
	for want, text := range map[string]string{
		"is a table":         `{"type": "table", "title": "x"}`,
		"has the unit \"m\"": `{"type": "stat", "title": "x", "description": "x", "targets": [{"expr": "up"}], "fieldConfig": {"defaults": {"unit": "m"}}}`,
		"has no query":       `{"type": "stat", "title": "x", "description": "x", "fieldConfig": {"defaults": {"unit": "s"}}}`,
		"lacks a title":      `{"type": "stat", "targets": [{"expr": "up"}], "fieldConfig": {"defaults": {"unit": "s"}}}`,
		"is stacked":         `{"type": "timeseries", "title": "x", "description": "x", "targets": [{"expr": "up"}], "fieldConfig": {"defaults": {"unit": "s", "custom": {"stacking": {"mode": "percent"}}}}}`,
		"overrides unit": `{"type": "timeseries", "title": "x", "description": "x", "targets": [{"expr": "up"}], "fieldConfig": {"defaults": {"unit": "s"},
			"overrides": [{"matcher": {"id": "byName", "options": "a"}, "properties": [{"id": "unit", "value": "s"}]}]}}`,
	} {
		var p panel
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			t.Fatal(err)
		}
		if said := strings.Join(p.check(), "; "); !strings.Contains(said, want) {
			t.Errorf("%q is said, want %q", said, want)
		}
	}
}

// What Prometheus answers is put on the steps that were asked for; where it has no value there is none.
func TestLines(t *testing.T) {
	asked := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Query().Get("query")
		_, _ = w.Write([]byte(`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"x","b":"y"},"values":[[1000,"1"],[1004,"NaN"],[1006,"2.5"]]}]}}`))
	}))
	defer server.Close()
	s := source{url: server.URL, scrape: 2 * time.Second}
	over := span{from: time.Unix(1000, 0), until: time.Unix(1008, 0), step: 2 * time.Second}
	lines, err := s.lines(t.Context(), target{RefID: "A", Expr: "rate(x[$__rate_interval]) / increase(x[$__range])", LegendFormat: "{{b}} of {{a}}"}, over)
	if err != nil {
		t.Fatal(err)
	}
	if got := <-asked; got != "rate(x[8s]) / increase(x[8s])" {
		t.Errorf("asked for %s", got)
	}
	if len(lines) != 1 || lines[0].name != "y of x" || len(lines[0].values) != 5 {
		t.Fatalf("%+v", lines)
	}
	for i, want := range []float64{1, math.NaN(), math.NaN(), 2.5, math.NaN()} {
		if got := lines[0].values[i]; got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Errorf("step %d is %v, want %v", i, got, want)
		}
	}
	if last := lines[0].last(); last != 2.5 {
		t.Errorf("the last is %v", last)
	}
	if _, err := s.lines(t.Context(), target{Expr: "up{job=\"$job\"}"}, over); err == nil || !strings.Contains(err.Error(), "a variable is not known") {
		t.Errorf("an unknown variable: %v", err)
	}
}

func TestAnErrorOfPrometheusIsSaid(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"status":"error","errorType":"bad_data","error":"parse error: unexpected end of input"}`))
	}))
	defer server.Close()
	_, err := source{url: server.URL, scrape: time.Second}.number(t.Context(), "sum(")
	if err == nil || !strings.Contains(err.Error(), "unexpected end of input") {
		t.Errorf("%v", err)
	}
}

func TestStackedLinesStandOnEachOther(t *testing.T) {
	tops, most := heights([]line{{values: []float64{1, math.NaN()}}, {values: []float64{2, 5}}}, true)
	if tops[1][0] != 3 || tops[1][1] != 5 || most != 5 {
		t.Errorf("%v, %v", tops, most)
	}
}
