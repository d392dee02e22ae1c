//go:build turbo && cgo

package turbo_test

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"testing"

	"filmgate.dev/pkg/testphotos"
	"filmgate.dev/services/processing/internal/baseline"
	"filmgate.dev/services/processing/internal/jpegscale"
	"filmgate.dev/services/processing/internal/turbo"
)

// BenchmarkDecode holds both decoders against one another, on a drawn photo or on that which FILMGATE_PHOTO names.
func BenchmarkDecode(b *testing.B) {
	src := testphotos.JPEG(testphotos.Options{Width: 6000, Height: 4000, Quality: 92, Seed: 24})
	if name := os.Getenv("FILMGATE_PHOTO"); name != "" {
		var err error
		if src, err = os.ReadFile(name); err != nil {
			b.Fatal(err)
		}
	}
	p, err := jpegscale.Open(src)
	if err != nil {
		b.Fatal(err)
	}
	for _, s := range []int{1, 4, 5, 6, 8} {
		b.Run(fmt.Sprintf("jpegscale at %d of 8", s), func(b *testing.B) {
			defer cpu(b)()
			for b.Loop() {
				p, err := jpegscale.Open(src)
				if err != nil {
					b.Fatal(err)
				}
				scales := make([]jpegscale.Scale, len(p.Components))
				for i := range scales {
					scales[i] = jpegscale.Scale{X: s, Y: s}
				}
				if _, err := p.Decode(b.Context(), scales); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("libjpeg-turbo", func(b *testing.B) {
		defer cpu(b)()
		for b.Loop() {
			if _, err := turbo.Decode(b.Context(), src, p); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkEncode holds both encoders against one another.
func BenchmarkEncode(b *testing.B) {
	p := made(2048, 1365)
	for name, encode := range map[string]func(context.Context, baseline.Picture, baseline.Options) ([]byte, error){"baseline": baseline.Encode, "turbo": turbo.Encode} {
		b.Run(name, func(b *testing.B) {
			defer cpu(b)()
			for b.Loop() {
				if _, err := encode(b.Context(), p, baseline.Options{Quality: 80}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// cpu has a benchmark say what it costs in CPU time, whatever else the machine does.
func cpu(b *testing.B) func() {
	used := func() int64 {
		var usage syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
			b.Fatal(err)
		}
		return usage.Utime.Nano() + usage.Stime.Nano()
	}
	began := used()
	return func() { b.ReportMetric(float64(used()-began)/1e6/float64(b.N), "cpu-ms/op") }
}
