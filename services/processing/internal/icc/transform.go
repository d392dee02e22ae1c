package icc

import (
	"image"
	"image/color"
	"math"

	"filmgate.dev/services/processing/internal/plane"
)

// Transform turns pixels of one profile into sRGB.
type Transform struct {
	linear [3][256]float32
	matrix [3][3]float32 // light of the profile to light of sRGB
	encode []uint8       // light in steps to sRGB's numbers
}

// steps is fine enough that even the darkest numbers are half a step apart.
const steps = 1 << 13

// ToSRGB answers the way from the profile to sRGB, or nil when there is nothing to do: the profile is sRGB by numbers,
// whatever it is called.
func (p *Profile) ToSRGB() *Transform {
	// XYZ under D50, where profiles meet, to the light of sRGB.
	toSRGB := [3][3]float64{
		{3.1338561, -1.6168667, -0.4906146},
		{-0.9787684, 1.9161415, 0.0334540},
		{0.0719453, -0.2289914, 1.4052427},
	}
	t := &Transform{encode: make([]uint8, steps+1)}
	for row := range 3 {
		for column := range 3 {
			if p.gray {
				if row == column {
					t.matrix[row][column] = 1
				}
				continue
			}
			var sum float64
			for k := range 3 {
				sum += toSRGB[row][k] * p.matrix[k][column]
			}
			t.matrix[row][column] = float32(sum)
		}
	}
	for i := range 3 {
		for v := range 256 {
			t.linear[i][v] = float32(p.curves[i].light(float64(v) / 255))
		}
	}
	for i := range t.encode {
		v := float64(i) / steps
		if v <= 0.0031308 {
			v *= 12.92
		} else {
			v = 1.055*math.Pow(v, 1/2.4) - 0.055
		}
		t.encode[i] = uint8(v*255 + 0.5)
	}
	if t.changesNothing() {
		return nil
	}
	return t
}

// changesNothing reports whether no colour moves by more than two of 255 steps, which nobody can see.
func (t *Transform) changesNothing() bool {
	for r := 0; r < 256; r += 15 {
		for g := 0; g < 256; g += 15 {
			for b := 0; b < 256; b += 15 {
				in := [3]uint8{uint8(r), uint8(g), uint8(b)}
				out := t.pixel(in)
				for i := range in {
					if d := int(in[i]) - int(out[i]); d < -2 || d > 2 {
						return false
					}
				}
			}
		}
	}
	return true
}

func (t *Transform) pixel(in [3]uint8) (out [3]uint8) {
	r, g, b := t.linear[0][in[0]], t.linear[1][in[1]], t.linear[2][in[2]]
	for i := range out {
		m := &t.matrix[i]
		v := (m[0]*r+m[1]*g+m[2]*b)*steps + 0.5
		out[i] = t.encode[int(max(0, min(steps, v)))]
	}
	return out
}

// Apply turns img into sRGB, in place.
func (t *Transform) Apply(img *image.NRGBA) {
	width := img.Rect.Dx()
	for y := range img.Rect.Dy() {
		row := img.Pix[y*img.Stride : y*img.Stride+4*width]
		for ; len(row) >= 4; row = row[4:] {
			out := t.pixel([3]uint8(row[:3]))
			row[0], row[1], row[2] = out[0], out[1], out[2]
		}
	}
}

// Planes turns luma and two chromas of the same size, as JPEG stores them, into those of sRGB, in place.
func (t *Transform) Planes(p *[3]plane.Plane) {
	for y := range p[0].Height {
		luma, blue, red := p[0].Row(y), p[1].Row(y), p[2].Row(y)
		for x := range luma {
			var in [3]uint8
			in[0], in[1], in[2] = color.YCbCrToRGB(luma[x], blue[x], red[x])
			out := t.pixel(in)
			luma[x], blue[x], red[x] = color.RGBToYCbCr(out[0], out[1], out[2])
		}
	}
}
