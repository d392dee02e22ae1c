package engine_test

import (
	"bytes"
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"image/jpeg"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
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
	sources["RGB"] = asRGB(testphotos.EncodeJPEG(grainy(testphotos.Scene(2500, 201, 5)), testphotos.Options{Sampling: testphotos.Full, Quality: 95}))
	for name, img := range drawn() {
		sources[name] = testphotos.EncodePNG(img, testphotos.Options{})
	}
	sources["PNG, P3, turned"] = testphotos.EncodePNG(grainy(testphotos.Scene(2700, 403, 4)), testphotos.Options{ICC: testphotos.DisplayP3(), Orientation: 6})
	for _, name := range slices.Sorted(maps.Keys(testphotos.Real()))[:2] {
		src := testphotos.Real()[name]
		img, err := jpeg.Decode(bytes.NewReader(src))
		if err != nil {
			t.Fatal(err)
		}
		sources["PNG of "+name] = testphotos.EncodePNG(img, testphotos.Options{})
	}
	job := engine.Standard()
	job.Quality = 100
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		src := sources[name]
		// In a drawn sky there is nothing but roundings, and those differ.
		least := 0.985
		if testphotos.Real()[strings.TrimPrefix(name, "PNG of ")] != nil {
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

// White on nothing is white, however soft its edge and whatever colour is stored where nothing is.
func TestNothingShowsThroughEdges(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 1500, 1100))
	for i := range 1500 * 1100 {
		x, y := i%1500-750, i/1500-550
		if soft := 500*500 - x*x - y*y; soft > 0 {
			white := byte(255)
			copy(img.Pix[4*i:], []byte{white, white, white, byte(min(255, soft/200))})
		}
	}
	each(t, func(t *testing.T, e engine.Engine) {
		for _, d := range must(t, e, testphotos.EncodePNG(img, testphotos.Options{})).Derivatives {
			for _, v := range luma(t, d).Pix {
				if v < 254 {
					t.Fatalf("derivative %s has %d of 255 in it", d.Name, v)
				}
			}
		}
	})
}

// drawn answers a picture in every way that a PNG may store it, with soft and with hard edges to where there is nothing.
func drawn() map[string]image.Image {
	scene := grainy(testphotos.Scene(2500, 201, 3))
	for y := range scene.Rect.Dy() {
		for x := range scene.Rect.Dx() {
			alpha := byte(255)
			switch {
			case (x-600)*(x-600)+(y-100)*(y-100) < 80*80:
				alpha = 0
			case x > 1800:
				alpha = byte((2500 - x) * 255 / 700)
			}
			scene.Pix[scene.PixOffset(x, y)+3] = alpha
		}
	}
	paper := image.NewNRGBA(scene.Rect)
	draw.Draw(paper, paper.Rect, image.White, image.Point{}, draw.Src)
	draw.Draw(paper, paper.Rect, scene, image.Point{}, draw.Over)
	all := map[string]image.Image{"PNG, transparent": scene, "PNG": paper}
	into := func(name string, to draw.Image, from image.Image) {
		draw.Draw(to, to.Bounds(), from, image.Point{}, draw.Src)
		all[name] = to
	}
	into("PNG, grey", image.NewGray(scene.Rect), paper)
	into("PNG, grey, 16 bits", image.NewGray16(scene.Rect), paper)
	into("PNG, 16 bits", image.NewRGBA64(scene.Rect), paper)
	into("PNG, transparent, 16 bits", image.NewNRGBA64(scene.Rect), scene)
	into("PNG, palette", image.NewPaletted(scene.Rect, append(palette.WebSafe, color.NRGBA{})), scene)
	return all
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
