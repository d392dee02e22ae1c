package serve

import (
	"context"
	"maps"

	"github.com/prometheus/client_golang/prometheus"
)

var readyDesc = prometheus.NewDesc("filmgate_ready", "1 where the check behind /readyz passes; a process is ready when all of its checks do.", []string{"check"}, nil)

// Describe and Collect make Readiness a metric: whoever looks has the checks run.
func (r *Readiness) Describe(descs chan<- *prometheus.Desc) { descs <- readyDesc }

// Collect runs the checks.
func (r *Readiness) Collect(metrics chan<- prometheus.Metric) {
	r.mu.Lock()
	checks := maps.Clone(r.checks)
	r.mu.Unlock()
	failed := r.Check(context.Background())
	for name := range checks {
		value := 1.0
		if failed[name] != nil {
			value = 0
		}
		metrics <- prometheus.MustNewConstMetric(readyDesc, prometheus.GaugeValue, value, name)
	}
}
