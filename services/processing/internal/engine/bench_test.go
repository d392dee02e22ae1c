package engine_test

import (
	"syscall"
	"testing"
	"time"

	"filmgate.dev/pkg/testphotos"
	"filmgate.dev/services/processing/internal/engine"
)

// BenchmarkSet24MP makes the whole set of a camera's photo and says what it costs in CPU seconds, over all cores.
func BenchmarkSet24MP(b *testing.B) {
	photo := testphotos.Options{
		Width: 6000, Height: 4000, Quality: 92, Seed: 24, Orientation: 6, Camera: testphotos.Studio(), TakenAt: time.Unix(1.79e9, 0), Artist: "Jane Roe",
	}
	wide := photo
	wide.Sampling, wide.ICC, wide.Orientation = testphotos.Full, testphotos.AdobeRGB(), 1
	for name, o := range map[string]testphotos.Options{"sRGB420": photo, "AdobeRGB444": wide} {
		src := testphotos.JPEG(o)
		for _, e := range engines() {
			b.Run(name+"/"+e.Name(), func(b *testing.B) { set(b, e, src) })
		}
	}
}

func set(b *testing.B, e engine.Engine, src []byte) {
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	began := cpu(b)
	for b.Loop() {
		must(b, e, src)
	}
	b.ReportMetric((cpu(b)-began).Seconds()/float64(b.N), "cpu-s/photo")
}

// cpu answers the CPU time that this process has used.
func cpu(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
