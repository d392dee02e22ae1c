package codes

import (
	"math"
	"sync"
)

// ghost is what three finder patterns are out of focus: grey squares in three corners of a code, each with a dark dot in it.
// It is sampled like a patch, for a code of some size whose fourth corner is one of four.
type ghost struct {
	places []int
	dark   []float64
}

const (
	ghostSide = 32
	inner     = 0.94 // share of a patch's sides that is sampled
	leastDots = 0.64 // correlation; what is no code reached 0.59
)

var ghosts = sync.OnceValue(func() (out []ghost) {
	for _, n := range []float64{21, 23, 25, 29, 33, 37, 41, 49} {
		for free := range 4 {
			out = append(out, makeGhost(n, free))
		}
	}
	return out
})

func makeGhost(n float64, free int) (g ghost) {
	// A blurred square is the product of two blurred edges on each axis.
	const blur = 1.1 // modules
	edge := func(v float64) float64 { return 0.5 * (1 + math.Erf(v/(blur*math.Sqrt2))) }
	bar := func(v, width float64) float64 { return edge(v+width/2) - edge(v-width/2) }
	for i := range ghostSide * ghostSide {
		x := n * (0.5 + inner*((float64(i/ghostSide)+1)/ghostSide-0.5)) // + 1: the samples are means of two by two
		y := n * (0.5 + inner*((float64(i%ghostSide)+1)/ghostSide-0.5))
		corner := 0
		if x > n/2 {
			x, corner = n-x, corner+1
		}
		if y > n/2 {
			y, corner = n-y, corner+2
		}
		if corner == free || x > 8 || y > 8 || i/ghostSide == ghostSide-1 || i%ghostSide == ghostSide-1 {
			continue
		}
		x, y = x-3.5, y-3.5
		g.places = append(g.places, i)
		g.dark = append(g.dark, bar(x, 7)*bar(y, 7)-bar(x, 5)*bar(y, 5)+bar(x, 3)*bar(y, 3))
	}
	return g
}

// dots answers how well the best ghost matches the darkness of a patch.
func dots(v *[ghostSide][ghostSide]float64) float64 {
	best := 0.0
	for _, g := range ghosts() {
		var sa, sb, saa, sab, sbb float64
		for k, i := range g.places {
			a, b := v[i/ghostSide][i%ghostSide], g.dark[k]
			sa, sb, saa, sab, sbb = sa+a, sb+b, saa+a*a, sab+a*b, sbb+b*b
		}
		n := float64(len(g.places))
		if spread := (saa - sa*sa/n) * (sbb - sb*sb/n); spread > 0 {
			best = max(best, (sab-sa*sb/n)/math.Sqrt(spread))
		}
	}
	return best
}
