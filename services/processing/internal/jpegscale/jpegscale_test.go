package jpegscale_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"maps"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"filmgate.dev/pkg/testphotos"
	"filmgate.dev/services/processing/internal/jpegscale"
	"filmgate.dev/services/processing/internal/jpegtest"
	"filmgate.dev/services/processing/internal/plane"
)

// written answers pictures as libjpeg-turbo's cjpeg writes them, by its arguments: every sampling, sequential and progressive, with
// and without restarts.
func written(t testing.TB) map[string][]byte {
	t.Helper()
	all := make(map[string][]byte)
	for i, size := range []image.Point{{123, 77}, {64, 48}, {1, 1}, {17, 200}} {
		scene := testphotos.Scene(size.X, size.Y, uint64(i))
		for _, sample := range []string{"1x1", "2x1", "1x2", "2x2", "4x1", "2x2,1x2,1x1", "grey"} {
			for _, mode := range []string{"-baseline", "-progressive", "-restart 1B", "-progressive -restart 1", "-optimize -quality 100", "-quality 5"} {
				args := strings.Fields(mode)
				if sample == "grey" {
					args = append(args, "-grayscale")
				} else {
					args = append(args, "-sample", sample)
				}
				all[fmt.Sprintf("%dx%d %s", size.X, size.Y, strings.Join(args, " "))] = jpegtest.Written(t, scene, args...)
			}
		}
	}
	return all
}

func decode(ctx context.Context, src []byte, x, y int) ([]plane.Plane, error) {
	p, err := jpegscale.Open(src)
	if err != nil {
		return nil, err
	}
	scales := make([]jpegscale.Scale, len(p.Components))
	for i := range scales {
		scales[i] = jpegscale.Scale{X: x, Y: y}
	}
	return p.Decode(ctx, scales)
}

// reference answers the planes of the standard library.
func reference(src []byte) ([]plane.Plane, error) {
	img, err := jpeg.Decode(bytes.NewReader(src))
	if err != nil {
		return nil, err
	}
	switch img := img.(type) {
	case *image.Gray:
		return []plane.Plane{{Pix: img.Pix, Stride: img.Stride, Width: img.Rect.Dx(), Height: img.Rect.Dy()}}, nil
	case *image.YCbCr:
		w, h := img.Rect.Dx(), img.Rect.Dy()
		x, y := 1, 1
		switch img.SubsampleRatio {
		case image.YCbCrSubsampleRatio422:
			x = 2
		case image.YCbCrSubsampleRatio420:
			x, y = 2, 2
		case image.YCbCrSubsampleRatio440:
			y = 2
		case image.YCbCrSubsampleRatio411:
			x = 4
		case image.YCbCrSubsampleRatio410:
			x, y = 4, 2
		}
		c := func(pix []byte) plane.Plane {
			return plane.Plane{Pix: pix, Stride: img.CStride, Width: (w + x - 1) / x, Height: (h + y - 1) / y}
		}
		return []plane.Plane{{Pix: img.Y, Stride: img.YStride, Width: w, Height: h}, c(img.Cb), c(img.Cr)}, nil
	}
	return nil, fmt.Errorf("a %T", img)
}

// All decoders that follow T.81 agree, but for one step of rounding.
func TestFullScaleIsWhatOthersDecode(t *testing.T) {
	t.Parallel()
	compared := 0
	for name, src := range written(t) {
		got, err := decode(t.Context(), src, 8, 8)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want, err := reference(src)
		if err != nil {
			continue // the standard library does not know every sampling
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d planes, want %d", name, len(got), len(want))
			continue
		}
		compared++
		for i := range got {
			if d := jpegtest.Farthest(got[i], want[i]); d > 1 {
				t.Errorf("%s: plane %d differs by %d", name, i, d)
			}
		}
	}
	if compared < 120 {
		t.Errorf("only %d were compared", compared)
	}
}

