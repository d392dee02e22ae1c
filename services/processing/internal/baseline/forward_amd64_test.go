package baseline

import (
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
		if x, y := forwardAVX2(&a, &samples[0], stride, &q.factors), forwardGo(&b, samples, stride, &q); x != y || a != b {
			t.Fatalf("%x %x\n%v\n%v", x, y, a, b)
		}
	})
}
