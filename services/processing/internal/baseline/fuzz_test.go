package baseline

import (
	"bytes"
	"image"
	"image/jpeg"
	"math"
	"testing"

	"filmgate.dev/services/processing/internal/jpegscale"
	"filmgate.dev/services/processing/internal/plane"
)

// filled answers a plane of a size whose samples are those of data, again and again.
func filled(w, h int, data []byte) plane.Plane {
	p := plane.New(w, h)
	for i := range p.Pix {
		if len(data) > 0 {
			p.Pix[i] = data[i%len(data)]
		}
	}
	return p
}

// most answers how far a block can be from what it was, as the root of the sum of squares. The transform keeps that sum (its base is
// orthonormal), and each coefficient is off by half a step of its quantisation; then each of the 64 samples is rounded, by us, and by
// who decodes.
func (q *quantisation) most() float64 {
	sum := 0.0
	for _, v := range q.values {
		sum += float64(v) * float64(v) / 4
	}
	return math.Sqrt(sum)*1.01 + 8
}

// near fails where a block of a plane is further from another's than it can be.
func near(t *testing.T, who, what string, got, want plane.Plane, most float64) {
	t.Helper()
	if got.Width != want.Width || got.Height != want.Height {
		t.Fatalf("%s: %s is %d × %d, want %d × %d", who, what, got.Width, got.Height, want.Width, want.Height)
	}
	for y := 0; y < want.Height; y += 8 {
		for x := 0; x < want.Width; x += 8 {
			sum := 0.0
			for j := y; j < min(y+8, want.Height); j++ {
				for i := x; i < min(x+8, want.Width); i++ {
					d := float64(got.Row(j)[i]) - float64(want.Row(j)[i])
					sum += d * d
				}
			}
			if d := math.Sqrt(sum); d > most {
				t.Fatalf("%s: %s at %d, %d is %.1f away, at most %.1f are possible", who, what, x, y, d, most)
			}
		}
	}
}

// Whatever is written can be read by others and by ourselves, and is as near to what it was as the quantisation lets it be.
func FuzzEncode(f *testing.F) {
	f.Add([]byte{0, 255}, uint8(16), uint8(16), uint8(100))
	f.Add([]byte{0, 0, 0, 0, 255, 255, 255, 255}, uint8(17), uint8(9), uint8(80))
	f.Add([]byte("soft and hard, dark and bright"), uint8(1), uint8(1), uint8(1))
	f.Add([]byte{255, 255, 0, 255, 0, 0, 255}, uint8(63), uint8(40), uint8(95))
	f.Fuzz(func(t *testing.T, data []byte, width, height, quality uint8) {
		w, h, q := 1+int(width)%100, 1+int(height)%100, 1+int(quality)%100
		half := data[len(data)/3:]
		p := Picture{filled(w, h, data), filled((w+1)/2, (h+1)/2, half), filled((w+1)/2, (h+1)/2, half[len(half)/2:])}
		src, err := Encode(t.Context(), p, Options{Quality: q})
		if err != nil {
			t.Fatal(err)
		}
		img, err := jpeg.Decode(bytes.NewReader(src))
		if err != nil {
			t.Fatal(err)
		}
		y, ok := img.(*image.YCbCr)
		if !ok || y.SubsampleRatio != image.YCbCrSubsampleRatio420 {
			t.Fatalf("it became a %T", img)
		}
		of := func(pix []byte, stride, w, h int) plane.Plane {
			return plane.Plane{Pix: pix, Stride: stride, Width: w, Height: h}
		}
		theirs := []plane.Plane{of(y.Y, y.YStride, y.Rect.Dx(), y.Rect.Dy()), of(y.Cb, y.CStride, (w+1)/2, (h+1)/2), of(y.Cr, y.CStride, (w+1)/2, (h+1)/2)}
		opened, err := jpegscale.Open(src)
		if err != nil {
			t.Fatal(err)
		}
		ours, err := opened.Decode(t.Context(), []jpegscale.Scale{jpegscale.Full, jpegscale.Full, jpegscale.Full})
		if err != nil {
			t.Fatal(err)
		}
		tables := []quantisation{newQuantisation(&luma, q), newQuantisation(&chroma, q), newQuantisation(&chroma, q)}
		for i, want := range []plane.Plane{p.Y, p.Cb, p.Cr} {
			what := []string{"luma", "blue", "red"}[i]
			near(t, "the standard library", what, theirs[i], want, tables[i].most())
			near(t, "jpegscale", what, ours[i], want, tables[i].most())
		}
	})
}