// A small picture has the mean of each of its blocks; so every scale keeps the brightness of every place.
func TestScalesKeepTheMeans(t *testing.T) {
	src := testphotos.JPEG(testphotos.Options{Width: 160, Height: 96, Sampling: testphotos.Full, Quality: 95})
	full, err := decode(t.Context(), src, 8, 8)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range jpegscale.Scales {
		for _, y := range jpegscale.Scales {
			scaled, err := decode(t.Context(), src, x, y)
			if err != nil {
				t.Fatal(err)
			}
			for i, p := range scaled {
				if p.Width != 160*x/8 || p.Height != 96*y/8 {
					t.Fatalf("scale %d × %d: %d × %d", x, y, p.Width, p.Height)
				}
				for by := range 12 {
					for bx := range 20 {
						a, b := mean(full[i], 8*bx, 8*by, 8, 8), mean(p, x*bx, y*by, x, y)
						if max(a-b, b-a) > 4 { // where samples were clamped, means move
							t.Fatalf("scale %d × %d, plane %d, block %d %d: %.1f, want %.1f", x, y, i, bx, by, b, a)
						}
					}
				}
			}
		}
	}
}

func mean(p plane.Plane, x, y, w, h int) float64 {
	sum := 0
	for j := range h {
		for _, v := range p.Row(y + j)[x : x+w] {
			sum += int(v)
		}
	}
	return float64(sum) / float64(w*h)
}

// Progressive files are the same coefficients in another order: at each scale they are the same picture.
func TestProgressiveIsTheSamePicture(t *testing.T) {
	t.Parallel()
	all := written(t)
	for name, progressive := range all {
		if !strings.Contains(name, "-progressive -sample") {
			continue
		}
		sequential := all[strings.Replace(name, "-progressive", "-baseline", 1)]
		for _, s := range jpegscale.Scales {
			a, err := decode(t.Context(), progressive, s, s)
			if err != nil {
				t.Fatalf("%s at %d: %v", name, s, err)
			}
			b, err := decode(t.Context(), sequential, s, s)
			if err != nil {
				t.Fatalf("%s at %d: %v", name, s, err)
			}
			for i := range a {
				if d := jpegtest.Farthest(a[i], b[i]); d > 0 {
					t.Errorf("%s at %d: plane %d differs by %d", name, s, i, d)
				}
			}
		}
	}
}

func TestTruncated(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"-baseline", "-progressive", "-restart 1B"} {
		src := written(t)["123x77 "+mode+" -sample 2x2"]
		whole, err := decode(t.Context(), src, 8, 8)
		if err != nil {
			t.Fatal(err)
		}
		p, _ := jpegscale.Open(src)
		for _, keep := range []int{len(src) - 40, len(src) * 3 / 4} {
			got, err := decode(t.Context(), src[:keep], 8, 8)
			damage := new(jpegscale.Damage)
			if !errors.As(err, &damage) || !damage.Truncated {
				t.Fatalf("%s, %d of %d bytes: %v", mode, keep, len(src), err)
			}
			if len(got) != len(whole) {
				t.Fatalf("%s: no planes come with the damage", mode)
			}
			if p.Progressive {
				continue
			}
			if d := jpegtest.Farthest(plane.Plane{Pix: got[0].Pix, Stride: got[0].Stride, Width: 123, Height: 16}, plane.Plane{Pix: whole[0].Pix, Stride: whole[0].Stride, Width: 123, Height: 16}); d > 0 {
				t.Errorf("%s: the beginning differs by %d", mode, d)
			}
			if last := got[0].Row(76); last[122] != 128 {
				t.Errorf("%s: what is missing is not grey but %d", mode, last[122])
			}
		}
	}
}

