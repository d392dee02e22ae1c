//go:build amd64 || arm64

package plane

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// The kernels for this processor answer the same bytes as the portable ones.
func TestKernelsAgree(t *testing.T) {
	if !fast {
		t.Skip("this processor has none")
	}
	defer func() { fast = true }()
	rapid.Check(t, func(t *rapid.T) {
		p := noise(t)
		w, h := rapid.IntRange(1, 400).Draw(t, "to width"), rapid.IntRange(1, 60).Draw(t, "to height")
		area := Area{X1: float64(p.Width), Y1: float64(p.Height)}
		if rapid.Bool().Draw(t, "mirrored") {
			area.X0, area.X1 = area.X1, -1.5
		}
		fast = true
		quick, err := Resize(t.Context(), p, area, w, h)
		if err != nil {
			t.Fatal(err)
		}
		fast = false
		slow, err := Resize(t.Context(), p, area, w, h)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(quick.Pix, slow.Pix) {
			t.Fatal("they differ")
		}
	})
}
