package engine_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/disintegration/imaging"
	"pgregory.net/rapid"

	"filmgate.dev/pkg/testphotos"
	"filmgate.dev/services/processing/internal/engine"
	"filmgate.dev/services/processing/internal/exif"
	"filmgate.dev/services/processing/internal/picture"
)

// engines are held to the same tests.
func engines() []engine.Engine {
	all := []engine.Engine{engine.Imaging{}, engine.Planar{}}
	if e := engine.Fastest(); e.Name() != "planar" { // a tag has built another one in
		all = append(all, e)
	}
	return all
}

// each runs a test on every engine.
func each(t *testing.T, test func(t *testing.T, e engine.Engine)) {
	for _, e := range engines() {
		t.Run(e.Name(), func(t *testing.T) { test(t, e) })
	}
}

func process(ctx context.Context, e engine.Engine, src []byte) (engine.Result, error) {
	info, err := e.Probe(ctx, src, int64(len(src)))
	if err != nil {
		return engine.Result{}, err
	}
	return e.Process(ctx, src, info, engine.Standard())
}

func must(t testing.TB, e engine.Engine, src []byte) engine.Result {
	t.Helper()
	result, err := process(t.Context(), e, src)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func decoded(t testing.TB, d engine.Derivative) image.Image {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(d.JPEG))
	if err != nil {
		t.Fatalf("derivative %s: %v", d.Name, err)
	}
	if ycc, ok := img.(*image.YCbCr); !ok || ycc.SubsampleRatio != image.YCbCrSubsampleRatio420 {
		t.Errorf("derivative %s is not 4:2:0", d.Name)
	}
	return img
}

// distance answers the mean difference of two pictures of the same size, in steps of 255.
func distance(a, b image.Image) float64 {
	x, y := imaging.Clone(a), imaging.Clone(b)
	if x.Rect != y.Rect {
		return 255
	}
	var sum float64
	for i := range x.Pix {
		d := float64(x.Pix[i]) - float64(y.Pix[i])
		sum += max(d, -d)
	}
	return sum / float64(len(x.Pix)) * 4 / 3
}

func TestEveryOrientationEndsUpright(t *testing.T) {
	const w, h = 480, 320
	for _, e := range engines() {
		for orientation := 1; orientation <= 8; orientation++ {
			o := testphotos.Options{Width: w, Height: h, Orientation: orientation, Seed: 2}
			for kind, src := range map[string][]byte{"jpeg": testphotos.JPEG(o), "png": testphotos.PNG(o)} {
				result := must(t, e, src)
				if im := result.Image; im.Orientation != orientation || im.DisplayWidth != w || im.DisplayHeight != h {
					t.Errorf("%s %d: image %+v", kind, orientation, im)
				}
				for _, d := range result.Derivatives {
					img := decoded(t, d)
					if img.Bounds().Dx() != d.Width || img.Bounds().Dy() != d.Height || d.Width < d.Height {
						t.Errorf("%s %d: derivative %s is %v and says %d × %d", kind, orientation, d.Name, img.Bounds(), d.Width, d.Height)
					}
					if !testphotos.Upright(img) {
						t.Errorf("%s %d: derivative %s does not stand upright", kind, orientation, d.Name)
					}
					want := imaging.Resize(testphotos.Scene(w, h, 2), d.Width, d.Height, imaging.Lanczos)
					if diff := distance(img, want); diff > 6 {
						t.Errorf("%s %d: derivative %s is %.1f steps away from the scene", kind, orientation, d.Name, diff)
					}
				}
			}
		}
	}
}

func flat(c color.NRGBA) *image.NRGBA { return imaging.New(400, 300, c) }

