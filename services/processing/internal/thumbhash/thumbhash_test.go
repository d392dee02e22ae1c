package thumbhash_test

import (
	"image"
	"image/color"
	"math"
	"testing"

	"filmgate.dev/services/processing/internal/thumbhash"
)

func fill(w, h int, c func(x, y int) color.NRGBA) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetNRGBA(x, y, c(x, y))
		}
	}
	return img
}

// The header holds the average colour in a documented place: any decoder of the format must find it there.
func TestAverageColour(t *testing.T) {
	for _, want := range []color.NRGBA{{214, 24, 32, 255}, {0, 0, 0, 255}, {255, 255, 255, 255}, {40, 160, 80, 255}} {
		hash := thumbhash.Encode(fill(60, 40, func(int, int) color.NRGBA { return want }))
		head := int(hash[0]) | int(hash[1])<<8 | int(hash[2])<<16
		l, p, q := float64(head&63)/63, float64(head>>6&63)/31.5-1, float64(head>>12&63)/31.5-1
		b := l - 2.0/3*p
		r := (3*l - b + q) / 2
		g := r - q
		for i, got := range []float64{r, g, b} {
			channel := []uint8{want.R, want.G, want.B}[i]
			if math.Abs(got*255-float64(channel)) > 10 {
				t.Errorf("%v: channel %d came back as %.0f", want, i, got*255)
			}
		}
	}
}

func TestShape(t *testing.T) {
	plain := func(int, int) color.NRGBA { return color.NRGBA{90, 120, 150, 255} }
	for _, c := range []struct{ w, h int }{{100, 67}, {67, 100}, {50, 50}, {100, 1}, {1, 100}, {1, 1}} {
		hash := thumbhash.Encode(fill(c.w, c.h, plain))
		if len(hash) < 15 || len(hash) > 26 {
			t.Errorf("%v: %d bytes", c, len(hash))
		}
		if got := hash[4]&0x80 != 0; got != (c.w > c.h) {
			t.Errorf("%v: landscape %v", c, got)
		}
	}
	if thumbhash.Encode(fill(101, 10, plain)) != nil {
		t.Error("a picture over the limit was encoded")
	}
}
