package testphotos

import (
	"image"
	"image/color"
	"image/draw"
	"math"
)

// Marker is the colour of the rectangle in the upper left corner. It covers half the width and a quarter of the height.
func Marker() color.NRGBA { return color.NRGBA{R: 214, G: 24, B: 32, A: 255} }

// Upright reports whether img shows a made picture the right way up and in its right colours.
func Upright(img image.Image) bool {
	b := img.Bounds()
	at := func(x, y int) bool { return red(img.At(b.Min.X+b.Dx()*x/16, b.Min.Y+b.Dy()*y/16)) }
	corners := at(2, 2) && !at(14, 2) && !at(2, 14) && !at(14, 14)
	return corners && at(6, 2) && !at(2, 6) // a picture mirrored along its diagonal has the right corners too
}

func red(c color.Color) bool {
	r, g, b, _ := c.RGBA()
	near := func(v uint32, want uint8) bool { return math.Abs(float64(v>>8)-float64(want)) < 40 }
	m := Marker()
	return near(r, m.R) && near(g, m.G) && near(b, m.B)
}

// Scene paints a picture with what a photograph has: smooth sky, soft and hard edges, fine texture and noise.
func Scene(width, height int, seed uint64) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	random := seed*0x9E3779B97F4A7C15 + 0x2545F4914F6CDD1D
	next := func() uint64 { // xorshift: fast enough for 50 megapixels, and the same everywhere
		random ^= random << 13
		random ^= random >> 7
		random ^= random << 17
		return random
	}
	unit := func() float64 { return float64(next()>>40) / (1 << 24) }
	type disc struct {
		x, y, r float64
		c       [3]float64
	}
	discs := make([]disc, 12) // heads and lamps; distances are shares of the picture's height
	aspect := float64(width) / float64(height)
	for i := range discs {
		discs[i] = disc{x: (0.1 + 0.9*unit()) * aspect, y: 0.45 + 0.5*unit(), r: 0.02 + 0.07*unit(), c: [3]float64{80 + 150*unit(), 60 + 130*unit(), 50 + 120*unit()}}
	}
	phase, hills := 6*unit(), make([]float64, width)
	for x := range hills {
		u := float64(x) / float64(height)
		hills[x] = 0.55 + 0.08*math.Sin(3*u+phase) + 0.03*math.Sin(11*u+2*phase) + 0.006*math.Sin(90*u)
	}
	marker := Marker()
	for y := range height {
		v := (float64(y) + 0.5) / float64(height)
		row := img.Pix[y*img.Stride : y*img.Stride+4*width]
		for x := range width {
			p := row[4*x : 4*x+4 : 4*x+4]
			if x < width/2 && y < height/4 {
				p[0], p[1], p[2], p[3] = marker.R, marker.G, marker.B, 255
				continue
			}
			u := float64(x) / float64(height)
			c := [3]float64{70 + 120*v, 120 + 80*v, 215 - 50*v}
			if v > hills[x] {
				shade := 1.2 - v + 0.1*float64(next()&7)/7 // grass: texture below the horizon
				c = [3]float64{70 * shade, 150 * shade, 50 * shade}
			}
			for i := range discs {
				d := &discs[i]
				dx, dy := u-d.x, v-d.y
				if q := dx*dx + dy*dy; q < d.r*d.r {
					light := 1 - 0.5*q/(d.r*d.r)
					c = [3]float64{d.c[0] * light, d.c[1] * light, d.c[2] * light}
				}
			}
			noise := float64(next()&15) - 7.5
			p[0], p[1], p[2], p[3] = clamp(c[0]+noise), clamp(c[1]+noise), clamp(c[2]+noise), 255
		}
	}
	return img
}

// fade makes the right half of img more and more transparent.
func fade(img *image.NRGBA) {
	b := img.Bounds()
	for y := range b.Dy() {
		for x := b.Dx() / 2; x < b.Dx(); x++ {
			img.Pix[y*img.Stride+4*x+3] = clamp(255 * (2 - 2*float64(x)/float64(b.Dx()-1)))
		}
	}
}

// turn answers how img is stored so that a viewer which obeys the orientation shows it upright.
func turn(img image.Image, orientation int) image.Image {
	if orientation < 2 || orientation > 8 {
		return img
	}
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	from, ok := img.(*image.NRGBA)
	if !ok {
		from = image.NewNRGBA(image.Rect(0, 0, w, h))
		draw.Draw(from, from.Rect, img, b.Min, draw.Src)
	}
	out := image.NewNRGBA(image.Rect(0, 0, w, h))
	if orientation >= 5 {
		out = image.NewNRGBA(image.Rect(0, 0, h, w))
	}
	for y := range h {
		for x := range w {
			sx, sy := x, y
			switch orientation {
			case 2:
				sx = w - 1 - x
			case 3:
				sx, sy = w-1-x, h-1-y
			case 4:
				sy = h - 1 - y
			case 5:
				sx, sy = y, x
			case 6:
				sx, sy = y, w-1-x
			case 7:
				sx, sy = h-1-y, w-1-x
			case 8:
				sx, sy = h-1-y, x
			}
			copy(out.Pix[sy*out.Stride+4*sx:][:4], from.Pix[y*from.Stride+4*x:][:4])
		}
	}
	return out
}

func clamp(v float64) uint8 { return uint8(max(0, min(255, v+0.5))) }
