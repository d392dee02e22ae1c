package jpegscale

import (
	"fmt"
	"slices"

	"filmgate.dev/services/processing/internal/plane"
)

// block holds the coefficients of one block, dequantised, in natural order. Decoding leaves it as it found it: zeros.
type block [64]int16

// natural answers where a coefficient of a zig-zag place stands in natural order (T.81 figure A.6).
var natural = [64]uint8{
	0, 1, 8, 16, 9, 2, 3, 10,
	17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34,
	27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36,
	29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46,
	53, 60, 61, 54, 47, 55, 62, 63,
}

// target is natural, and behind the last place a slot that nobody looks at.
var target = func() (t [256]uint8) {
	for i := range t {
		t[i] = 64
	}
	copy(t[:], natural[:])
	return t
}()

// output is where the samples of a component go.
type output struct {
	*Component
	scale Scale
	plane plane.Plane
	// keep is how many coefficients, in zig-zag order, hold all that are transformed at this scale.
	keep    int
	inverse func(dst []byte, stride int, b *block)
}

func (o *output) prepare(c *Component, s Scale) error {
	o.Component, o.scale = c, s
	if !slices.Contains(Scales, s.X) || !slices.Contains(Scales, s.Y) {
		return fmt.Errorf("jpegscale: no scale of %d × %d", s.X, s.Y)
	}
	o.inverse = inverse(s)
	for place, n := range natural {
		if int(n%8) < s.X && int(n/8) < s.Y {
			o.keep = place + 1
		}
	}
	// The last samples of a picture that does not fill its last block stand for less than a whole one.
	o.plane = plane.Plane{
		Pix: make([]byte, c.padded.w*s.X*c.padded.h*s.Y), Stride: c.padded.w * s.X,
		Width: over(c.Width*s.X, 8), Height: over(c.Height*s.Y, 8),
	}
	return nil
}

// at answers the samples from a block's first on.
func (o *output) at(x, y int) []byte { return o.plane.Pix[y*o.scale.Y*o.plane.Stride+x*o.scale.X:] }

// flat paints a whole block in one colour, for a coefficient that is the only one.
func (o *output) flat(x, y int, dc int16) {
	v := clamp((int32(dc) + 4) >> 3)
	dst := o.at(x, y)
	for range o.scale.Y {
		for i := range o.scale.X {
			dst[i] = v
		}
		if len(dst) < o.plane.Stride {
			return
		}
		dst = dst[o.plane.Stride:]
	}
}

// grey paints a whole row of blocks from x on.
func (o *output) grey(x, y int) {
	for ; x < o.padded.w; x++ {
		o.flat(x, y, 0)
	}
}

// saturated answers the nearest number that there is room for.
func saturated(v int32) int16 { return int16(max(-1<<15, min(1<<15-1, v))) }