func TestColoursEndAsSRGB(t *testing.T) {
	opaque := func(r, g, b uint8) color.NRGBA { return color.NRGBA{r, g, b, 255} }
	given := opaque(200, 80, 60)
	for _, e := range engines() {
		for name, c := range map[string]struct {
			src     []byte
			want    color.NRGBA
			profile string
			warning string
		}{
			"no profile":  {testphotos.EncodeJPEG(flat(given), testphotos.Options{}), given, "sRGB", ""},
			"sRGB":        {testphotos.EncodeJPEG(flat(given), testphotos.Options{ICC: testphotos.SRGB()}), given, "sRGB IEC61966-2.1", ""},
			"Adobe RGB":   {testphotos.EncodeJPEG(flat(given), testphotos.Options{ICC: testphotos.AdobeRGB(), Sampling: testphotos.Full}), opaque(230, 79, 56), "Adobe RGB (1998)", "not_srgb"},
			"Display P3":  {testphotos.EncodeJPEG(flat(given), testphotos.Options{ICC: testphotos.DisplayP3()}), opaque(216, 69, 50), "Display P3", "not_srgb"},
			"PNG P3":      {testphotos.EncodePNG(flat(given), testphotos.Options{ICC: testphotos.DisplayP3()}), opaque(216, 69, 50), "Display P3", "not_srgb"},
			"CMYK":        {testphotos.EncodeJPEG(flat(given), testphotos.Options{Sampling: testphotos.CMYK}), given, "CMYK", "cmyk"},
			"grey":        {testphotos.EncodeJPEG(flat(opaque(90, 90, 90)), testphotos.Options{Sampling: testphotos.Gray}), opaque(90, 90, 90), "sRGB", ""},
			"odd profile": {testphotos.EncodeJPEG(flat(given), testphotos.Options{ICC: []byte(strings.Repeat("x", 300))}), given, "unknown", "profile_ignored"},
			"half clear":  {testphotos.EncodePNG(flat(color.NRGBA{0, 0, 0, 128}), testphotos.Options{}), opaque(127, 127, 127), "sRGB", ""},
			"all clear":   {testphotos.EncodePNG(flat(color.NRGBA{255, 0, 0, 0}), testphotos.Options{}), opaque(255, 255, 255), "sRGB", ""},
		} {
			result := must(t, e, c.src)
			if result.Image.ColorProfile != c.profile {
				t.Errorf("%s: profile %q, want %q", name, result.Image.ColorProfile, c.profile)
			}
			warned := ""
			for _, w := range result.Warnings {
				if w.Code != "low_resolution" {
					warned = w.Code
				}
			}
			if warned != c.warning {
				t.Errorf("%s: warning %q, want %q", name, warned, c.warning)
			}
			for _, d := range result.Derivatives {
				got := color.NRGBAModel.Convert(decoded(t, d).At(d.Width/2, d.Height/2)).(color.NRGBA)
				if distance(flat(got), flat(c.want)) > 2 {
					t.Errorf("%s: derivative %s is %v, want %v", name, d.Name, got, c.want)
				}
			}
		}
	}
}

func TestSizes(t *testing.T) {
	each(t, func(t *testing.T, e engine.Engine) {
		for _, c := range []struct {
			w, h int
			want string // name:long edge, largest first
		}{
			{2500, 100, "2048:2048 1280:1280 640:640 320:320"},
			{2048, 100, "2048:2048 1280:1280 640:640 320:320"},
			{100, 2000, "2048:2000 1280:1280 640:640 320:320"},
			{1280, 100, "1280:1280 640:640 320:320"},
			{700, 500, "1280:700 640:640 320:320"},
			{321, 20, "640:321 320:320"},
			{320, 320, "320:320"},
			{200, 300, "320:300"},
			{1, 1, "320:1"},
		} {
			result := must(t, e, testphotos.JPEG(testphotos.Options{Width: c.w, Height: c.h}))
			var got []string
			for _, d := range result.Derivatives {
				got = append(got, d.Name+":"+strconv.Itoa(max(d.Width, d.Height)))
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%d × %d: %v, want %s", c.w, c.h, got, c.want)
			}
		}
	})
}

