package cardset

import (
	"math"
	"math/rand/v2"
)

// cardboard is a card in space. Its own coordinates are in pixels of the picture when it is held straight, with the
// origin in its middle.
type cardboard struct {
	w, h    float64
	paper   float32
	ink     float32
	lines   []line // text
	codes   []printed
	turn    [3][3]float64 // of the card's axes into the camera's
	centre  [3]float64    // in the camera's coordinates
	focal   float64
	rays    [3][3]float64 // what a pixel's ray is in the card's coordinates: by x, by y, and at the corner
	eye     [3]float64    // the camera in the card's coordinates
	bend    float64       // how far the middle stands out
	picture func(x, y float64) (float32, bool)
}

type box struct{ x0, y0, x1, y1 float64 }

// line is a line of text, as boxes that stand for letters.
type line struct {
	y0, y1 float64
	boxes  []box
}

type printed struct {
	x, y, size float64
	rows       [][]bool
}

func newCard(s Spec, r *rand.Rand) (*cardboard, []Code) {
	size := s.CodeWidth * Scale
	c := &cardboard{paper: float32(205 + 45*r.Float64()), ink: float32(12 + 30*r.Float64())}
	c.w, c.h = size*(1.5+0.8*r.Float64()), size*(1.5+0.6*r.Float64())
	if s.Codes == 2 {
		c.w = size * (2.6 + 0.5*r.Float64())
	}
	c.place(s, r)
	quiet := size / 8
	var truth []Code
	for i := range s.Codes {
		rows := qr(s.Text[i], s.Level)
		p := printed{x: -size / 2, y: -c.h/2 + quiet + (c.h-size-2*quiet)*0.3*r.Float64(), size: size, rows: rows}
		switch {
		case s.Codes == 2 && i == 0:
			p.x = -size - quiet
		case s.Codes == 2:
			p.x = quiet
		default:
			p.x += (c.w - size - 2*quiet) * (r.Float64() - 0.5) * 0.8
		}
		c.codes = append(c.codes, p)
		code := Code{Text: s.Text[i], Modules: len(rows)}
		for k, corner := range [4][2]float64{{p.x, p.y}, {p.x + size, p.y}, {p.x + size, p.y + size}, {p.x, p.y + size}} {
			x, y := c.project(corner[0], corner[1])
			code.Corners[k] = Point{X: x / Width, Y: y / Height}
		}
		truth = append(truth, code)
	}
	c.write(size, r)
	return c, truth
}

// write puts lines of text under the codes.
func (c *cardboard) write(size float64, r *rand.Rand) {
	bottom := 0.0
	for _, p := range c.codes {
		bottom = max(bottom, p.y+p.size)
	}
	height := size * (0.05 + 0.04*r.Float64())
	for y := bottom + size/10; y+height < c.h/2-height; y += 1.7 * height {
		text := line{y0: y, y1: y + height}
		for x := -c.w/2 + 2*height; x < c.w/2-3*height; {
			letter := height * (0.3 + 0.4*r.Float64())
			if r.IntN(6) != 0 {
				text.boxes = append(text.boxes, box{x, y, x + 0.12*height, y + height}, box{x, y + height*r.Float64()*0.8, x + letter, y + height})
			}
			x += letter + 0.25*height
		}
		c.lines = append(c.lines, text)
	}
}

// place puts the card before the camera, wholly inside the frame when it fits.
func (c *cardboard) place(s Spec, r *rand.Rand) {
	c.focal = Width * (1 + r.Float64())
	yaw, pitch, turn := rad(s.Yaw), rad(s.Pitch), rad(s.Turn)
	cy, sy, cp, sp, ct, st := math.Cos(yaw), math.Sin(yaw), math.Cos(pitch), math.Sin(pitch), math.Cos(turn), math.Sin(turn)
	// First turned in its plane, then yawed about the vertical axis, then pitched.
	c.turn = [3][3]float64{
		{cy * ct, -cy * st, sy},
		{sp*sy*ct + cp*st, -sp*sy*st + cp*ct, -sp * cy},
		{-cp*sy*ct + sp*st, cp*sy*st + sp*ct, cp * cy},
	}
	c.bend = s.Bend * c.w
	reach := math.Hypot(c.w, c.h) / 2
	free := func(side float64) float64 { return (r.Float64() - 0.5) * max(0, side-2.1*reach) }
	// The distance at which one unit is one pixel is the focal length.
	c.centre = [3]float64{free(Width), free(Height), c.focal}
	for i := range c.rays {
		x, y := c.turn[0][i]/c.focal, c.turn[1][i]/c.focal
		c.rays[i] = [3]float64{x, y, c.turn[2][i] - x*Width/2 - y*Height/2}
		c.eye[i] = -c.turn[0][i]*c.centre[0] - c.turn[1][i]*c.centre[1] - c.turn[2][i]*c.centre[2]
	}
}

// lift is how far the paper stands out at x along its bent axis.
func (c *cardboard) lift(x float64) float64 {
	u := 2 * x / c.w
	return c.bend * (1 - u*u)
}

func (c *cardboard) project(x, y float64) (px, py float64) {
	z := c.lift(x)
	var p [3]float64
	for i := range p {
		p[i] = c.turn[i][0]*x + c.turn[i][1]*y + c.turn[i][2]*z + c.centre[i]
	}
	return Width/2 + c.focal*p[0]/p[2], Height/2 + c.focal*p[1]/p[2]
}