// Damage ends at the next restart.
func TestRestartsLimitDamage(t *testing.T) {
	src := written(t)["123x77 -restart 1B -sample 1x1"]
	whole, err := decode(t.Context(), src, 8, 8)
	if err != nil {
		t.Fatal(err)
	}
	begin := bytes.LastIndex(src, []byte{0xFF, 0xDA})
	first, second := bytes.Index(src[begin:], []byte{0xFF, 0xD3}), bytes.Index(src[begin:], []byte{0xFF, 0xD4})
	hurt := bytes.Clone(src)
	for i := begin + first + 2; i < begin+second; i++ {
		hurt[i] = 0xFE
	}
	got, err := decode(t.Context(), hurt, 8, 8)
	if damage := new(jpegscale.Damage); !errors.As(err, &damage) || damage.Truncated {
		t.Fatalf("%v", err)
	}
	differ := 0
	for y := range 77 {
		if !bytes.Equal(got[0].Row(y), whole[0].Row(y)) {
			differ++
			if y/8 != 0 {
				t.Errorf("row %d differs", y)
			}
		}
	}
	if differ == 0 {
		t.Error("nothing differs")
	}
}

func TestDecodeStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, name := range []string{"-baseline", "-progressive"} {
		if planes, err := decode(ctx, written(t)["123x77 "+name+" -sample 2x2"], 8, 8); !errors.Is(err, context.Canceled) || planes != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRefused(t *testing.T) {
	small := testphotos.JPEG(testphotos.Options{Width: 20, Height: 20})
	frame := bytes.Index(small, []byte{0xFF, 0xC0})
	patched := func(at int, v byte) []byte {
		b := bytes.Clone(small)
		b[at] = v
		return b
	}
	for name, src := range map[string][]byte{
		"nothing": nil, "no picture": []byte("GIF89a.."), "only a start": {0xFF, 0xD8, 0xFF, 0xD9},
		"arithmetic code": patched(frame+1, 0xC9), "12 bits": patched(frame+4, 12), "no width": patched(frame+8, 0),
		"two components": patched(frame+9, 2), "a factor of 0": patched(frame+11, 0x02), "a factor of 5": patched(frame+11, 0x51),
		"table 9": patched(frame+12, 9), "CMYK": testphotos.JPEG(testphotos.Options{Width: 20, Height: 20, Sampling: testphotos.CMYK}),
	} {
		if _, err := decode(t.Context(), src, 8, 8); !errors.As(err, new(*jpegscale.Damage)) && !errors.As(err, new(*jpegscale.Unsupported)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever a stranger sends, planes or a reason come back.
func FuzzDecode(f *testing.F) {
	f.Add(testphotos.JPEG(testphotos.Options{Width: 40, Height: 24}), uint8(4))
	f.Add(testphotos.JPEG(testphotos.Options{Width: 17, Height: 9, Sampling: testphotos.Full}), uint8(8))
	f.Add(testphotos.JPEG(testphotos.Options{Width: 17, Height: 9, Sampling: testphotos.Gray}), uint8(5))
	f.Add(testphotos.ManyScans(5), uint8(2))
	f.Add(testphotos.Truncated()[:3000], uint8(1))
	for name, src := range written(f) {
		if strings.HasPrefix(name, "64x48") {
			f.Add(src, uint8(8))
		}
	}
	f.Fuzz(func(t *testing.T, src []byte, at uint8) {
		p, err := jpegscale.Open(src)
		if err != nil || p.Width*p.Height > 1<<18 || bytes.Count(src, []byte{0xFF, 0xDA}) > 64 {
			return
		}
		s := jpegscale.Scales[int(at)%len(jpegscale.Scales)]
		got, err := decode(t.Context(), src, s, s)
		if err != nil {
			if damage := new(jpegscale.Damage); !errors.As(err, &damage) && !errors.As(err, new(*jpegscale.Unsupported)) {
				t.Fatalf("neither planes nor a reason: %v", err)
			}
			return
		}
		for i, p := range got {
			if p.Width < 1 || p.Height < 1 || len(p.Pix) < (p.Height-1)*p.Stride+p.Width {
				t.Fatalf("plane %d is %d × %d", i, p.Width, p.Height)
			}
		}
		// Of a component that comes twice in a sequential file others take the second, which no camera writes and we do not read.
		if s == 8 && (p.Progressive || bytes.Count(src, []byte{0xFF, 0xDA}) <= len(got)) {
			agrees(t, src, got)
		}
	})
}

// agrees compares planes with those of the standard library and of libjpeg-turbo, where these two decode the picture alike: they read
// some damaged files otherwise, and coefficients that no picture has overflow in each of us in its own way.
func agrees(t *testing.T, src []byte, got []plane.Plane) {
	t.Helper()
	want, err := reference(src)
	if err != nil || len(want) != len(got) || jpegtest.FarthestInRange(got[0], want[0]) <= 1 {
		return
	}
	if pgm := grey(t, src); pgm != nil {
		theirs := last(pgm, got[0])
		if d := jpegtest.FarthestInRange(got[0], theirs); d > 1 && jpegtest.FarthestInRange(want[0], theirs) <= 1 {
			t.Fatalf("luma differs by %d from the standard library and by %d from libjpeg-turbo", jpegtest.FarthestInRange(got[0], want[0]), d)
		}
	}
}

// grey answers what djpeg makes of a file's luma, or nil where it finds something wrong.
func grey(t *testing.T, src []byte) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "djpeg", "-grayscale", "-dct", "int", "-pnm")
	cmd.Stdin = bytes.NewReader(src)
	var words bytes.Buffer
	cmd.Stderr = &words
	pgm, err := cmd.Output()
	if err != nil || words.Len() > 0 {
		return nil
	}
	return pgm
}

// last answers the samples that a file ends with, as a plane of another's size.
func last(pgm []byte, p plane.Plane) plane.Plane {
	if len(pgm) < p.Width*p.Height {
		return plane.Plane{}
	}
	return plane.Plane{Pix: pgm[len(pgm)-p.Width*p.Height:], Stride: p.Width, Width: p.Width, Height: p.Height}
}

// Files with a few wrong bytes, where libjpeg-turbo finds nothing to say about them, are the same pictures to us. (The standard library
// reads some of them otherwise.)
func TestNonsenseIsWhatLibjpegDecodes(t *testing.T) {
	t.Parallel()
	all := written(t)
	names := slices.Sorted(maps.Keys(all))
	random := rand.New(rand.NewPCG(7, 7))
	compared := 0
	for range 400 {
		name := names[random.IntN(len(names))]
		src := bytes.Clone(all[name])
		begin := bytes.Index(src, []byte{0xFF, 0xDA}) + 10
		for range 1 + random.IntN(3) {
			src[begin+random.IntN(max(1, len(src)-begin-2))] ^= 1 << random.IntN(8)
		}
		pgm := grey(t, src)
		if pgm == nil {
			continue
		}
		got, err := decode(t.Context(), src, 8, 8)
		if err != nil {
			continue // we look closer
		}
		compared++
		if d := jpegtest.FarthestInRange(got[0], last(pgm, got[0])); d > 1 {
			t.Errorf("%s: differs by %d", name, d)
		}
	}
	if compared < 50 {
		t.Errorf("only %d were compared", compared)
	}
}

func BenchmarkDecode(b *testing.B) {
	scene := testphotos.Scene(6000, 4000, 1)
	rgba := image.NewRGBA(scene.Rect)
	draw.Draw(rgba, rgba.Rect, scene, image.Point{}, draw.Src)
	var src bytes.Buffer
	if err := jpeg.Encode(&src, rgba, &jpeg.Options{Quality: 92}); err != nil {
		b.Fatal(err)
	}
	for _, s := range jpegscale.Scales {
		b.Run(fmt.Sprintf("%d of 8", s), func(b *testing.B) {
			b.SetBytes(int64(src.Len()))
			for b.Loop() {
				if _, err := decode(b.Context(), src.Bytes(), s, s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("standard library", func(b *testing.B) {
		b.SetBytes(int64(src.Len()))
		for b.Loop() {
			if _, err := jpeg.Decode(bytes.NewReader(src.Bytes())); err != nil {
				b.Fatal(err)
			}
		}
	})
}
