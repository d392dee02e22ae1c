// Package ssim measures how much alike two pictures are to an eye: the structural similarity of Wang, Bovik, Sheikh and
// Simoncelli (IEEE Transactions on Image Processing 13/4, 2004), of their luma.
package ssim

import (
	"fmt"
	"math"

	"filmgate.dev/services/processing/internal/plane"
)

// Mean answers the mean similarity, 1 for the same picture, in windows of 11 × 11 samples weighted by a Gaussian of σ 1.5.
func Mean(a, b plane.Plane) (float64, error) {
	if a.Width != b.Width || a.Height != b.Height || a.Width < size || a.Height < size {
		return 0, fmt.Errorf("ssim: %d × %d and %d × %d cannot be compared", a.Width, a.Height, b.Width, b.Height)
	}
	w, h := a.Width, a.Height
	// Of each row: the weighted sums of both, of their squares and of their product; the last rows are kept.
	var rows [size][5][]float64
	for i := range rows {
		for j := range rows[i] {
			rows[i][j] = make([]float64, w-size+1)
		}
	}
	const c1, c2 = 0.01 * 255 * 0.01 * 255, 0.03 * 255 * 0.03 * 255
	var total float64
	for y := range h {
		across(&rows[y%size], a.Row(y), b.Row(y))
		if y < size-1 {
			continue
		}
		for x := range w - size + 1 {
			var s [5]float64
			for i := range size {
				for j := range s {
					s[j] += weights[i] * rows[(y-size+1+i)%size][j][x]
				}
			}
			va, vb, cov := s[2]-s[0]*s[0], s[3]-s[1]*s[1], s[4]-s[0]*s[1]
			total += (2*s[0]*s[1] + c1) * (2*cov + c2) / ((s[0]*s[0] + s[1]*s[1] + c1) * (va + vb + c2))
		}
	}
	return total / float64((w-size+1)*(h-size+1)), nil
}

func across(sums *[5][]float64, a, b []byte) {
	for x := range sums[0] {
		var s [5]float64
		for i, f := range weights {
			p, q := float64(a[x+i]), float64(b[x+i])
			s[0] += f * p
			s[1] += f * q
			s[2] += f * p * p
			s[3] += f * q * q
			s[4] += f * p * q
		}
		for j := range s {
			sums[j][x] = s[j]
		}
	}
}

const size = 11

var weights = func() (w [size]float64) {
	var sum float64
	for i := range w {
		d := float64(i - size/2)
		w[i] = math.Exp(-d * d / (2 * 1.5 * 1.5))
		sum += w[i]
	}
	for i := range w {
		w[i] /= sum
	}
	return w
}()