// unproject answers the place on the card that a pixel sees.
func (c *cardboard) unproject(px, py float64) (x, y float64, ok bool) {
	// The ray in the card's coordinates; it begins at c.eye.
	var d [3]float64
	for i, r := range &c.rays {
		d[i] = r[0]*px + r[1]*py + r[2]
	}
	if math.Abs(d[2]) < 1e-6 {
		return 0, 0, false
	}
	o := &c.eye
	t := -o[2] / d[2]
	if c.bend != 0 {
		for range 6 { // towards the bent surface
			x = o[0] + t*d[0]
			slope := d[2] + c.bend*8*x/(c.w*c.w)*d[0]
			if math.Abs(slope) < 1e-6 {
				break
			}
			t -= (o[2] + t*d[2] - c.lift(x)) / slope
		}
	}
	x, y = o[0]+t*d[0], o[1]+t*d[1]
	return x, y, math.Abs(x) <= c.w/2 && math.Abs(y) <= c.h/2
}

// colour is the light of the card at a place of it.
func (c *cardboard) colour(x, y float64) (float32, bool) {
	if c.picture != nil {
		return c.picture(x, y)
	}
	for _, p := range c.codes {
		n := float64(len(p.rows))
		i, k := (x-p.x)/p.size*n, (y-p.y)/p.size*n
		if i >= 0 && k >= 0 && i < n && k < n {
			if p.rows[int(k)][int(i)] {
				return c.ink, true
			}
			return c.paper, true
		}
	}
	for i := range c.lines {
		if y < c.lines[i].y0 || y >= c.lines[i].y1 {
			continue
		}
		for _, b := range c.lines[i].boxes {
			if x >= b.x0 && x < b.x1 && y >= b.y0 && y < b.y1 {
				return c.ink + 25, true
			}
		}
	}
	return c.paper, true
}

// paint puts the card into a picture.
func (c *cardboard) paint(img *layer, s Spec, r *rand.Rand) {
	blur, motion := s.Blur*Scale, s.Motion*Scale
	margin := int(3*blur+motion) + 3
	x0, y0, x1, y1 := Width, Height, 0, 0
	for i := range 40 { // its outline, bent or not
		u := float64(i%10)/9 - 0.5
		p := [4][2]float64{{u * c.w, -c.h / 2}, {u * c.w, c.h / 2}, {-c.w / 2, u * c.h}, {c.w / 2, u * c.h}}[i/10]
		px, py := c.project(p[0], p[1])
		x0, x1 = min(x0, int(px)-margin), max(x1, int(px)+margin)
		y0, y1 = min(y0, int(py)-margin), max(y1, int(py)+margin)
	}
	x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, Width), min(y1, Height)
	if x0 >= x1 || y0 >= y1 {
		return
	}
	w, h := x1-x0, y1-y0
	light, cover := &layer{w: w, h: h, v: make([]float32, w*h)}, &layer{w: w, h: h, v: make([]float32, w*h)}
	fine := 2 // samples along each side of a pixel
	if len(c.codes) > 0 && c.codes[0].size < 6*float64(len(c.codes[0].rows)) {
		fine = 3
	}
	samples := float32(fine * fine)
	shade := rad(360 * r.Float64())
	slopeX, slopeY := 0.12*math.Cos(shade)/c.w, 0.12*math.Sin(shade)/c.h
	fingers := 1 + r.IntN(3)
	for y := range h {
		for x := range w {
			var sum, n float32
			for i := range fine * fine {
				px := float64(x0+x) + (float64(i%fine)+0.5)/float64(fine)
				py := float64(y0+y) + (float64(i/fine)+0.5)/float64(fine)
				u, v, ok := c.unproject(px, py)
				if !ok {
					continue
				}
				if value, on := c.colour(u, v); on {
					if c.held(u, v, fingers) {
						value = 150
					}
					sum += value * float32(0.94+slopeX*u+slopeY*v)
					n++
				}
			}
			*light.at(x, y), *cover.at(x, y) = sum/samples, n/samples
		}
	}
	if s.Glare > 0 && len(c.codes) > 0 {
		c.mirrorLamp(light, cover, x0, y0, s, r)
	}
	for _, l := range []*layer{light, cover} {
		smear(l, motion, rad(s.Direction))
		gauss(l, blur)
	}
	for y := range h {
		for x := range w {
			p := img.at(x0+x, y0+y)
			*p = *p*(1-*cover.at(x, y)) + *light.at(x, y)
		}
	}
}

// held reports whether a finger covers the place: at the lower edge of the card, outside the code.
func (c *cardboard) held(x, y float64, fingers int) bool {
	if len(c.codes) == 0 {
		return false
	}
	for i := range fingers {
		fx := c.w * (float64(i+1)/float64(fingers+1) - 0.5)
		dx, dy := (x-fx)/(0.06*c.w), (y-c.h/2)/(0.12*c.h)
		if dx*dx+dy*dy < 1 {
			return true
		}
	}
	return false
}

func (c *cardboard) mirrorLamp(light, cover *layer, x0, y0 int, s Spec, r *rand.Rand) {
	p := c.codes[0]
	cx, cy := p.x+p.size*(0.2+0.6*r.Float64()), p.y+p.size*(0.2+0.6*r.Float64())
	for y := range light.h {
		for x := range light.w {
			u, v, ok := c.unproject(float64(x0+x), float64(y0+y))
			if !ok {
				continue
			}
			d := math.Hypot(u-cx, v-cy) / (s.Glare * p.size)
			*light.at(x, y) += float32(300*math.Exp(-d*d*1.5)) * *cover.at(x, y)
		}
	}
}
