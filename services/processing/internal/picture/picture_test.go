package picture_test

import (
	"errors"
	"testing"

	"filmgate.dev/pkg/testphotos"
	"filmgate.dev/services/processing/internal/picture"
)

func TestHeader(t *testing.T) {
	o := testphotos.Options{Width: 300, Height: 200, Orientation: 8, ICC: testphotos.AdobeRGB(), Camera: testphotos.Studio()}
	for name, c := range map[string]struct {
		src        []byte
		format     picture.Format
		components int
		subsampled bool
	}{
		"jpeg": {testphotos.JPEG(o), picture.JPEG, 3, true},
		"full": {testphotos.JPEG(with(o, testphotos.Full)), picture.JPEG, 3, false},
		"grey": {testphotos.JPEG(with(o, testphotos.Gray)), picture.JPEG, 1, false},
		"cmyk": {testphotos.JPEG(with(o, testphotos.CMYK)), picture.JPEG, 4, false},
		"png":  {testphotos.PNG(o), picture.PNG, 3, false},
	} {
		info, err := picture.ReadHeader(c.src, int64(len(c.src)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if info.Format != c.format || info.Components != c.components || info.Subsampled != c.subsampled {
			t.Errorf("%s: %+v", name, info)
		}
		if w, h := info.Display(); w != 300 || h != 200 || info.Width != 200 || info.Height != 300 || info.Orientation != 8 {
			t.Errorf("%s: %d × %d, shown as %d × %d, orientation %d", name, info.Width, info.Height, w, h, info.Orientation)
		}
		if string(info.ICC) != string(o.ICC) || len(info.EXIF) == 0 {
			t.Errorf("%s: %d bytes of profile, %d of EXIF", name, len(info.ICC), len(info.EXIF))
		}
		if end, err := picture.Survey(c.src, info); err != nil || end != picture.EndMarked {
			t.Errorf("%s: end %v, %v", name, end, err)
		}
	}
}

func with(o testphotos.Options, s testphotos.Sampling) testphotos.Options {
	o.Sampling = s
	return o
}

// A header that arrives in pieces is read as soon as all of it is there, and says the same.
func TestHeaderInPieces(t *testing.T) {
	for _, src := range [][]byte{
		testphotos.JPEG(testphotos.Options{Width: 90, Height: 60, ICC: make([]byte, 150000)}),
		testphotos.PNG(testphotos.Options{Width: 90, Height: 60, ICC: testphotos.DisplayP3()}),
	} {
		whole, err := picture.ReadHeader(src, int64(len(src)))
		if err != nil {
			t.Fatal(err)
		}
		for n := range whole.Pixels {
			if _, err := picture.ReadHeader(src[:n], int64(len(src))); !errors.Is(err, picture.ErrShort) {
				t.Fatalf("%d of %d bytes: %v", n, len(src), err)
			}
		}
		part, err := picture.ReadHeader(src[:whole.Pixels+8], int64(len(src)))
		if err != nil || part.Width != 90 || len(part.ICC) != len(whole.ICC) {
			t.Errorf("%+v, %v", part, err)
		}
	}
}

func TestEndlessHeader(t *testing.T) {
	src := testphotos.JPEG(testphotos.Options{})
	filler := append([]byte{0xFF, 0xE5, 0xFF, 0xFF}, make([]byte, 0xFFFD)...)
	head := src[:2:2]
	for len(head) < picture.MostHeader {
		head = append(head, filler...)
	}
	_, err := picture.ReadHeader(head, int64(len(head)+len(src)))
	if r := new(picture.Rejection); !errors.As(err, &r) || r.Code != picture.CodeTooLarge {
		t.Error(err)
	}
}

func FuzzHeader(f *testing.F) {
	o := testphotos.Options{Width: 16, Height: 8, Orientation: 3, Camera: testphotos.Studio(), ICC: testphotos.DisplayP3()}
	f.Add(testphotos.JPEG(o))
	f.Add(testphotos.PNG(o))
	f.Add(testphotos.ManyScans(70))
	f.Add(testphotos.Bomb()[:700])
	f.Add(testphotos.PNGBomb())
	f.Add(testphotos.TextNamedJPG())
	f.Fuzz(func(t *testing.T, data []byte) {
		info, err := picture.ReadHeader(data, int64(len(data)))
		if err != nil {
			if r := new(picture.Rejection); !errors.As(err, &r) || r.Code == "" || r.Message == "" {
				t.Fatalf("not a rejection: %v", err)
			}
			return
		}
		if info.Width < 1 || info.Height < 1 || info.Width > picture.MostSide || info.Height > picture.MostSide ||
			info.Orientation < 1 || info.Orientation > 8 || len(info.ICC) > picture.MostProfile || info.Pixels > len(data) {
			t.Fatalf("%+v", info)
		}
		if _, err := picture.Survey(data, info); err != nil && !errors.As(err, new(*picture.Rejection)) {
			t.Fatal(err)
		}
	})
}
