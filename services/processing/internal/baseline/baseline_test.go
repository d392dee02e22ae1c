package baseline

import (
	"bytes"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"filmgate.dev/pkg/testphotos"
	"filmgate.dev/services/processing/internal/plane"
)

// sampled answers a scene as planes.
func sampled(t testing.TB, w, h int) Picture {
	img, err := jpeg.Decode(bytes.NewReader(testphotos.JPEG(testphotos.Options{Width: w, Height: h, Quality: 95})))
	if err != nil {
		t.Fatal(err)
	}
	y := img.(*image.YCbCr)
	of := func(pix []byte, stride, w, h int) plane.Plane {
		return plane.Plane{Pix: pix, Stride: stride, Width: w, Height: h}
	}
	return Picture{of(y.Y, y.YStride, w, h), of(y.Cb, y.CStride, (w+1)/2, (h+1)/2), of(y.Cr, y.CStride, (w+1)/2, (h+1)/2)}
}

// What is written is as near to the samples as what the standard library's encoder makes of them.
func TestOthersReadIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(24, 200).Draw(t, "width"), rapid.IntRange(24, 200).Draw(t, "height") // in fewer samples one rounding is seen
		quality := rapid.IntRange(1, 100).Draw(t, "quality")
		img, err := jpeg.Decode(bytes.NewReader(testphotos.JPEG(testphotos.Options{Width: w, Height: h, Quality: 95})))
		if err != nil {
			t.Fatal(err)
		}
		y := img.(*image.YCbCr)
		of := func(pix []byte, stride, w, h int) plane.Plane {
			return plane.Plane{Pix: pix, Stride: stride, Width: w, Height: h}
		}
		p := Picture{of(y.Y, y.YStride, w, h), of(y.Cb, y.CStride, (w+1)/2, (h+1)/2), of(y.Cr, y.CStride, (w+1)/2, (h+1)/2)}
		ours, err := Encode(t.Context(), p, Options{Quality: quality})
		if err != nil {
			t.Fatal(err)
		}
		var theirs bytes.Buffer
		if err := jpeg.Encode(&theirs, y, &jpeg.Options{Quality: quality}); err != nil {
			t.Fatal(err)
		}
		got, err := jpeg.Decode(bytes.NewReader(ours))
		if err != nil {
			t.Fatal(err)
		}
		want, err := jpeg.Decode(&theirs)
		if err != nil {
			t.Fatal(err)
		}
		a, b := got.(*image.YCbCr), want.(*image.YCbCr)
		if a.Rect != b.Rect || a.SubsampleRatio != b.SubsampleRatio {
			t.Fatalf("%v, %v", a.Rect, a.SubsampleRatio)
		}
		var mine, other float64
		for j := range h {
			for i := range w {
				v := float64(y.Y[j*y.YStride+i])
				d, e := float64(a.Y[j*a.YStride+i])-v, float64(b.Y[j*b.YStride+i])-v
				mine, other = mine+d*d, other+e*e
			}
		}
		if n := float64(w * h); mine/n > 1.1*other/n+5 {
			t.Fatalf("%d × %d at %d: mean square %.2f, and %.2f of the standard library", w, h, quality, mine/n, other/n)
		}
	})
}

// The hardest pictures are noise of black and white: their coefficients are the largest that there are codes for.
func TestTheHardestPictures(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	p := Picture{Y: plane.New(256, 256), Cb: plane.New(128, 128), Cr: plane.New(128, 128)}
	for _, of := range []plane.Plane{p.Y, p.Cb, p.Cr} {
		for i := range of.Pix {
			switch i % of.Stride / 8 % 3 {
			case 0:
				of.Pix[i] = -byte(random.Uint32() & 1)
			case 1: // the frequencies that gather the most
				of.Pix[i] = -byte((i + 1) >> 1 & 1)
			default:
				of.Pix[i] = -byte((i/of.Stride + 1) >> 1 & 1)
			}
		}
	}
	src, err := Encode(t.Context(), p, Options{Quality: 100})
	if err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(bytes.NewReader(src))
	if err != nil {
		t.Fatal(err)
	}
	got := img.(*image.YCbCr)
	for i, v := range p.Y.Pix {
		if d := int(v) - int(got.Y[i/256*got.YStride+i%256]); d < -3 || d > 3 {
			t.Fatalf("sample %d is %d steps away", i, d)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	p := sampled(b, 2048, 1365)
	for b.Loop() {
		if _, err := Encode(b.Context(), p, Options{Quality: 80}); err != nil {
			b.Fatal(err)
		}
	}
}
