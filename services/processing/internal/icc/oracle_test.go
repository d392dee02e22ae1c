package icc_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"filmgate.dev/pkg/testphotos"
	"filmgate.dev/services/processing/internal/icc"
	"filmgate.dev/services/processing/internal/plane"
)

// Over the whole cube of colours we are where Little CMS 2 is, as far as an eye can tell: ΔE2000 is 1 for what is just seen.
func TestColoursAreThoseOfLittleCMS(t *testing.T) {
	if _, err := exec.LookPath("transicc"); err != nil {
		t.Fatal("transicc is missing; `make setup` installs it")
	}
	var cube []color.NRGBA
	const step = 15
	for r := 0; r < 256; r += step {
		for g := 0; g < 256; g += step {
			for b := 0; b < 256; b += step {
				cube = append(cube, color.NRGBA{uint8(r), uint8(g), uint8(b), 255})
			}
		}
	}
	for name, data := range map[string][]byte{"Adobe RGB": testphotos.AdobeRGB(), "Display P3": testphotos.DisplayP3(), "ProPhoto RGB": testphotos.ProPhoto()} {
		profile, err := icc.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		transform := profile.ToSRGB()
		wanted := oracle(t, data, cube)
		pixels := image.NewNRGBA(image.Rect(0, 0, len(cube), 1))
		for i, c := range cube {
			pixels.SetNRGBA(i, 0, c)
		}
		transform.Apply(pixels)
		got := func(i int) [3]float64 {
			c := pixels.NRGBAAt(i, 0)
			return [3]float64{float64(c.R), float64(c.G), float64(c.B)}
		}
		compare(t, name, cube, got, wanted, 1, 3)

		// As luma and chroma, in which JPEG has them, each colour is rounded twice more: once on the way in, once on the way out.
		planes := [3]plane.Plane{plane.New(len(cube), 1), plane.New(len(cube), 1), plane.New(len(cube), 1)}
		rounded := make([]color.NRGBA, len(cube))
		for i, c := range cube {
			y, cb, cr := color.RGBToYCbCr(c.R, c.G, c.B)
			planes[0].Pix[i], planes[1].Pix[i], planes[2].Pix[i] = y, cb, cr
			r, g, b := color.YCbCrToRGB(y, cb, cr)
			rounded[i] = color.NRGBA{r, g, b, 255}
		}
		transform.Planes(&planes)
		got = func(i int) [3]float64 {
			r, g, b := color.YCbCrToRGB(planes[0].Pix[i], planes[1].Pix[i], planes[2].Pix[i])
			return [3]float64{float64(r), float64(g), float64(b)}
		}
		compare(t, name+" in planes", rounded, got, oracle(t, data, rounded), 1, 3)
	}
}

func compare(t *testing.T, name string, given []color.NRGBA, got func(int) [3]float64, wanted [][3]float64, mean, most float64) {
	t.Helper()
	var sum, worst float64
	var at int
	for i := range given {
		d := deltaE(lab(got(i)), lab(wanted[i]))
		if sum += d; d > worst {
			worst, at = d, i
		}
	}
	t.Logf("%s: ΔE2000 %.3f in the mean, %.2f at most (%v)", name, sum/float64(len(given)), worst, given[at])
	if sum/float64(len(given)) > mean || worst > most {
		t.Errorf("%s: %v became %v, want %v", name, given[at], got(at), wanted[at])
	}
}

// oracle answers what Little CMS makes of colours, in sRGB from 0 to 255.
func oracle(t *testing.T, profile []byte, colours []color.NRGBA) [][3]float64 {
	t.Helper()
	path := filepath.Join(t.TempDir(), "profile.icc")
	if err := os.WriteFile(path, profile, 0o600); err != nil {
		t.Fatal(err)
	}
	var in bytes.Buffer
	for _, c := range colours {
		fmt.Fprintln(&in, c.R, c.G, c.B)
	}
	cmd := exec.CommandContext(t.Context(), "transicc", "-n", "-s", "-c0", "-t1", "-i"+path, "-o*sRGB")
	cmd.Stdin = &in
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all [][3]float64
	for line := range bytes.Lines(out) {
		var v [3]float64
		if n, _ := fmt.Sscan(string(line), &v[0], &v[1], &v[2]); n == 3 {
			all = append(all, v)
		}
	}
	if len(all) != len(colours) {
		t.Fatalf("transicc answered %d of %d colours", len(all), len(colours))
	}
	return all
}

