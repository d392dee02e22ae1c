package plane

import "math"

const (
	precision = 14 // bits of a weight's fraction
	half      = 1 << (precision - 1)
	lobes     = 3
)

// axis says which samples of a line each sample of another is made of.
type axis struct {
	taps    int     // weights of each sample; those past a line's end are zero
	first   []int32 // the sample that the first weight is for
	weights []int16
}

// of answers the weights of a sample.
func (a *axis) of(i int) []int16 { return a.weights[i*a.taps : (i+1)*a.taps] }

// lanczos answers the weights that bring the samples between from and to of a line of have samples to want. The number of
// weights is a multiple of group.
//
// The conversions of products keep compilers from rounding only once where the processor can: else the first sample would be another
// on some, where it only just has a weight.
func lanczos(have int, from, to float64, want, group int) axis {
	ratio := (to - from) / float64(want)
	stretch := max(1, math.Abs(ratio))
	support := float64(lobes * stretch)
	a := axis{first: make([]int32, want)}
	a.taps = (min(int(2*support)+2, have) + group - 1) / group * group
	a.weights = make([]int16, want*a.taps)
	exact := make([]float64, a.taps)
	for i := range want {
		// Samples are where their middles are.
		middle := from + float64((float64(i)+0.5)*ratio) - 0.5
		first := max(0, min(int(math.Ceil(middle-support)), have-1))
		last := max(first, min(int(math.Floor(middle+support)), have-1, first+a.taps-1))
		sum := 0.0
		for j := first; j <= last; j++ {
			exact[j-first] = kernel((float64(j) - middle) / stretch)
			sum += exact[j-first]
		}
		a.first[i] = int32(first)
		round(a.of(i)[:last-first+1], exact[:last-first+1], sum)
	}
	return a
}

// round brings weights to integers whose sum is exactly one, so that even areas stay even.
func round(weights []int16, exact []float64, sum float64) {
	if math.Abs(sum) < 1e-6 { // only the nearest sample is near
		exact[0], sum = 1, 1
		clear(exact[1:])
	}
	left, largest := int16(1<<precision-1), 0
	for i, w := range exact {
		weights[i] = int16(math.Round(w / sum * (1 << precision)))
		left -= weights[i]
		if weights[i] > weights[largest] {
			largest = i
		}
	}
	weights[largest] += left + 1
}

// kernel is the sinc windowed by its own middle lobe, wider by three.
func kernel(x float64) float64 {
	x = math.Abs(x)
	switch {
	case x < 1e-9:
		return 1
	case x >= lobes:
		return 0
	}
	x *= math.Pi
	return lobes * math.Sin(x) * math.Sin(x/lobes) / (x * x)
}