func TestDerivativesAreNeverLarger(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := testphotos.Options{
			Width: rapid.IntRange(1, 400).Draw(t, "width"), Height: rapid.IntRange(1, 400).Draw(t, "height"),
			Orientation: rapid.IntRange(0, 9).Draw(t, "orientation"), Sampling: testphotos.Sampling(rapid.IntRange(0, 3).Draw(t, "sampling")),
		}
		src := testphotos.JPEG(o)
		if rapid.Bool().Draw(t, "png") {
			o.Transparent = true
			src = testphotos.PNG(o)
		}
		result, err := process(context.Background(), rapid.SampledFrom(engines()).Draw(t, "engine"), src)
		if err != nil {
			t.Fatal(err)
		}
		if len(result.Derivatives) == 0 {
			t.Fatal("no derivative")
		}
		for _, d := range result.Derivatives {
			edge, err := strconv.Atoi(d.Name)
			if err != nil || d.Width > o.Width || d.Height > o.Height || max(d.Width, d.Height) != min(edge, max(o.Width, o.Height)) {
				t.Fatalf("%d × %d gave %s of %d × %d", o.Width, o.Height, d.Name, d.Width, d.Height)
			}
		}
	})
}

func TestDerivativesKeepTheOwnerAndNothingElse(t *testing.T) {
	each(t, func(t *testing.T, e engine.Engine) {
		o := testphotos.Options{
			Width: 800, Height: 600, Orientation: 6, Artist: "Jane Roe", Copyright: "© 2026 Jane Roe", GPS: true,
			Camera: testphotos.Studio(), TakenAt: time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC), ICC: testphotos.AdobeRGB(),
		}
		result := must(t, e, testphotos.JPEG(o))
		if !result.EXIF.HasGPS || result.EXIF.CameraSerial != "0042" || result.EXIF.TakenAt == nil {
			t.Errorf("exif %+v", result.EXIF)
		}
		for _, d := range result.Derivatives {
			info, err := picture.ReadHeader(d.JPEG, int64(len(d.JPEG)))
			if err != nil {
				t.Fatal(err)
			}
			facts := exif.Read(info.EXIF)
			if facts.Artist != o.Artist || facts.Copyright != o.Copyright {
				t.Errorf("derivative %s: artist %q, copyright %q", d.Name, facts.Artist, facts.Copyright)
			}
			if facts.HasGPS || facts.CameraMake != "" || facts.TakenAt != nil || info.Orientation != 1 || info.ICC != nil {
				t.Errorf("derivative %s keeps more than the owner: %+v", d.Name, facts)
			}
		}
	})
}

func TestRealPhotos(t *testing.T) {
	each(t, func(t *testing.T, e engine.Engine) {
		for name, src := range testphotos.Real() {
			result := must(t, e, src)
			original, err := jpeg.Decode(bytes.NewReader(src))
			if err != nil {
				t.Fatal(err)
			}
			if n := len(result.Image.Placeholder); n < 20 || n > 36 {
				t.Errorf("%s: placeholder %q", name, result.Image.Placeholder)
			}
			for _, d := range result.Derivatives {
				want := imaging.Resize(original, d.Width, d.Height, imaging.Lanczos)
				if diff := distance(decoded(t, d), want); diff > 4 {
					t.Errorf("%s: derivative %s is %.1f steps away", name, d.Name, diff)
				}
			}
		}
	})
}

// A photo that lost nothing but its last two bytes is used; one that lost pixels is not.
func TestMissingEnd(t *testing.T) {
	each(t, func(t *testing.T, e engine.Engine) {
		whole := testphotos.JPEG(testphotos.Options{Width: 1300, Height: 300})
		result := must(t, e, whole[:len(whole)-2])
		if len(result.Warnings) != 1 || result.Warnings[0].Code != "damaged_ending" || result.Integrity != "truncated" {
			t.Errorf("warnings %+v", result.Warnings)
		}
		for _, cut := range []int{len(whole) / 4, len(whole) / 2, len(whole) - 3000} {
			_, err := process(t.Context(), e, whole[:cut])
			if r := new(picture.Rejection); !errors.As(err, &r) || r.Code != picture.CodeTruncated {
				t.Errorf("cut at %d of %d: %v", cut, len(whole), err)
			}
		}
	})
}

func TestProcessStopsWithItsContext(t *testing.T) {
	each(t, func(t *testing.T, e engine.Engine) {
		src := testphotos.JPEG(testphotos.Options{Width: 300, Height: 300})
		info, err := e.Probe(t.Context(), src, int64(len(src)))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := e.Process(ctx, src, info, engine.Standard()); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}
