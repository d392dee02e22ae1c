//go:build turbo && cgo

package turbo_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"strings"
	"testing"

	"filmgate.dev/pkg/testphotos"
	"filmgate.dev/services/processing/internal/baseline"
	"filmgate.dev/services/processing/internal/jpegscale"
	"filmgate.dev/services/processing/internal/jpegtest"
	"filmgate.dev/services/processing/internal/plane"
	"filmgate.dev/services/processing/internal/turbo"
)

// both decodes with libjpeg-turbo and with jpegscale.
func both(ctx context.Context, src []byte) (theirs, ours []plane.Plane, err error) {
	p, err := jpegscale.Open(src)
	if err != nil {
		return nil, nil, err
	}
	if theirs, err = turbo.Decode(ctx, src, p); err != nil {
		return nil, nil, err
	}
	scales := make([]jpegscale.Scale, len(p.Components))
	for i := range scales {
		scales[i] = jpegscale.Full
	}
	ours, err = p.Decode(ctx, scales)
	return theirs, ours, err
}

var samplings = [][]string{{"-sample", "1x1"}, {"-sample", "2x1"}, {"-sample", "1x2"}, {"-sample", "2x2"}, {"-sample", "2x2,1x2,1x2"}, {"-grayscale"}}

// Two decoders that follow T.81 agree, but for one step of rounding, in whatever size and sampling.
func TestDecodesAsWeDo(t *testing.T) {
	for i, size := range []image.Point{{123, 77}, {64, 48}, {1, 1}, {2, 2}, {3, 9}, {17, 200}, {8, 24}, {200, 8}} {
		scene := testphotos.Scene(size.X, size.Y, uint64(i))
		for _, sampling := range samplings {
			for _, mode := range []string{"-baseline", "-restart 1B", "-optimize -quality 100", "-quality 5"} {
				args := append(strings.Fields(mode), sampling...)
				theirs, ours, err := both(t.Context(), jpegtest.Written(t, scene, args...))
				if err != nil {
					t.Errorf("%v %v: %v", size, args, err)
					continue
				}
				for i := range ours {
					if d := jpegtest.Farthest(theirs[i], ours[i]); d > 1 {
						t.Errorf("%v %v: plane %d differs by %d", size, args, i, d)
					}
				}
			}
		}
	}
	for name, src := range testphotos.Real() {
		theirs, ours, err := both(t.Context(), src)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i := range ours {
			if d := jpegtest.Farthest(theirs[i], ours[i]); d > 1 {
				t.Errorf("%s: plane %d differs by %d", name, i, d)
			}
		}
	}
}