// lab answers a colour of sRGB in CIELAB under D65.
func lab(c [3]float64) [3]float64 {
	var l [3]float64
	for i, v := range c {
		if v /= 255; v <= 0.04045 {
			l[i] = v / 12.92
		} else {
			l[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	f := func(t float64) float64 {
		if t > 216.0/24389 {
			return math.Cbrt(t)
		}
		return (24389.0/27*t + 16) / 116
	}
	x := f((0.4124564*l[0] + 0.3575761*l[1] + 0.1804375*l[2]) / 0.95047)
	y := f(0.2126729*l[0] + 0.7151522*l[1] + 0.0721750*l[2])
	z := f((0.0193339*l[0] + 0.1191920*l[1] + 0.9503041*l[2]) / 1.08883)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

// deltaE is CIEDE2000, as Sharma, Wu and Dalal write it down (Color Research and Application 30/1, 2005).
func deltaE(a, b [3]float64) float64 {
	rad := func(deg float64) float64 { return deg * math.Pi / 180 }
	mean := (math.Hypot(a[1], a[2]) + math.Hypot(b[1], b[2])) / 2
	g := 0.5 * (1 - math.Sqrt(math.Pow(mean, 7)/(math.Pow(mean, 7)+math.Pow(25, 7))))
	a1, b1 := a[1]*(1+g), b[1]*(1+g)
	c1, c2 := math.Hypot(a1, a[2]), math.Hypot(b1, b[2])
	hue := func(x, y float64) float64 {
		if x == 0 && y == 0 {
			return 0
		}
		return math.Mod(math.Atan2(y, x)*180/math.Pi+360, 360)
	}
	h1, h2 := hue(a1, a[2]), hue(b1, b[2])
	dh, h := h2-h1, (h1+h2)/2
	switch {
	case c1*c2 == 0:
		dh, h = 0, h1+h2
	case dh > 180:
		dh -= 360
		h += map[bool]float64{true: 180, false: -180}[h1+h2 < 360]
	case dh < -180:
		dh += 360
		h += map[bool]float64{true: 180, false: -180}[h1+h2 < 360]
	}
	dl, dc, dH := b[0]-a[0], c2-c1, 2*math.Sqrt(c1*c2)*math.Sin(rad(dh/2))
	l, c := (a[0]+b[0])/2, (c1+c2)/2
	t := 1 - 0.17*math.Cos(rad(h-30)) + 0.24*math.Cos(rad(2*h)) + 0.32*math.Cos(rad(3*h+6)) - 0.20*math.Cos(rad(4*h-63))
	sl, sc, sh := 1+0.015*(l-50)*(l-50)/math.Sqrt(20+(l-50)*(l-50)), 1+0.045*c, 1+0.015*c*t
	rt := -2 * math.Sqrt(math.Pow(c, 7)/(math.Pow(c, 7)+math.Pow(25, 7))) * math.Sin(rad(60*math.Exp(-(h-275)/25*(h-275)/25)))
	return math.Sqrt(dl*dl/sl/sl + dc*dc/sc/sc + dH*dH/sh/sh + rt*dc/sc*dH/sh)
}

// The formula's authors give pairs to test it with; these are the treacherous ones.
func TestDeltaE(t *testing.T) {
	for _, c := range []struct {
		a, b [3]float64
		want float64
	}{
		{[3]float64{50, 2.6772, -79.7751}, [3]float64{50, 0, -82.7485}, 2.0425},
		{[3]float64{50, 0, 0}, [3]float64{50, -1, 2}, 2.3669},
		{[3]float64{50, 2.49, -0.001}, [3]float64{50, -2.49, 0.0009}, 7.1792},
		{[3]float64{50, 2.5, 0}, [3]float64{58, 24, 15}, 19.4535},
		{[3]float64{2.0776, 0.0795, -1.135}, [3]float64{0.9033, -0.0636, -0.5514}, 0.9082},
	} {
		if got := deltaE(c.a, c.b); math.Abs(got-c.want) > 0.0001 {
			t.Errorf("%v %v: %.4f, want %.4f", c.a, c.b, got, c.want)
		}
	}
}
