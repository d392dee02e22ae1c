//go:build amd64 || arm64

package jpegscale

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// The kernel for this processor answers the same as the portable one, whatever stands in a file.
func TestKernelsAgree(t *testing.T) {
	if !fast {
		t.Skip("this processor has none")
	}
	rapid.Check(t, func(t *rapid.T) {
		var a block
		most := rapid.SampledFrom([]int16{100, 2000, 32767}).Draw(t, "most")
		for i := range a {
			a[i] = rapid.Int16Range(-most-1, most).Draw(t, "coefficient")
		}
		b, stride := a, rapid.IntRange(4, 9).Draw(t, "stride")
		x, y := make([]byte, 4*stride), make([]byte, 4*stride)
		inverse4Fast(&x[0], stride, &a)
		inverse4Go(y, stride, &b)
		if !bytes.Equal(x, y) || a != b || a != (block{}) {
			t.Fatalf("%v\n%v", x, y)
		}
	})
}