// What it has something to say about, and what is not for it, is left to jpegscale.
func TestDeclines(t *testing.T) {
	scene := testphotos.Scene(200, 120, 1)
	plain, restarts := jpegtest.Written(t, scene, "-sample", "2x2"), jpegtest.Written(t, scene, "-restart", "1B")
	lost := bytes.Index(restarts, []byte{0xFF, 0xD3})
	for name, src := range map[string][]byte{
		"progressive":        jpegtest.Written(t, scene, "-progressive"),
		"a sampling of four": jpegtest.Written(t, scene, "-sample", "4x1"),
		"three samplings":    jpegtest.Written(t, scene, "-sample", "2x2,1x2,1x1"),
		"several scans":      testphotos.JPEG(testphotos.Options{Width: 200, Height: 120, Sampling: testphotos.Full}),
		"cut":                plain[:len(plain)*3/4],
		"no end":             plain[:len(plain)-2],
		"a lost restart":     append(bytes.Clone(restarts[:lost]), restarts[lost+2:]...),
		"something between":  append(append(bytes.Clone(plain[:len(plain)-2]), "something"...), 0xFF, 0xD9),
		"another frame":      append(bytes.Clone(plain[:len(plain)-2]), plain[2:]...),
	} {
		p, err := jpegscale.Open(src)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := turbo.Decode(t.Context(), src, p); !errors.Is(err, turbo.ErrDeclined) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The header that was read has to be that of the file.
func TestAnotherHeader(t *testing.T) {
	one, other := jpegtest.Written(t, testphotos.Scene(64, 48, 1)), jpegtest.Written(t, testphotos.Scene(640, 480, 1))
	p, err := jpegscale.Open(one)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := turbo.Decode(t.Context(), other, p); !errors.Is(err, turbo.ErrDeclined) {
		t.Errorf("%v", err)
	}
}

func TestStopsBeforeItBegins(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	src := jpegtest.Written(t, testphotos.Scene(64, 48, 1))
	if _, _, err := both(ctx, src); !errors.Is(err, context.Canceled) {
		t.Errorf("decoding: %v", err)
	}
	if _, err := turbo.Encode(ctx, made(64, 48), baseline.Options{Quality: 80}); !errors.Is(err, context.Canceled) {
		t.Errorf("encoding: %v", err)
	}
}

// made answers a picture of a scene.
func made(w, h int) baseline.Picture {
	planes := [3]plane.Plane{plane.New(w, h), plane.New((w+1)/2, (h+1)/2), plane.New((w+1)/2, (h+1)/2)}
	scene := testphotos.Scene(w, h, 4)
	for i := range planes {
		for y := range planes[i].Height {
			for x := range planes[i].Width {
				c := scene.NRGBAAt(min(x<<min(i, 1), w-1), min(y<<min(i, 1), h-1))
				planes[i].Row(y)[x] = [3]byte{c.G, c.R, c.B}[i]
			}
		}
	}
	return baseline.Picture{Y: planes[0], Cb: planes[1], Cr: planes[2]}
}

// Both encoders write the same tables, and nearly the same picture in nearly as many bytes; the segment is where it belongs.
func TestEncodesAsWeDo(t *testing.T) {
	segment := []byte("\xFF\xE1\x00\x0AExif\x00\x00!!")
	for _, size := range []image.Point{{1, 1}, {2, 1}, {1, 2}, {16, 16}, {17, 17}, {320, 213}, {213, 320}, {640, 427}, {633, 480}, {8, 24}} {
		for _, quality := range []int{1, 30, 80, 100} {
			p, o := made(size.X, size.Y), baseline.Options{Quality: quality, Segment: segment}
			theirs, err := turbo.Encode(t.Context(), p, o)
			if err != nil {
				t.Fatalf("%v: %v", size, err)
			}
			ours, err := baseline.Encode(t.Context(), p, o)
			if err != nil {
				t.Fatal(err)
			}
			if a, b := tables(theirs), tables(ours); !bytes.Equal(a, b) {
				t.Errorf("%v in quality %d: other tables\n%x\n%x", size, quality, a, b)
			}
			if at := bytes.Index(theirs, segment); at != bytes.Index(ours, segment) || at < 0 {
				t.Errorf("%v: the segment is at %d", size, at)
			}
			if d := len(theirs) - len(ours); max(d, -d) > 40+len(ours)/50 {
				t.Errorf("%v in quality %d: %d bytes, ours %d", size, quality, len(theirs), len(ours))
			}
			a, b := decoded(t, theirs), decoded(t, ours)
			most := map[int]int{1: 60, 30: 30, 80: 20, 100: 3}[quality]
			for i, from := range []plane.Plane{p.Y, p.Cb, p.Cr} {
				if a[i].Width != from.Width || a[i].Height != from.Height {
					t.Fatalf("%v: plane %d is of %d × %d", size, i, a[i].Width, a[i].Height)
				}
				if d := jpegtest.Farthest(a[i], b[i]); d > most {
					t.Errorf("%v in quality %d: plane %d differs by %d", size, quality, i, d)
				}
				if d := jpegtest.Farthest(a[i], from); quality == 100 && d > 3 {
					t.Errorf("%v: plane %d differs by %d from what was given", size, i, d)
				}
			}
		}
	}
}

// tables answers the quantisation tables, by component.
func tables(file []byte) (all []byte) {
	for len(file) > 4 {
		at := bytes.Index(file, []byte{0xFF, 0xDB})
		if at < 0 {
			return all
		}
		size := int(file[at+2])<<8 | int(file[at+3])
		all = append(all, file[at+4:at+2+size]...)
		file = file[at+2+size:]
	}
	return all
}

func decoded(t testing.TB, src []byte) []plane.Plane {
	t.Helper()
	p, err := jpegscale.Open(src)
	if err != nil {
		t.Fatal(err)
	}
	planes, err := p.Decode(t.Context(), []jpegscale.Scale{jpegscale.Full, jpegscale.Full, jpegscale.Full})
	if err != nil {
		t.Fatal(err)
	}
	return planes
}

func TestWhatCannotBeWritten(t *testing.T) {
	good := made(30, 20)
	for name, c := range map[string]struct {
		p       baseline.Picture
		quality int
	}{
		"no quality":   {good, 0},
		"small chroma": {baseline.Picture{Y: good.Y, Cb: plane.New(15, 9), Cr: good.Cr}, 80},
		"nothing":      {baseline.Picture{}, 80},
		"strides":      {baseline.Picture{Y: good.Y, Cb: good.Cb, Cr: plane.Plane{Pix: make([]byte, 400), Stride: 16, Width: 15, Height: 10}}, 80},
	} {
		if _, err := turbo.Encode(t.Context(), c.p, baseline.Options{Quality: c.quality}); err == nil {
			t.Errorf("%s was written", name)
		}
	}
}

// FuzzDifferential holds libjpeg-turbo against jpegscale: where both have nothing to say about a file it is the same picture.
func FuzzDifferential(f *testing.F) {
	scene := testphotos.Scene(64, 48, 1)
	for _, sampling := range samplings {
		for _, mode := range []string{"-baseline", "-restart 1B", "-optimize"} {
			f.Add(jpegtest.Written(f, scene, append(strings.Fields(mode), sampling...)...))
		}
	}
	f.Add(jpegtest.Written(f, testphotos.Scene(33, 7, 2)))
	f.Add(testphotos.JPEG(testphotos.Options{Width: 17, Height: 9}))
	f.Fuzz(func(t *testing.T, src []byte) {
		p, err := jpegscale.Open(src)
		if err != nil || p.Width*p.Height > 1<<18 {
			return
		}
		theirs, ours, err := both(t.Context(), src)
		if err != nil {
			if !errors.Is(err, turbo.ErrDeclined) && !errors.As(err, new(*jpegscale.Damage)) {
				t.Fatal(err)
			}
			return
		}
		for i := range ours {
			if d := jpegtest.FarthestInRange(theirs[i], ours[i]); d > 1 {
				t.Fatalf("plane %d differs by %d", i, d)
			}
		}
	})
}
