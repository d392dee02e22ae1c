// Package phash tells whether two pictures show the same: 64 bits of the coarsest waves of a picture's luma, of which few change
// when it is resized, compressed or brightened.
package phash

import (
	"image"
	"math"
	"math/bits"
	"slices"

	"github.com/disintegration/imaging"
)

// The width and the height of what is hashed, and of the waves that are looked at.
const side, waves = 32, 8

// Hash is the hash of a picture.
type Hash uint64

// Of answers the hash: one bit for each of the lowest 8 × 8 frequencies of a cosine transform, set where it is above their median. The
// mean of the picture is left out.
func Of(img image.Image) Hash {
	small := imaging.Resize(img, side, side, imaging.Linear)
	var luma [side][side]float64
	for y := range side {
		for x := range side {
			p := small.Pix[y*small.Stride+4*x:]
			luma[y][x] = 0.299*float64(p[0]) + 0.587*float64(p[1]) + 0.114*float64(p[2])
		}
	}
	var found [waves * waves]float64
	for v := range waves {
		for u := range waves {
			for y := range side {
				for x := range side {
					found[v*waves+u] += luma[y][x] * cosines[u][x] * cosines[v][y]
				}
			}
		}
	}
	found[0] = 0
	sorted := slices.Sorted(slices.Values(found[:]))
	median := (sorted[len(sorted)/2-1] + sorted[len(sorted)/2]) / 2
	var h Hash
	for i, f := range found {
		if f > median {
			h |= 1 << i
		}
	}
	return h
}

// Distance answers how many bits differ: up to about 8 for the same picture, about 32 for any other.
func (h Hash) Distance(other Hash) int { return bits.OnesCount64(uint64(h ^ other)) }

var cosines = func() (c [waves][side]float64) {
	for k := range c {
		for i := range c[k] {
			c[k][i] = math.Cos(float64(2*i+1) * float64(k) * math.Pi / (2 * side))
		}
	}
	return c
}()
