package picture_test

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	_ "image/png"
	"slices"
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

// However plain a picture is, its blocks and its rows take some bytes. With fewer it was cut, and nobody has to decode it.
func TestTooFewBytes(t *testing.T) {
	for name, c := range map[string]struct {
		src []byte
		cut int // what there must be at least
	}{
		"jpeg":  {src: testphotos.EncodeJPEG(image.NewGray(image.Rect(0, 0, 1600, 1600)), testphotos.Options{Sampling: testphotos.Gray}), cut: 200 * 200 / 4},
		"4:2:0": {src: testphotos.EncodeJPEG(image.NewNRGBA(image.Rect(0, 0, 1600, 1600)), testphotos.Options{}), cut: 200 * 200 / 4 * 3 / 2},
		"png":   {src: testphotos.EncodePNG(image.NewNRGBA(image.Rect(0, 0, 1600, 1600)), testphotos.Options{}), cut: 1600 * 1600 * 4 / 1032},
	} {
		info, err := picture.ReadHeader(c.src, int64(len(c.src)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		head := c.src[:info.Pixels+64]
		if _, err := picture.ReadHeader(head, int64(info.Pixels+c.cut)); err != nil {
			t.Errorf("%s: %d bytes may be enough: %v", name, c.cut, err)
		}
		_, err = picture.ReadHeader(head, int64(info.Pixels+c.cut-1))
		if r := new(picture.Rejection); !errors.As(err, &r) || r.Code != picture.CodeTruncated {
			t.Errorf("%s: %d bytes are not enough: %v", name, c.cut-1, err)
		}
	}
}

// 0xFF 0x00 between segments is no marker to any decoder, so it must be none here: the header behind it is the picture's.
func TestStuffingIsNoSegment(t *testing.T) {
	src := testphotos.JPEG(testphotos.Options{Width: 90, Height: 60})
	frame := bytes.Index(src, []byte{0xFF, 0xC0})
	hidden := bytes.Clone(src[frame : frame+19])
	hidden[6], hidden[8] = 61, 91
	hidden = append(hidden, 0xFF, 0xE5, 0, 2+19) // what passes over the other header
	src = slices.Concat(src[:frame], []byte{0xFF, 0x00, 0, byte(2 + len(hidden))}, hidden, src[frame:])
	config, err := jpeg.DecodeConfig(bytes.NewReader(src))
	if err != nil {
		t.Fatal(err)
	}
	info, err := picture.ReadHeader(src, int64(len(src)))
	if err != nil || info.Width != config.Width || info.Height != config.Height || config.Width != 91 {
		t.Errorf("%d × %d, %v; decoders see %d × %d", info.Width, info.Height, err, config.Width, config.Height)
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
		// What is weighed must be what is decoded.
		config, _, err := image.DecodeConfig(bytes.NewReader(data))
		if err == nil && (config.Width != info.Width || config.Height != info.Height) {
			t.Fatalf("%d × %d to the standard library, %d × %d here", config.Width, config.Height, info.Width, info.Height)
		}
		if _, err := picture.Survey(data, info); err != nil && !errors.As(err, new(*picture.Rejection)) {
			t.Fatal(err)
		}
	})
}
