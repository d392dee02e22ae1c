package studio

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"filmgate.dev/pkg/telemetry"
)

// counted counts what browsers ask for, and what is being answered: pages that show photos as they arrive stay open.
func counted(r prometheus.Registerer, pages http.Handler) http.Handler {
	if r == nil {
		return pages
	}
	requests := telemetry.Counter(r, "filmgate_http_requests_total", "Requests of browsers, by the code of the answer and the method.", "code", "method")
	open := telemetry.Gauge(r, "filmgate_http_requests_open", "Requests of browsers that are being answered, with the pages that wait for photos.").WithLabelValues()
	requests.WithLabelValues("500", "get") // so that the first is a rise
	return promhttp.InstrumentHandlerInFlight(open, promhttp.InstrumentHandlerCounter(requests, pages))
}
