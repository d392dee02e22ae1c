package jpegscale

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// The kernels of more than four points answer the same as the portable ones, and write nothing beside.
func TestWideKernelsAgree(t *testing.T) {
	if !fast {
		t.Skip("this processor has none")
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]int{5, 6, 8}).Draw(t, "points")
		var a block
		most := rapid.SampledFrom([]int16{20, 100, 2000, 32767}).Draw(t, "most")
		for i := range a {
			if rapid.Bool().Draw(t, "set") {
				a[i] = rapid.Int16Range(-most-1, most).Draw(t, "coefficient")
			}
		}
		b, stride := a, rapid.IntRange(n, 11).Draw(t, "stride")
		x := bytes.Repeat([]byte{77}, n*stride)
		y := bytes.Clone(x)
		fast := map[int]func(*byte, int, *block){5: inverse5Fast, 6: inverse6Fast, 8: inverse8Fast}[n]
		slow := map[int]func([]byte, int, *block){5: inverse5Go, 6: inverse6Go, 8: inverse8Go}[n]
		fast(&x[0], stride, &a)
		slow(y, stride, &b)
		if !bytes.Equal(x, y) || a != b || a != (block{}) {
			t.Fatalf("%v\n%v", x, y)
		}
	})
}
