//go:build zxing && cgo

package codes

import (
	"testing"

	"filmgate.dev/services/processing/internal/codes/cardset"
)

// zxing-cpp reads by itself, and what it reads lies where it is.
func TestZXing(t *testing.T) {
	img, truth := cardset.Paint(cardset.Spec{
		Class: cardset.Two, Seed: 5, Codes: 2, CodeWidth: 700, Text: []string{"FIRST-42", "https://photos.example/c/ÄÖ"}, Level: "M", Yaw: 20, Turn: 100,
	})
	l := newLevel(Luma{Pix: img.Pix, Stride: img.Stride, Width: img.Rect.Dx(), Height: img.Rect.Dy()}).half()
	if got := zxing(l, 1); len(got) != 1 {
		t.Errorf("%d codes when one was asked for", len(got))
	}
	got := zxing(l, MostCodes)
	if len(got) != 2 {
		t.Fatalf("read %v", got)
	}
	for _, c := range got {
		want := truth[0]
		if c.Text != want.Text {
			want = truth[1]
		}
		middle := Point{X: (want.Corners[0].X + want.Corners[2].X) / 2, Y: (want.Corners[0].Y + want.Corners[2].Y) / 2}
		if c.Text != want.Text || !inside(c.Corners, middle) {
			t.Errorf("read %q at %v, want %q at %v", c.Text, c.Corners, want.Text, want.Corners)
		}
	}
	if got := zxing(&level{}, 1); got != nil {
		t.Errorf("read %v in nothing", got)
	}
}
