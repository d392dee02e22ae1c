package ssim_test

import (
	"math"
	"testing"

	"filmgate.dev/services/processing/internal/plane"
	"filmgate.dev/services/processing/internal/ssim"
)

func wave(shift, gain float64) plane.Plane {
	p := plane.New(40, 30)
	for y := range 30 {
		for x := range 40 {
			p.Row(y)[x] = byte(128 + gain*100*math.Sin(float64(x+2*y)/3+shift))
		}
	}
	return p
}

func TestMean(t *testing.T) {
	for name, c := range map[string]struct {
		a, b     plane.Plane
		from, to float64
	}{
		"the same":       {wave(0, 1), wave(0, 1), 1, 1},
		"fainter":        {wave(0, 1), wave(0, 0.8), 0.9, 0.99},
		"the other way":  {wave(0, 1), wave(math.Pi, 1), -1, -0.8},
		"nothing in one": {wave(0, 1), plane.New(40, 30), 0, 0.05},
	} {
		got, err := ssim.Mean(c.a, c.b)
		if err != nil || got < c.from-1e-9 || got > c.to+1e-9 {
			t.Errorf("%s: %.3f, %v; want %.2f to %.2f", name, got, err, c.from, c.to)
		}
	}
	if _, err := ssim.Mean(plane.New(5, 5), plane.New(5, 5)); err == nil {
		t.Error("a picture smaller than a window is compared")
	}
}
