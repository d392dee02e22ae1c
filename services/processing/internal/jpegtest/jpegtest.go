// Package jpegtest has what tests of JPEG decoders share: pictures as libjpeg-turbo's cjpeg writes them, and how far two planes are apart.
package jpegtest

import (
	"bytes"
	"fmt"
	"image"
	"os/exec"
	"slices"
	"testing"

	"filmgate.dev/services/processing/internal/plane"
)

// Written answers a picture as cjpeg writes it, by its arguments.
func Written(t testing.TB, img *image.NRGBA, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath("cjpeg"); err != nil {
		t.Fatal("cjpeg is missing; `make setup` installs it")
	}
	ppm := fmt.Appendf(nil, "P6\n%d %d\n255\n", img.Rect.Dx(), img.Rect.Dy())
	for i := 0; i < len(img.Pix); i += 4 {
		ppm = append(ppm, img.Pix[i:i+3]...)
	}
	cmd := exec.CommandContext(t.Context(), "cjpeg", args...)
	cmd.Stdin = bytes.NewReader(ppm)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("cjpeg %v: %v", args, err)
	}
	return out
}

// Farthest answers the largest difference of two samples at the same place; 256 where the sizes differ.
func Farthest(a, b plane.Plane) int {
	if a.Width != b.Width || a.Height != b.Height {
		return 256
	}
	most := 0
	for y := range a.Height {
		r, s := a.Row(y), b.Row(y)
		for x := range r {
			d := int(r[x]) - int(s[x])
			most = max(most, d, -d)
		}
	}
	return most
}

// FarthestInRange is Farthest of whole blocks without samples that had to be clamped: nonsense has coefficients that no picture has,
// which overflow here and there in other ways.
func FarthestInRange(a, b plane.Plane) int {
	if a.Width != b.Width || a.Height != b.Height {
		return 256
	}
	most := 0
	for y := 0; y+8 <= a.Height; y += 8 {
		for x := 0; x+8 <= a.Width; x += 8 {
			p, q := block(a, x, y), block(b, x, y)
			if !clamped(p) && !clamped(q) {
				most = max(most, Farthest(p, q))
			}
		}
	}
	return most
}

func block(p plane.Plane, x, y int) plane.Plane {
	return plane.Plane{Pix: p.Pix[y*p.Stride+x:], Stride: p.Stride, Width: 8, Height: 8}
}

func clamped(p plane.Plane) bool {
	for y := range p.Height {
		if row := p.Row(y); slices.Min(row) == 0 || slices.Max(row) == 255 {
			return true
		}
	}
	return false
}
