package processing

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/telemetry"
	"filmgate.dev/services/processing/internal/picture"
)

// counts are what is measured of the work.
type counts struct {
	pictures   *prometheus.CounterVec
	megapixels prometheus.Counter
	steps      *prometheus.HistogramVec
	used, most prometheus.Gauge
}

const (
	resultOK    = "ok"
	resultAgain = "again" // to be tried once more
)

func newCounts(r prometheus.Registerer) counts {
	c := counts{
		pictures:   telemetry.Counter(r, "filmgate_pictures_total", "Photos that were worked on, by result: ok, again (it will be tried once more), or why they were rejected.", "result"),
		megapixels: telemetry.Counter(r, "filmgate_picture_megapixels_total", "Millions of pixels of the photos that pictures were made of.").WithLabelValues(),
		steps: telemetry.Histogram(r, "filmgate_picture_seconds", "How long a photo took, by step: fetch, wait (for a worker), make, store; all is the whole, of those that came out well.",
			telemetry.Slow(), "step"),
		used: telemetry.Gauge(r, "filmgate_picture_memory_used_bytes", "Memory that photos being worked on hold.").WithLabelValues(),
		most: telemetry.Gauge(r, "filmgate_picture_memory_budget_bytes", "Memory for photos being worked on.").WithLabelValues(),
	}
	for _, result := range []picture.Code{resultOK, resultAgain, // so that the first is a rise
		picture.CodeEmpty, picture.CodeNotAnImage, picture.CodeUnsupported, picture.CodeTooLarge, picture.CodeTruncated,
		picture.CodeDamaged, picture.CodeTooLargeForSale, picture.CodeLost, picture.CodeAltered, picture.CodeFailed} {
		c.pictures.WithLabelValues(string(result))
	}
	for _, step := range []string{"fetch", "wait", "make", "store", "all"} {
		c.steps.WithLabelValues(step)
	}
	return c
}

// made counts a photo that came out well.
func (c counts) made(photo events.PhotoProcessed, began time.Time) {
	c.pictures.WithLabelValues(resultOK).Inc()
	c.megapixels.Add(float64(photo.Image.Width) * float64(photo.Image.Height) / 1e6)
	telemetry.Since(c.steps.WithLabelValues("all"), began)
}

// step times a part of the work, and makes it a span of the photo's trace.
func (c counts) step(ctx context.Context, name string, do func(context.Context) error) error {
	began := time.Now()
	ctx, span := telemetry.Span(ctx, name)
	err := do(ctx)
	telemetry.End(span, err)
	telemetry.Since(c.steps.WithLabelValues(name), began)
	return err
}
