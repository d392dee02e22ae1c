package codes_test

import (
	"context"
	"errors"
	"image"
	"math"
	"strings"
	"testing"
	"time"

	"filmgate.dev/services/processing/internal/codes"
	"filmgate.dev/services/processing/internal/codes/cardset"
)

func luma(img *image.Gray) codes.Luma {
	return codes.Luma{Pix: img.Pix, Stride: img.Stride, Width: img.Rect.Dx(), Height: img.Rect.Dy()}
}

func find(t *testing.T, l codes.Luma) codes.Finding {
	t.Helper()
	found, err := codes.Find(context.Background(), l)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func plain(text string) cardset.Spec {
	return cardset.Spec{Class: cardset.Sharp, Seed: 3, Codes: 1, CodeWidth: 800, Text: []string{text}, Level: "M", Yaw: 10, Turn: 30, Noise: 1}
}

func TestTextsOfManyKinds(t *testing.T) {
	for _, text := range []string{"7", "0123456789", "ABC-123", "Zoë, 3b\nStraße 5", "姓名", "👩‍🎓"} {
		img, truth := cardset.Paint(plain(text))
		found := find(t, luma(img))
		if len(found.Codes) != 1 || found.Codes[0].Text != text || found.Unread {
			t.Errorf("%q: found %+v", text, found)
			continue
		}
		if !near(found.Codes[0].Corners, truth[0].Corners) {
			t.Errorf("%q: at %v, want %v", text, found.Codes[0].Corners, truth[0].Corners)
		}
	}
}

// What is no access code is not answered, but the card that carries it was seen.
func TestTextsThatAreNoCodes(t *testing.T) {
	for name, text := range map[string]string{"long": strings.Repeat("long ", 150), "control": "A\x00B"} {
		spec := plain(text)
		spec.CodeWidth, spec.Level = 1500, "L"
		img, _ := cardset.Paint(spec)
		if found := find(t, luma(img)); len(found.Codes) != 0 || !found.Unread {
			t.Errorf("%s: found %+v", name, found)
		}
	}
}

func TestEveryTurn(t *testing.T) {
	for turn := 0.0; turn < 360; turn += 45 {
		spec := plain("TURNED")
		spec.Turn = turn
		img, truth := cardset.Paint(spec)
		found := find(t, luma(img))
		if len(found.Codes) != 1 || !near(found.Codes[0].Corners, truth[0].Corners) {
			t.Errorf("%.0f°: found %+v, want it at %v", turn, found, truth[0].Corners)
		}
	}
}

// Two rings and the patterns between them stand for three.
func TestCoveredRing(t *testing.T) {
	for covered := range 3 {
		spec := plain("COVERED")
		spec.Level, spec.Turn = "H", 70*float64(covered)
		img, truth := cardset.Paint(spec)
		q := truth[0].Corners
		corner, across := q[[3]int{0, 1, 3}[covered]], q[[3]int{2, 3, 1}[covered]]
		const depth = 0.16 // of the diagonal, to the ring's middle
		cx, cy := (corner.X+depth*(across.X-corner.X))*cardset.Width, (corner.Y+depth*(across.Y-corner.Y))*cardset.Height
		radius := 0.15 * math.Hypot((across.X-corner.X)*cardset.Width, (across.Y-corner.Y)*cardset.Height)
		for y := range img.Rect.Dy() {
			for x := range img.Rect.Dx() {
				if math.Hypot(float64(x)-cx, float64(y)-cy) < radius {
					img.Pix[y*img.Stride+x] = 150
				}
			}
		}
		found := find(t, luma(img))
		if len(found.Codes) != 1 || found.Codes[0].Text != "COVERED" || !near(found.Codes[0].Corners, q) {
			t.Errorf("ring %d covered: found %+v", covered, found)
		}
	}
}

// A picture of 6,000 pixels gives what one of 3,000 gives, and so does one with rows that are longer than it is wide.
func TestSizesAndStrides(t *testing.T) {
	img, truth := cardset.Paint(plain("SIZED"))
	w, h := img.Rect.Dx(), img.Rect.Dy()
	large := codes.Luma{Pix: make([]byte, 4*w*h), Stride: 2 * w, Width: 2 * w, Height: 2 * h}
	wide := codes.Luma{Pix: make([]byte, (w+7)*h), Stride: w + 7, Width: w, Height: h}
	for y := range h {
		row := img.Pix[y*img.Stride:][:w]
		copy(wide.Pix[y*wide.Stride:], row)
		for x, v := range row {
			for i := range 4 {
				large.Pix[(2*y+i/2)*large.Stride+2*x+i%2] = v
			}
		}
	}
	for name, l := range map[string]codes.Luma{"large": large, "wide": wide} {
		found := find(t, l)
		if len(found.Codes) != 1 || found.Codes[0].Text != "SIZED" || !near(found.Codes[0].Corners, truth[0].Corners) {
			t.Errorf("%s: found %+v", name, found)
		}
	}
}

func TestMostCodes(t *testing.T) {
	// Six cards, two by three, each a picture of its own.
	const w, h = cardset.Width / 2, cardset.Height / 2
	sheet := image.NewGray(image.Rect(0, 0, 2*w, 3*h))
	for i, text := range []string{"ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX"} {
		spec := plain(text)
		spec.Seed = uint64(i)
		img, _ := cardset.Paint(spec)
		for y := range h {
			for x := range w {
				sheet.Pix[(i/2*h+y)*sheet.Stride+i%2*w+x] = img.Pix[2*y*img.Stride+2*x]
			}
		}
	}
	found := find(t, luma(sheet))
	if len(found.Codes) != codes.MostCodes {
		t.Fatalf("found %d codes, want %d", len(found.Codes), codes.MostCodes)
	}
	texts := map[string]bool{}
	for i, c := range found.Codes {
		texts[c.Text] = true
		if i > 0 && c.Corners[0].Y < found.Codes[i-1].Corners[0].Y-0.001 {
			t.Errorf("%q comes after %q, which is lower", c.Text, found.Codes[i-1].Text)
		}
	}
	if len(texts) != codes.MostCodes {
		t.Errorf("found the same twice: %v", found.Codes)
	}
}

func TestPlanesThatAreNone(t *testing.T) {
	for _, l := range []codes.Luma{
		{}, {Width: 10, Height: 10, Stride: 10}, {Pix: make([]byte, 99), Width: 10, Height: 10, Stride: 10},
		{Pix: make([]byte, 100), Width: 10, Height: 10, Stride: 9}, {Pix: make([]byte, 100), Width: -10, Height: -10, Stride: -10},
		{Pix: make([]byte, 100), Width: 10, Height: math.MaxInt, Stride: 10}, {Pix: make([]byte, 100), Width: 10, Height: 2, Stride: math.MaxInt},
	} {
		if found, err := codes.Find(context.Background(), l); err == nil || !strings.HasPrefix(err.Error(), "codes: ") {
			t.Errorf("%d × %d in rows of %d: %+v, %v", l.Width, l.Height, l.Stride, found, err)
		}
	}
	for _, size := range [][2]int{{1, 1}, {1, 3000}, {3000, 1}, {15, 15}, {16, 16}, {17, 400}, {100, 16}} {
		l := codes.Luma{Pix: make([]byte, size[0]*size[1]), Stride: size[0], Width: size[0], Height: size[1]}
		for i := range l.Pix {
			l.Pix[i] = byte(i * 97)
		}
		if found := find(t, l); len(found.Codes) > 0 {
			t.Errorf("%v: found %+v", size, found)
		}
	}
}

// Whoever stops waiting is answered at once, with what there is.
func TestStops(t *testing.T) {
	img, _ := cardset.Paint(plain("STOPPED"))
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if found, err := codes.Find(ctx, luma(img)); !errors.Is(err, context.Canceled) || len(found.Codes) > 0 {
		t.Errorf("found %+v, %v", found, err)
	}
	ctx, stop = context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer stop()
	if _, err := codes.Find(ctx, luma(img)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// The set is no set when its truth is not the same each time, or its codes are not in the picture.
func TestSetIsTheSameEachTime(t *testing.T) {
	for _, i := range []int{0, 8, 10} {
		spec := cardset.Set(9, 16)[i]
		a, truth := cardset.Paint(spec)
		b, _ := cardset.Paint(spec)
		if string(a.Pix) != string(b.Pix) {
			t.Errorf("%s is painted in two ways", spec.Name)
		}
		for _, c := range truth {
			for _, p := range c.Corners {
				if p.X < 0 || p.Y < 0 || p.X > 1 || p.Y > 1 {
					t.Errorf("%s: %q leaves the picture at %v", spec.Name, c.Text, p)
				}
			}
		}
	}
}

// Any bytes: no panic, nothing outside its bounds, and an end. The seeds are codes small enough to be changed in every way.
func FuzzFind(f *testing.F) {
	spec := plain("FUZZ")
	spec.CodeWidth, spec.Turn = 150, 20
	img, truth := cardset.Paint(spec)
	q := truth[0].Corners
	cx, cy := int((q[0].X+q[2].X)/2*cardset.Width), int((q[0].Y+q[2].Y)/2*cardset.Height)
	for _, side := range []int{64, 110} { // a code cut off, and a whole one
		var small []byte
		for y := cy - side/2; y < cy+side/2; y++ {
			small = append(small, img.Pix[y*img.Stride+cx-side/2:][:side]...)
		}
		f.Add(small, uint16(side))
	}
	f.Add([]byte{0, 255}, uint16(1))
	f.Fuzz(func(t *testing.T, pix []byte, width uint16) {
		if width == 0 || len(pix) < int(width) {
			return
		}
		l := codes.Luma{Pix: pix, Stride: int(width), Width: int(width), Height: len(pix) / int(width)}
		found, err := codes.Find(context.Background(), l)
		if err != nil {
			t.Fatal(err)
		}
		if len(found.Codes) > codes.MostCodes {
			t.Errorf("%d codes", len(found.Codes))
		}
		for _, c := range found.Codes {
			if c.Text == "" || len(c.Text) > codes.MostText || strings.ToValidUTF8(c.Text, "") != c.Text {
				t.Errorf("text %q", c.Text)
			}
			for _, p := range c.Corners {
				if !(p.X >= 0 && p.X <= 1 && p.Y >= 0 && p.Y <= 1) {
					t.Errorf("corner %v", p)
				}
			}
		}
	})
}
