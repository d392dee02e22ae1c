// Package thumbhash makes the blurred placeholder that a page shows until the thumbnail is there: about 25 bytes that hold
// the average colour, the aspect and the coarsest shapes of a picture.
//
// The format is Evan Wallace's ThumbHash, without transparency: derivatives have none.
package thumbhash

import (
	"image"
	"math"
)

// MostSide is the longest side of a picture that Encode takes; more would not change the result.
const MostSide = 100

// Encode answers the hash of an opaque picture of at most 100 × 100 pixels, nil for any other.
func Encode(img *image.NRGBA) []byte {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	if w <= 0 || h <= 0 || w > MostSide || h > MostSide {
		return nil
	}
	// Light, and the two differences that the eye sees less well: yellow–blue and red–green.
	light, yellow, red := make([]float64, w*h), make([]float64, w*h), make([]float64, w*h)
	for y := range h {
		for x := range w {
			p := img.Pix[y*img.Stride+4*x:]
			r, g, b := float64(p[0])/255, float64(p[1])/255, float64(p[2])/255
			light[y*w+x], yellow[y*w+x], red[y*w+x] = (r+g+b)/3, (r+g)/2-b, r-g
		}
	}
	const detail = 7 // waves along the longer side
	longer := float64(max(w, h))
	lx := max(1, int(math.Round(detail*float64(w)/longer)))
	ly := max(1, int(math.Round(detail*float64(h)/longer)))
	l := transform(light, w, h, max(3, lx), max(3, ly))
	p := transform(yellow, w, h, 3, 3)
	q := transform(red, w, h, 3, 3)

	landscape, shorter := w > h, lx
	if landscape {
		shorter = ly
	}
	head := quantize(l.constant, 63) | quantize(0.5+0.5*p.constant, 63)<<6 | quantize(0.5+0.5*q.constant, 63)<<12 | quantize(l.scale, 31)<<18
	tail := shorter | quantize(p.scale, 63)<<3 | quantize(q.scale, 63)<<9
	if landscape {
		tail |= 1 << 15
	}
	hash := []byte{byte(head), byte(head >> 8), byte(head >> 16), byte(tail), byte(tail >> 8)}
	high := false
	for _, c := range []channel{l, p, q} {
		for _, wave := range c.waves {
			v := byte(quantize(wave, 15))
			if high {
				hash[len(hash)-1] |= v << 4
			} else {
				hash = append(hash, v)
			}
			high = !high
		}
	}
	return hash
}

// channel is one channel as a constant and waves around 0.5, the strongest of which reaches scale.
type channel struct {
	constant, scale float64
	waves           []float64
}

// transform answers the nx × ny slowest cosine waves in a channel, those of the upper left triangle.
func transform(values []float64, w, h, nx, ny int) channel {
	var c channel
	across := make([]float64, w)
	for cy := range ny {
		for cx := 0; cx*ny < nx*(ny-cy); cx++ {
			for x := range across {
				across[x] = math.Cos(math.Pi / float64(w) * float64(cx) * (float64(x) + 0.5))
			}
			var sum float64
			for y := range h {
				down := math.Cos(math.Pi / float64(h) * float64(cy) * (float64(y) + 0.5))
				for x := range w {
					sum += values[y*w+x] * across[x] * down
				}
			}
			sum /= float64(w * h)
			if cx == 0 && cy == 0 {
				c.constant = sum
				continue
			}
			c.waves = append(c.waves, sum)
			c.scale = max(c.scale, math.Abs(sum))
		}
	}
	for i := range c.waves {
		if c.scale > 0 {
			c.waves[i] = 0.5 + 0.5/c.scale*c.waves[i]
		}
	}
	return c
}

func quantize(v float64, steps int) int {
	return max(0, min(steps, int(math.Round(v*float64(steps)))))
}
