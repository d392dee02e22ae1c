package codes

import (
	"context"
	"slices"
)

// modules is the brightness of every module of a grid: about -1 for dark and 1 for light.
type modules struct {
	n int
	v []float32
}

// sample averages four places of every module.
func (g *sheet) sample() modules {
	m := modules{n: g.n, v: make([]float32, g.n*g.n)}
	g.aim()
	for i := range m.v {
		x, y := float64(i%g.n)+0.5, float64(i/g.n)+0.5
		const off = 0.2
		m.v[i] = (g.value(x-off, y-off) + g.value(x+off, y-off) + g.value(x-off, y+off) + g.value(x+off, y+off)) / 4
	}
	return m
}

// even answers the modules with a lamp's image, a shadow or a gradient taken out: each is put between the dark and the
// light ones around it.
func (m modules) even() modules {
	const reach = 4
	out := modules{n: m.n, v: make([]float32, len(m.v))}
	window := make([]float32, 0, (2*reach+1)*(2*reach+1))
	for i, v := range m.v {
		x, y := i%m.n, i/m.n
		window = window[:0]
		for b := max(0, y-reach); b <= min(m.n-1, y+reach); b++ {
			window = append(window, m.v[b*m.n+max(0, x-reach):b*m.n+min(m.n-1, x+reach)+1]...)
		}
		slices.Sort(window)
		k := len(window) / 6
		low, high := window[k], window[len(window)-1-k]
		half := max(0.08, (high-low)/2)
		out.v[i] = clip((v-(low+high)/2)/half, 1.5)
	}
	return out
}

// read decodes what is plain to see.
func (g *sheet) read() (string, bool) {
	raw := g.sample()
	if text, ok := decode(raw); ok {
		return text, true
	}
	return decode(raw.even())
}

// insist tries what is dear: to let the paper be bent, and to take off blur. What is sharp is sooner bent than blurred.
func (g *sheet) insist(ctx context.Context) (string, bool) {
	timing := g.timing
	g.unsharpen()
	if timing < 0.6 {
		if text, ok := g.unblurBoth(ctx); ok {
			return text, true
		}
	}
	g.bend()
	if text, ok := g.read(); ok || timing > 0.85 {
		return text, ok
	}
	return g.unblurBoth(ctx)
}

// unblurBoth takes the blur off what is seen as it is, and with lamps and shadows taken out.
func (g *sheet) unblurBoth(ctx context.Context) (string, bool) {
	raw := g.sample()
	for _, m := range [2]modules{raw, raw.even()} {
		if ctx.Err() != nil {
			return "", false
		}
		if text, ok := g.unblur(m); ok {
			return text, true
		}
	}
	return "", false
}
