package phash_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"testing"

	"github.com/disintegration/imaging"

	"filmgate.dev/pkg/testphotos"
	"filmgate.dev/services/processing/internal/phash"
)

func TestTheSamePictureIsNearAndOthersAreFar(t *testing.T) {
	var all []image.Image
	for _, src := range testphotos.Real() {
		img, err := jpeg.Decode(bytes.NewReader(src))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, img)
	}
	for i, img := range all {
		h := phash.Of(img)
		var poor bytes.Buffer
		if err := jpeg.Encode(&poor, img, &jpeg.Options{Quality: 10}); err != nil {
			t.Fatal(err)
		}
		again, err := jpeg.Decode(&poor)
		if err != nil {
			t.Fatal(err)
		}
		for what, same := range map[string]image.Image{
			"smaller": imaging.Fit(img, 320, 320, imaging.Lanczos), "compressed": again, "brighter": imaging.AdjustBrightness(img, 10), "softer": imaging.Blur(img, 2),
		} {
			if d := h.Distance(phash.Of(same)); d > 8 {
				t.Errorf("%s: %d bits differ", what, d)
			}
		}
		for _, other := range append(all[i+1:], imaging.FlipH(img)) {
			if d := h.Distance(phash.Of(other)); d < 12 {
				t.Errorf("two pictures differ by %d bits only", d)
			}
		}
	}
}

func TestNothingToSee(t *testing.T) {
	if h := phash.Of(imaging.New(10, 10, image.White.C)); h.Distance(0) > 40 {
		t.Errorf("%x", h)
	}
}
