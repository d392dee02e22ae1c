package palette_test

import (
	"image"
	"image/color"
	"testing"

	"github.com/disintegration/imaging"

	"filmgate.dev/services/processing/internal/palette"
)

func TestDominant(t *testing.T) {
	grey, red := color.NRGBA{120, 122, 121, 255}, color.NRGBA{220, 30, 40, 255}
	most := imaging.New(20, 20, grey)
	for name, c := range map[string]struct {
		img  *image.NRGBA
		want string
	}{
		"one colour":           {most, "#787a79"},
		"a strong one of 40 %": {imaging.Paste(most, imaging.New(20, 8, red), image.Point{}), "#dc1e28"},
		"a strong one of 20 %": {imaging.Paste(most, imaging.New(20, 4, red), image.Point{}), "#787a79"},
		"nothing":              {&image.NRGBA{}, ""},
	} {
		if got := palette.Dominant(c.img); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
