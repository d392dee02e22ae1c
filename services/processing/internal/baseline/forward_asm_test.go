//go:build amd64 || arm64

package baseline

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// The kernel for this processor answers the same as the portable one.
func TestKernelsAgree(t *testing.T) {
	if !fast {
		t.Skip("this processor has none")
	}
	rapid.Check(t, func(t *rapid.T) {
		q := newQuantisation(&luma, rapid.IntRange(1, 100).Draw(t, "quality"))
		stride := rapid.IntRange(8, 20).Draw(t, "stride")
		samples := rapid.SliceOfN(rapid.Byte(), 8*stride, 8*stride).Draw(t, "samples")
		if rapid.Bool().Draw(t, "hard") {
			for i, v := range samples {
				samples[i] = -(v & 1)
			}
		}
		var a, b [64]int16
		if x, y := forwardFast(&a, &samples[0], stride, &q.factors), forwardGo(&b, samples, stride, &q); x != y || a != b {
			t.Fatalf("%x %x\n%v\n%v", x, y, a, b)
		}
	})
}

// Sums are the largest where samples follow the signs of a frequency.
func TestKernelsAgreeAboutTheLargest(t *testing.T) {
	if !fast {
		t.Skip("this processor has none")
	}
	q := newQuantisation(&luma, 100)
	for frequency := range 64 {
		for _, first := range []byte{0, 255} {
			var samples [64]byte
			for i := range samples {
				along := func(k, n int) float64 { return math.Cos(float64((2*n+1)*k) * math.Pi / 16) }
				if samples[i] = first; along(frequency%8, i%8)*along(frequency/8, i/8) < 0 {
					samples[i] = ^first
				}
			}
			var a, b [64]int16
			if x, y := forwardFast(&a, &samples[0], 8, &q.factors), forwardGo(&b, samples[:], 8, &q); x != y || a != b {
				t.Fatalf("%d from %d: %x %x\n%v\n%v", frequency, first, x, y, a, b)
			}
		}
	}
}
