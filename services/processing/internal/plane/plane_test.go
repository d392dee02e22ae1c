package plane

import (
	"image"
	"math/rand/v2"
	"testing"

	"github.com/disintegration/imaging"
	"pgregory.net/rapid"
)

func noise(t *rapid.T) Plane {
	p := New(rapid.IntRange(1, 300).Draw(t, "width"), rapid.IntRange(1, 40).Draw(t, "height"))
	random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	hard := rapid.Bool().Draw(t, "hard")
	for i := range p.Pix {
		p.Pix[i] = byte(random.Uint32())
		if hard { // overshoots
			p.Pix[i] = -(p.Pix[i] & 1)
		}
	}
	return p
}

// The filter is that of disintegration/imaging. That one goes across before it goes down, so only samples that neither has
// to clamp in between are the same.
func TestResizesLikeImaging(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := noise(t)
		for i, v := range p.Pix {
			p.Pix[i] = 96 + v/4
		}
		w, h := rapid.IntRange(1, 400).Draw(t, "to width"), rapid.IntRange(1, 60).Draw(t, "to height")
		got, err := Resize(t.Context(), p, Area{X1: float64(p.Width), Y1: float64(p.Height)}, w, h)
		if err != nil {
			t.Fatal(err)
		}
		want := imaging.Resize(&image.Gray{Pix: p.Pix, Stride: p.Stride, Rect: image.Rect(0, 0, p.Width, p.Height)}, w, h, imaging.Lanczos)
		for y := range h {
			for x := range w {
				if a, b := int(got.Row(y)[x]), int(want.Pix[y*want.Stride+4*x]); max(a-b, b-a) > 2 {
					t.Fatalf("%d × %d to %d × %d: sample %d, %d is %d, and not %d", p.Width, p.Height, w, h, x, y, a, b)
				}
			}
		}
	})
}

func BenchmarkResize(b *testing.B) {
	p := New(3000, 2000)
	for i := range p.Pix {
		p.Pix[i] = byte(i * i >> 3)
	}
	for b.Loop() {
		if _, err := Resize(b.Context(), p, Area{X1: 3000, Y1: 2000}, 2048, 1365); err != nil {
			b.Fatal(err)
		}
	}
}
