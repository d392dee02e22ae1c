package telemetry

import (
	"net/http"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"filmgate.dev/pkg/version"
)

// NewRegistry makes a registry that already knows the Go runtime, the process and the build. It is the process's own, never the
// library's global one, so that tests and the all-in-one program cannot collide.
func NewRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "filmgate_build_info", Help: "Always 1; says which build this is.",
		ConstLabels: prometheus.Labels{"version": version.String(), "go": runtime.Version()},
	})
	build.Set(1)
	registry.MustRegister(build)
	return registry
}

// MetricsHandler serves the registry for /metrics.
func MetricsHandler(registry *prometheus.Registry) http.Handler {
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}
