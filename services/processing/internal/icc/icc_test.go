package icc_test

import (
	"image"
	"image/color"
	"testing"

	"filmgate.dev/pkg/testphotos"
	"filmgate.dev/services/processing/internal/icc"
)

// The wanted values were computed with Little CMS 2 (relative colorimetric).
func TestKnownColours(t *testing.T) {
	for name, c := range map[string]struct {
		profile []byte
		colours [][2]color.NRGBA // given, wanted
	}{
		"Adobe RGB (1998)": {testphotos.AdobeRGB(), knownAdobeRGB()},
		"Display P3":       {testphotos.DisplayP3(), knownDisplayP3()},
	} {
		profile, err := icc.Parse(c.profile)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if profile.Description != name {
			t.Errorf("description %q, want %q", profile.Description, name)
		}
		transform := profile.ToSRGB()
		if transform == nil {
			t.Fatalf("%s: taken for sRGB", name)
		}
		for _, pair := range c.colours {
			img := image.NewNRGBA(image.Rect(0, 0, 1, 1))
			img.SetNRGBA(0, 0, pair[0])
			transform.Apply(img)
			if got := img.NRGBAAt(0, 0); !near(got, pair[1], 1) {
				t.Errorf("%s %v: got %v, want %v", name, pair[0], got, pair[1])
			}
		}
	}
}

func TestBuiltInAdobeRGBIsTheEmbeddedOne(t *testing.T) {
	embedded, err := icc.Parse(testphotos.AdobeRGB())
	if err != nil {
		t.Fatal(err)
	}
	one, other := image.NewNRGBA(image.Rect(0, 0, 256, 256)), image.NewNRGBA(image.Rect(0, 0, 256, 256))
	for i := range one.Pix {
		one.Pix[i] = uint8(i * 7 / 3)
	}
	copy(other.Pix, one.Pix)
	embedded.ToSRGB().Apply(one)
	icc.AdobeRGB().ToSRGB().Apply(other)
	for i := range one.Pix {
		if d := int(one.Pix[i]) - int(other.Pix[i]); d < -1 || d > 1 {
			t.Fatalf("byte %d: %d and %d", i, one.Pix[i], other.Pix[i])
		}
	}
}

func TestSRGBIsLeftAlone(t *testing.T) {
	profile, err := icc.Parse(testphotos.SRGB())
	if err != nil {
		t.Fatal(err)
	}
	if profile.ToSRGB() != nil {
		t.Error("sRGB would be converted")
	}
}

func TestBrokenProfilesAreRefused(t *testing.T) {
	good := testphotos.AdobeRGB()
	for length := range len(good) {
		if p, err := icc.Parse(good[:length]); err == nil && p.ToSRGB() == nil {
			t.Fatalf("the first %d bytes are taken for sRGB", length)
		}
	}
	cmyk := append([]byte(nil), good...)
	copy(cmyk[16:], "CMYK")
	if _, err := icc.Parse(cmyk); err == nil {
		t.Error("a printer's profile was accepted")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(testphotos.AdobeRGB())
	f.Add(testphotos.DisplayP3())
	f.Fuzz(func(t *testing.T, data []byte) {
		profile, err := icc.Parse(data)
		if err != nil {
			return
		}
		if transform := profile.ToSRGB(); transform != nil {
			transform.Apply(image.NewNRGBA(image.Rect(0, 0, 3, 2)))
		}
	})
}

func near(a, b color.NRGBA, tolerance int) bool {
	d := func(x, y uint8) bool { v := int(x) - int(y); return v >= -tolerance && v <= tolerance }
	return d(a.R, b.R) && d(a.G, b.G) && d(a.B, b.B) && a.A == b.A
}
