package cardset

import (
	"bytes"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"strings"
	"sync"

	"github.com/makiuchi-d/gozxing/qrcode/decoder"
	"github.com/makiuchi-d/gozxing/qrcode/encoder"

	"filmgate.dev/pkg/testphotos"
)

// Paint makes the photograph, as it comes out of a JPEG of quality 90, and says what codes it shows.
func Paint(s Spec) (*image.Gray, []Code) {
	r := rand.New(rand.NewPCG(s.Seed, 77))
	img := background(s, r)
	var truth []Code
	switch {
	case s.Class != None:
		var c *cardboard
		c, truth = newCard(s, r)
		c.paint(img, s, r)
	case s.Lookalike != Nothing:
		paintLookalike(img, s, r)
	}
	expose(img, s, r)
	return throughJPEG(img), truth
}

// layer is a picture that is being painted: light from 0 to 255, not yet exposed.
type layer struct {
	w, h int
	v    []float32
}

func (l *layer) at(x, y int) *float32 { return &l.v[y*l.w+x] }

var real = sync.OnceValue(func() []*image.Gray {
	var out []*image.Gray
	photos := testphotos.Real()
	for _, name := range []string{"friends.jpg", "mountain.jpg", "seeding.jpg"} {
		img, err := jpeg.Decode(bytes.NewReader(photos[name]))
		if err != nil {
			panic("cardset: " + err.Error()) // they are part of the binary
		}
		b := img.Bounds()
		g := image.NewGray(image.Rect(0, 0, b.Dx(), b.Dy()))
		for y := range b.Dy() {
			for x := range b.Dx() {
				g.Set(x, y, img.At(b.Min.X+x, b.Min.Y+y))
			}
		}
		out = append(out, g)
	}
	return out
})

// background is a real photograph scaled up, a part of one, or a painted scene; with grain, because what was scaled up has
// none of its own.
func background(s Spec, r *rand.Rand) *layer {
	l := &layer{w: Width, h: Height, v: make([]float32, Width*Height)}
	choice := s.Background % 5
	if choice == 4 {
		scene := testphotos.Scene(Width, Height, uint64(s.Background))
		for i := range l.v {
			l.v[i] = 0.3*float32(scene.Pix[4*i]) + 0.59*float32(scene.Pix[4*i+1]) + 0.11*float32(scene.Pix[4*i+2])
		}
		return l
	}
	photo := real()[choice%3]
	b := photo.Rect
	zoom := 0.35 + 0.65*r.Float64() // what share of the photograph fills the frame
	w := zoom * min(float64(b.Dx()), float64(b.Dy())*Width/Height)
	h := w * Height / Width
	x0, y0 := (float64(b.Dx())-w)*r.Float64(), (float64(b.Dy())-h)*r.Float64()
	for y := range Height {
		fy := y0 + h*float64(y)/Height
		for x := range Width {
			l.v[y*Width+x] = bilinear(photo, x0+w*float64(x)/Width, fy)
		}
	}
	grain(l, r)
	return l
}

func bilinear(g *image.Gray, x, y float64) float32 {
	x0, y0 := min(int(x), g.Rect.Dx()-2), min(int(y), g.Rect.Dy()-2)
	fx, fy := float32(x-float64(x0)), float32(y-float64(y0))
	p, q := g.Pix[y0*g.Stride+x0:], g.Pix[(y0+1)*g.Stride+x0:]
	top := float32(p[0])*(1-fx) + float32(p[1])*fx
	return top*(1-fy) + (float32(q[0])*(1-fx)+float32(q[1])*fx)*fy
}

// grain adds texture of a few pixels' size: cloth, leaves, walls.
func grain(l *layer, r *rand.Rand) {
	strength := float32(30 * r.Float64() * r.Float64())
	size := 3 + r.IntN(8)
	w := l.w/size + 2
	cells := make([]float32, w*(l.h/size+2))
	for i := range cells {
		cells[i] = float32(r.NormFloat64()) * strength
	}
	for y := range l.h {
		for x := range l.w {
			cx, cy := x/size, y/size
			fx, fy := float32(x%size)/float32(size), float32(y%size)/float32(size)
			a := cells[cy*w+cx]*(1-fx) + cells[cy*w+cx+1]*fx
			b := cells[(cy+1)*w+cx]*(1-fx) + cells[(cy+1)*w+cx+1]*fx
			*l.at(x, y) += a*(1-fy) + b*fy
		}
	}
}

// bell is a table of normally distributed numbers: to draw from it is ten times as fast as to draw anew.
var bell = sync.OnceValue(func() *[1 << 16]float32 {
	var t [1 << 16]float32
	r := rand.New(rand.NewPCG(1, 2))
	for i := range t {
		t[i] = float32(r.NormFloat64())
	}
	return &t
})

// expose turns light into grey levels.
func expose(l *layer, s Spec, r *rand.Rand) {
	gain, noise, table := float32(s.Gain), float32(s.Noise), bell()
	if gain == 0 {
		gain = 1
	}
	var draws uint64
	for i, v := range l.v {
		if i&3 == 0 {
			draws = r.Uint64()
		}
		l.v[i] = max(0, min(255, v*gain+noise*table[draws&0xFFFF]))
		draws >>= 16
	}
}

func throughJPEG(l *layer) *image.Gray {
	img := image.NewGray(image.Rect(0, 0, l.w, l.h))
	for i, v := range l.v {
		img.Pix[i] = uint8(v + 0.5)
	}
	var file bytes.Buffer
	if err := jpeg.Encode(&file, img, &jpeg.Options{Quality: 90}); err != nil {
		panic("cardset: " + err.Error()) // into memory: cannot fail
	}
	back, err := jpeg.Decode(&file)
	if err != nil {
		panic("cardset: " + err.Error())
	}
	return back.(*image.Gray)
}

// qr answers the modules of a code, true for dark.
func qr(text, level string) [][]bool {
	levels := map[string]decoder.ErrorCorrectionLevel{
		"L": decoder.ErrorCorrectionLevel_L, "M": decoder.ErrorCorrectionLevel_M, "Q": decoder.ErrorCorrectionLevel_Q, "H": decoder.ErrorCorrectionLevel_H,
	}
	made, err := encoder.Encoder_encode(strings.TrimSpace(text), levels[level], nil)
	if err != nil {
		panic("cardset: " + err.Error()) // a text that no code can hold: a mistake in the set
	}
	m := made.GetMatrix()
	rows := make([][]bool, m.GetHeight())
	for y := range rows {
		rows[y] = make([]bool, m.GetWidth())
		for x := range rows[y] {
			rows[y][x] = m.Get(x, y) == 1
		}
	}
	return rows
}

func modulesOf(text, level string) int { return len(qr(text, level)) }

func rad(degrees float64) float64 { return degrees * math.Pi / 180 }
