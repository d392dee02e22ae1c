package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// scrapeEvery is how often Prometheus looks. Rates are taken over at least four times that, as Grafana does.
const scrapeEvery = 2 * time.Second

// source is a Prometheus that is asked.
type source struct {
	url    string
	scrape time.Duration
}

// span is the time that a dashboard shows, in steps.
type span struct {
	from, until time.Time
	step        time.Duration
}

func (s span) steps() int { return int(s.until.Sub(s.from)/s.step) + 1 }

// line is what a query answered for one set of labels: a value for each step, NaN where there is none.
type line struct {
	query  string // its letter
	labels map[string]string
	name   string
	values []float64
}

// last answers the newest value, or NaN.
func (l line) last() float64 {
	for i := len(l.values) - 1; i >= 0; i-- {
		if !math.IsNaN(l.values[i]) {
			return l.values[i]
		}
	}
	return math.NaN()
}

// grid is the span that Grafana asks for when a panel is so wide: a point for each pixel, but none between two looks.
func (s source) grid(from, until time.Time, pixels int) span {
	step := until.Sub(from) / time.Duration(pixels)
	step = max(s.scrape, step.Round(s.scrape))
	return span{from: from.Truncate(step).Add(step), until: until, step: step}
}

// lines asks for a query of a panel.
func (s source) lines(ctx context.Context, t target, over span) ([]line, error) {
	expr := strings.NewReplacer(
		"$__rate_interval", seconds(max(over.step+s.scrape, 4*s.scrape)),
		"$__interval", seconds(over.step),
		"$__range", seconds(over.until.Sub(over.from)),
		"$namespace", ".*", // what Grafana begins with
	).Replace(t.Expr)
	if strings.Contains(expr, "$") {
		return nil, fmt.Errorf("a variable is not known here: %s", expr)
	}
	path, when := "query_range", url.Values{"start": {stamp(over.from)}, "end": {stamp(over.until)}, "step": {seconds(over.step)}}
	if t.Instant {
		path, when = "query", url.Values{"time": {stamp(over.until)}}
	}
	when.Set("query", expr)
	var said []struct {
		Metric map[string]string
		Value  sample
		Values []sample
	}
	if err := s.get(ctx, path, when, &struct{ Result any }{&said}); err != nil {
		return nil, fmt.Errorf("%s: %w", expr, err)
	}
	var lines []line
	for _, one := range said {
		l := line{query: t.RefID, labels: one.Metric, name: legend(t.LegendFormat, one.Metric), values: make([]float64, over.steps())}
		for i := range l.values {
			l.values[i] = math.NaN()
		}
		if t.Instant {
			l.values[len(l.values)-1] = one.Value.value
		}
		for _, v := range one.Values {
			if i := int(math.Round((v.at - float64(over.from.UnixNano())/1e9) / over.step.Seconds())); i >= 0 && i < len(l.values) {
				l.values[i] = v.value
			}
		}
		lines = append(lines, l)
	}
	return lines, nil
}

// number asks for one number at this moment; it is NaN where there is none.
func (s source) number(ctx context.Context, expr string) (float64, error) {
	var said []struct{ Value sample }
	if err := s.get(ctx, "query", url.Values{"query": {expr}}, &struct{ Result any }{&said}); err != nil || len(said) == 0 {
		return math.NaN(), err
	}
	return said[0].Value.value, nil
}

// get asks Prometheus' API, and puts the answer's data into a value.
func (s source) get(ctx context.Context, path string, form url.Values, data any) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/api/v1/"+path+"?"+form.Encode(), nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 64<<20))
	if err != nil {
		return err
	}
	var said struct {
		Status, Error string
		Warnings      []string
		Data          json.RawMessage
	}
	if err := json.Unmarshal(text, &said); err != nil {
		return fmt.Errorf("%s: %w", answer.Status, err)
	}
	if said.Status != "success" {
		return errors.New(said.Error)
	}
	if len(said.Warnings) > 0 {
		return errors.New(strings.Join(said.Warnings, "; "))
	}
	return json.Unmarshal(said.Data, data)
}

// sample is a value at a time, as Prometheus says it: [1716999999.5, "0.25"].
type sample struct{ at, value float64 }

func (s *sample) UnmarshalJSON(text []byte) (err error) {
	var value string
	if err := json.Unmarshal(text, &[]any{&s.at, &value}); err != nil {
		return err
	}
	s.value, err = strconv.ParseFloat(value, 64)
	return err
}

var placeholder = regexp.MustCompile(`{{\s*(\w+)\s*}}`)

// legend is the name of a line: the labels in place of {{label}}; all labels where the dashboard says nothing.
func legend(format string, labels map[string]string) string {
	if format == "" || format == "__auto" {
		text, _ := json.Marshal(labels)
		return string(text)
	}
	return placeholder.ReplaceAllStringFunc(format, func(hole string) string { return labels[placeholder.FindStringSubmatch(hole)[1]] })
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d.Seconds())) + "s" }

func stamp(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64) }
