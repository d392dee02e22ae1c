package testphotos

import (
	"bytes"
	"image"
	"image/jpeg"
	"image/png"
	"testing"
	"time"
)

func TestMadePhotosDecode(t *testing.T) {
	for _, sampling := range []Sampling{Subsampled, Full, Gray, CMYK} {
		o := Options{
			Width: 201, Height: 133, Sampling: sampling, Orientation: 1, Camera: Studio(), GPS: true, Artist: "A. Photographer",
			TakenAt: time.Date(2026, 9, 14, 8, 30, 1, 250e6, time.FixedZone("", 7200)), ICC: AdobeRGB(),
		}
		img, err := jpeg.Decode(bytes.NewReader(JPEG(o)))
		if err != nil {
			t.Fatalf("sampling %d: %v", sampling, err)
		}
		if img.Bounds() != image.Rect(0, 0, 201, 133) {
			t.Errorf("sampling %d: %v", sampling, img.Bounds())
		}
		// The standard library leaves Adobe's inverted ink inverted or not by the marker; grey knows no red.
		if sampling != Gray && !Upright(img) {
			t.Errorf("sampling %d: no red rectangle in the upper left corner", sampling)
		}
	}
	img, err := png.Decode(bytes.NewReader(PNG(Options{Transparent: true, ICC: DisplayP3(), Orientation: 1})))
	if err != nil || !Upright(img) {
		t.Errorf("png: %v", err)
	}
}

// Upright must tell all eight orientations apart, or tests that lean on it prove nothing.
func TestUprightKnowsEveryOrientation(t *testing.T) {
	for orientation := 1; orientation <= 8; orientation++ {
		img, err := jpeg.Decode(bytes.NewReader(JPEG(Options{Orientation: orientation, Seed: 3})))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := Upright(img), orientation == 1; got != want {
			t.Errorf("orientation %d as stored: upright %v, want %v", orientation, got, want)
		}
	}
}

func TestSameOptionsSameBytes(t *testing.T) {
	o := Options{Seed: 5, Camera: Studio(), Artist: "A", Copyright: "C", Orientation: 6}
	if !bytes.Equal(JPEG(o), JPEG(o)) {
		t.Error("two calls made different photographs")
	}
	if o2 := o; !bytes.Equal(JPEG(o), JPEG(o2)) {
		t.Error("a copy of the options made another photograph")
	}
	o.Seed++
	if bytes.Equal(JPEG(o), JPEG(Options{Seed: 5})) {
		t.Error("another seed made the same photograph")
	}
}

func TestDamagedPhotosAreDamaged(t *testing.T) {
	for name, data := range map[string][]byte{"truncated": Truncated(), "text": TextNamedJPG(), "html": HTML()} {
		if _, err := jpeg.Decode(bytes.NewReader(data)); err == nil {
			t.Errorf("%s decodes", name)
		}
	}
	if c, err := jpeg.DecodeConfig(bytes.NewReader(Bomb())); err != nil || c.Width != 65500 || c.Height != 65500 {
		t.Errorf("bomb: %v %v", c, err)
	}
	if c, err := png.DecodeConfig(bytes.NewReader(PNGBomb())); err != nil || c.Width != 50000 {
		t.Errorf("png bomb: %v %v", c, err)
	}
}

func TestRealPhotos(t *testing.T) {
	photos := Real()
	if len(photos) != 3 {
		t.Fatalf("%d photos", len(photos))
	}
	for name, data := range photos {
		if len(data) > 60<<10 {
			t.Errorf("%s: %d bytes", name, len(data))
		}
		if _, err := jpeg.Decode(bytes.NewReader(data)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
