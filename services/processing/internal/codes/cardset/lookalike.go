package cardset

import (
	"math"
	"math/rand/v2"
)

// Lookalike is something that is not a card with a code, and may be taken for one.
type Lookalike int

// The lookalikes.
const (
	Nothing    Lookalike = iota
	Chess                // a shirt or a board in squares
	Window               // a bright pane with bars, the world behind it
	Letter               // a white sheet full of text
	Bricks               // a wall
	Targets              // rings, buttons, wheels
	Barcode              // a product's bars on white
	Portrait             // a framed picture with a white border
	Shirt                // a bright plain patch with a print
	Tiles                // a floor
	Blank                // a white sheet with nothing on it
	lookalikes = int(iota)
)

func paintLookalike(img *layer, s Spec, r *rand.Rand) {
	c := &cardboard{w: s.CodeWidth * Scale * 2, h: s.CodeWidth * Scale * (1.2 + r.Float64())}
	period := 6 + 40*r.Float64()
	dark, bright := float32(20+60*r.Float64()), float32(190+60*r.Float64())
	mod := func(v, m float64) float64 { return v - m*math.Floor(v/m) }
	pick := func(on bool) (float32, bool) {
		if on {
			return dark, true
		}
		return bright, true
	}
	lines := make([]float64, 400)
	for i := range lines {
		lines[i] = r.Float64()
	}
	random := func(i int) float64 { return lines[(i%400+400)%400] }
	photo := real()[r.IntN(3)]
	at := func(x, y float64) float32 {
		return bilinear(photo, (x/c.w+0.5)*float64(photo.Rect.Dx()-2), (y/c.h+0.5)*float64(photo.Rect.Dy()-2))
	}
	inside := func(x, y, border float64) bool { return math.Abs(x) < c.w/2-border && math.Abs(y) < c.h/2-border }
	switch s.Lookalike {
	case Chess:
		c.picture = func(x, y float64) (float32, bool) {
			return pick((int(math.Floor(x/period))+int(math.Floor(y/period)))%2 == 0)
		}
	case Window:
		c.picture = func(x, y float64) (float32, bool) {
			if !inside(x, y, c.w*0.04) || math.Abs(x) < c.w*0.02 || math.Abs(y) < c.h*0.02 {
				return bright, true
			}
			return at(x, y), true
		}
	case Letter:
		c.picture = func(x, y float64) (float32, bool) {
			row := math.Floor(y / period)
			letter := math.Floor(x / (0.3 * period))
			ink := inside(x, y, c.w*0.07) && mod(y, period) < 0.5*period && random(int(31*row+7*letter)) > 0.25 && mod(x, 0.3*period) < 0.2*period*random(int(letter))+0.03*period
			return pick(ink)
		}
	case Bricks:
		c.w, c.h = 2*Width, 2*Height
		c.picture = func(x, y float64) (float32, bool) {
			row := math.Floor(y / (2 * period))
			joint := mod(y, 2*period) < 0.25*period || mod(x+2*period*mod(row, 2), 4*period) < 0.25*period
			if joint {
				return bright, true
			}
			return dark + 40*float32(random(int(row)*17+int(math.Floor(x/(4*period))))), true
		}
	case Targets:
		c.picture = func(x, y float64) (float32, bool) {
			cell := 9 * period
			dx, dy := mod(x, cell)-cell/2, mod(y, cell)-cell/2
			d := math.Hypot(dx, dy) / period
			return pick(d < 1.6 || d > 2.5 && d < 3.6)
		}
	case Barcode:
		c.picture = func(x, y float64) (float32, bool) {
			return pick(inside(x, y, c.w*0.12) && random(int(math.Floor(x/(0.25*period)))) > 0.5)
		}
	case Portrait:
		c.picture = func(x, y float64) (float32, bool) {
			if !inside(x, y, c.w*0.1) {
				return bright, true
			}
			return at(x, y), true
		}
	case Shirt:
		c.picture = func(x, y float64) (float32, bool) {
			d := math.Hypot(x/(0.2*c.w), y/(0.25*c.h))
			wave := math.Sin(3*math.Atan2(y, x)+random(3)*6)*0.3 + math.Sin(9*math.Atan2(y, x))*0.1
			return pick(d+wave < 1 && mod(d*3+random(5), 1) < 0.7)
		}
	case Tiles:
		c.w, c.h = 2*Width, 2*Height
		c.picture = func(x, y float64) (float32, bool) {
			size := 3 * period
			if mod(x, size) < 0.1*size || mod(y, size) < 0.1*size {
				return dark, true
			}
			return bright - 70*float32(random(int(math.Floor(x/size))*13+int(math.Floor(y/size))*29)), true
		}
	case Blank:
		c.picture = func(float64, float64) (float32, bool) { return bright, true }
	}
	c.place(s, r)
	c.paint(img, s, r)
}
