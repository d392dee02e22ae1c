package telemetry

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Counter answers the registry's counters of this name, made when they are missing: parts of one process may share them.
// Without a registry they count for nobody. Labels have few values: never a user, a path or a job.
func Counter(r prometheus.Registerer, name, help string, labels ...string) *prometheus.CounterVec {
	return kept(r, prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels))
}

// Gauge is Counter for what goes up and down.
func Gauge(r prometheus.Registerer, name, help string, labels ...string) *prometheus.GaugeVec {
	return kept(r, prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels))
}

// Histogram is Counter for how long things take, in seconds, or how large they are.
func Histogram(r prometheus.Registerer, name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return kept(r, prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels))
}

// Ask registers a gauge that is asked for its value whenever somebody looks. It answers false where there is one already.
func Ask(r prometheus.Registerer, name, help string, labels prometheus.Labels, value func() float64) bool {
	if r == nil {
		return true
	}
	return r.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}, value)) == nil
}

// AskCount is Ask for what only grows.
func AskCount(r prometheus.Registerer, name, help string, labels prometheus.Labels, value func() float64) {
	if r != nil {
		_ = r.Register(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels}, value))
	}
}

// Quick are the buckets of what should take milliseconds, and may take as long as a client waits.
func Quick() []float64 {
	return []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60}
}

// Slow are the buckets of what may take minutes.
func Slow() []float64 {
	return []float64{0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 900, 3600}
}

// Since adds the time since then.
func Since(o prometheus.Observer, then time.Time) { o.Observe(time.Since(then).Seconds()) }

func kept[C prometheus.Collector](r prometheus.Registerer, c C) C {
	if r == nil {
		return c
	}
	err := r.Register(c)
	var there prometheus.AlreadyRegisteredError
	if errors.As(err, &there) {
		return there.ExistingCollector.(C) // anything else is two metrics of one name
	}
	if err != nil {
		panic(err)
	}
	return c
}
