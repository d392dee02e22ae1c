package main

import (
	"math"

	"filmgate.dev/services/processing/internal/plane"
)

// reference resizes luma to each long edge in floating point, with a Lanczos filter of three lobes, straight from the
// original: what all others are compared with.
func reference(src plane.Plane, edges []int) map[int]plane.Plane {
	all := make(map[int]plane.Plane)
	for _, edge := range edges {
		long := float64(max(src.Width, src.Height))
		if float64(edge) >= long {
			continue
		}
		w, h := int(math.Round(float64(src.Width)*float64(edge)/long)), int(math.Round(float64(src.Height)*float64(edge)/long))
		across, down := weights(src.Width, w), weights(src.Height, h)
		rows := make([][]float64, src.Height)
		for y := range rows {
			rows[y] = make([]float64, w)
			from := src.Row(y)
			for x, t := range across {
				for i, f := range t.weights {
					rows[y][x] += f * float64(from[t.first+i])
				}
			}
		}
		out := plane.New(w, h)
		for y, t := range down {
			row := make([]float64, w)
			for i, f := range t.weights {
				for x, v := range rows[t.first+i] {
					row[x] += f * v
				}
			}
			for x, v := range row {
				out.Row(y)[x] = uint8(max(0, min(255, math.Round(v))))
			}
		}
		all[edge] = out
	}
	return all
}

type taps struct {
	first   int
	weights []float64
}

func weights(have, want int) []taps {
	all := make([]taps, want)
	scale := float64(have) / float64(want)
	for i := range all {
		middle := (float64(i)+0.5)*scale - 0.5
		first, last := max(0, int(math.Ceil(middle-3*scale))), min(have-1, int(math.Floor(middle+3*scale)))
		t := taps{first: first}
		sum := 0.0
		for j := first; j <= last; j++ {
			x := math.Pi * (float64(j) - middle) / scale
			f := 1.0
			if math.Abs(x) > 1e-9 {
				f = 3 * math.Sin(x) * math.Sin(x/3) / (x * x)
			}
			t.weights = append(t.weights, f)
			sum += f
		}
		for j := range t.weights {
			t.weights[j] /= sum
		}
		all[i] = t
	}
	return all
}
