package engine_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"filmgate.dev/pkg/testphotos"
	"filmgate.dev/services/processing/internal/engine"
	"filmgate.dev/services/processing/internal/plane"
	"filmgate.dev/services/processing/internal/ssim"
)

// Whatever an engine leaves out, nobody sees: its derivatives are those of the reference.
func TestEnginesMakeTheSamePictures(t *testing.T) {
	sources := testphotos.Real()
	for name, o := range map[string]testphotos.Options{
		"4 of 8": {Width: 5001, Height: 351}, "5 of 8, 4:4:4": {Width: 3999, Height: 401, Sampling: testphotos.Full},
		"6 of 8, grey": {Width: 3301, Height: 301, Sampling: testphotos.Gray}, "turned": {Width: 401, Height: 2601, Orientation: 6},
		"mirrored": {Width: 1001, Height: 401, Orientation: 7}, "nothing to shrink": {Width: 1279, Height: 401, Orientation: 3},
		"CMYK": {Width: 1500, Height: 400, Sampling: testphotos.CMYK}, "Adobe RGB": {Width: 2801, Height: 403, ICC: testphotos.AdobeRGB()},
	} {
		o.Quality = 95
		sources[name] = testphotos.EncodeJPEG(grainy(testphotos.Scene(max(o.Width, o.Height), min(o.Width, o.Height), 3)), o)
	}
	job := engine.Standard()
	job.Quality = 100
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		src := sources[name]
		// In a drawn sky there is nothing but roundings, and those differ.
		least := 0.985
		if testphotos.Real()[name] != nil {
			least = 0.995
		}
		var made []engine.Result
		for _, e := range engines() {
			info, err := e.Probe(t.Context(), src, int64(len(src)))
			if err != nil {
				t.Fatal(err)
			}
			result, err := e.Process(t.Context(), src, info, job)
			if err != nil {
				t.Fatal(err)
			}
			made = append(made, result)
		}
		reference := made[0]
		for i, result := range made[1:] {
			for j, d := range result.Derivatives {
				got, err := ssim.Mean(luma(t, d), luma(t, reference.Derivatives[j]))
				if err != nil {
					t.Fatal(err)
				}
				if diff := distance(decoded(t, d), decoded(t, reference.Derivatives[j])); got < least || diff > 2 {
					t.Errorf("%s: %s of %s: SSIM %.4f, colours %.2f steps away", name, d.Name, engines()[i+1].Name(), got, diff)
				}
			}
		}
	}
}

// grainy adds what every sensor does.
func grainy(img *image.NRGBA) *image.NRGBA {
	random := rand.New(rand.NewPCG(1, 2))
	for i := range img.Pix {
		if i%4 != 3 {
			img.Pix[i] = uint8(max(0, min(255, float64(img.Pix[i])+4*random.NormFloat64())))
		}
	}
	return img
}

func luma(t testing.TB, d engine.Derivative) plane.Plane {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(d.JPEG))
	if err != nil {
		t.Fatal(err)
	}
	y := img.(*image.YCbCr)
	return plane.Plane{Pix: y.Y, Stride: y.YStride, Width: y.Rect.Dx(), Height: y.Rect.Dy()}
}
