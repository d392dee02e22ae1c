package codes

import (
	"cmp"
	"math"
	"slices"
)

// triple is three finder patterns that may belong to one code: a in its upper left corner, b to the right, c below, each
// with its frame turned so that u points from a to b and v from a to c.
type triple struct {
	a, b, c ring
	n       float64 // estimated modules from a to b and from a to c
	miss    float64 // how badly the three agree
	lost    int     // which of the three was not found but guessed: 1 for a, 2 for b, 3 for c, 0 for none
}

const mostTriples = 24

// reach is one ring as seen from another along an axis of its frame.
type reach struct {
	to   int
	n    float64
	miss float64
}

// triples answers what may be codes, the most regular first.
func triples(rings []ring) []triple {
	var out []triple
	for i, a := range rings {
		var axes [4][]reach
		for k, b := range rings {
			if k == i {
				continue
			}
			if axis, n, miss, ok := a.along(b); ok {
				axes[axis] = append(axes[axis], reach{to: k, n: n, miss: miss})
			}
		}
		for axis := range 4 {
			for _, b := range axes[axis] {
				for _, c := range axes[(axis+1)%4] {
					ratio := math.Abs(math.Log(b.n / c.n))
					if ratio > 0.3 {
						continue
					}
					t := triple{a: a.turned(axis), n: (b.n + c.n) / 2, miss: 2*ratio + b.miss + c.miss}
					t.b, t.c = facing(rings[b.to], t.a.ux, t.a.uy), facing(rings[c.to], t.a.ux, t.a.uy)
					t.miss += 1 - (a.match+t.b.match+t.c.match)/3
					if contrast := (t.b.light - t.b.dark) / (t.c.light - t.c.dark); contrast > 4 || contrast < 0.25 {
						continue
					}
					out = append(out, t)
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b triple) int { return cmp.Compare(a.miss, b.miss) })
	if len(out) > mostTriples {
		out = out[:mostTriples]
	}
	return out
}

const (
	mostPairs = 8
	pairMatch = 0.75 // of two rings that shall stand for three
)

// pairs answers what may be codes of which one ring is covered by a finger or a lamp's image.
func pairs(rings []ring) []triple {
	var out []triple
	for i, p := range rings {
		for k, q := range rings {
			if i == k || p.match < pairMatch || q.match < pairMatch {
				continue
			}
			if axis, n, miss, ok := p.along(q); ok {
				// The code is on the side of p's v: p and q are its upper rings, or its left ones from below.
				p := p.turned(axis)
				q := facing(q, p.ux, p.uy)
				out = append(out,
					triple{a: p, b: q, c: p.moved(0, n), n: n, miss: miss, lost: 3},
					triple{a: q.turned(1), b: q.moved(0, n).turned(1), c: p.turned(1), n: n, miss: miss, lost: 2})
				continue
			}
			if i < k {
				out = append(out, p.across(q)...)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b triple) int { return cmp.Compare(a.miss, b.miss) })
	return out[:min(len(out), mostPairs)]
}

// moved answers a ring some modules along u and v, as if there were no perspective.
func (a ring) moved(u, v float64) ring {
	a.x, a.y = a.x+u*a.ux+v*a.vx, a.y+u*a.uy+v*a.vy
	return a
}

// across answers the codes in which a and b are the upper right and lower left rings.
func (a ring) across(b ring) []triple {
	p, q := a.inFrame(b.x-a.x, b.y-a.y)
	b = facing(b, a.ux, a.uy)
	s, t := b.inFrame(b.x-a.x, b.y-a.y)
	square := func(p, q float64) bool { return math.Abs(math.Log(math.Abs(p/q))) < 0.25 }
	n := math.Sqrt(math.Sqrt(math.Abs(p * q * s * t)))
	miss := math.Abs(math.Log(math.Abs(p/q))) + math.Abs(math.Log(math.Abs(s/t)))
	if !square(p, q) || !square(s, t) || !square(p, s) || p*s < 0 || q*t < 0 || !(n > 11) || n > 178 {
		return nil
	}
	// The lost corner is along a's u or along a's v.
	var out []triple
	for _, corner := range [2]ring{a.moved(math.Copysign(n, p), 0), a.moved(0, math.Copysign(n, q))} {
		right, down := a, b
		if (right.x-corner.x)*(down.y-corner.y)-(right.y-corner.y)*(down.x-corner.x) < 0 {
			right, down = down, right
		}
		corner = facing(corner, right.x-corner.x, right.y-corner.y)
		out = append(out, triple{a: corner, b: facing(right, corner.ux, corner.uy), c: facing(down, corner.ux, corner.uy), n: n, miss: miss, lost: 1})
	}
	return out
}

// along reports on which axis of a's frame b lies (0 is +u, 1 +v, 2 -u, 3 -v), how many modules away, and how far the two
// are from agreeing.
func (a ring) along(b ring) (axis int, n, miss float64, ok bool) {
	dx, dy := b.x-a.x, b.y-a.y
	p, q := a.inFrame(dx, dy)
	s, t := b.inFrame(dx, dy)
	na, nb := math.Max(math.Abs(p), math.Abs(q)), math.Max(math.Abs(s), math.Abs(t))
	skewA, skewB := math.Min(math.Abs(p), math.Abs(q))/na, math.Min(math.Abs(s), math.Abs(t))/nb
	n = math.Sqrt(na * nb) // the mean that is right in perspective
	scale := math.Abs(math.Log(na / nb))
	if !(n > 11) || n > 178 || skewA > 0.3 || skewB > 0.3 || scale > 0.8 {
		return 0, 0, 0, false
	}
	switch {
	case math.Abs(p) >= math.Abs(q) && p > 0:
		axis = 0
	case math.Abs(p) >= math.Abs(q):
		axis = 2
	case q > 0:
		axis = 1
	default:
		axis = 3
	}
	return axis, n, skewA + skewB + scale/2, true
}

// inFrame answers how many u and v a vector is.
func (a ring) inFrame(x, y float64) (p, q float64) {
	det := a.ux*a.vy - a.uy*a.vx
	return (x*a.vy - y*a.vx) / det, (y*a.ux - x*a.uy) / det
}

// turned answers the ring with its frame turned by quarters.
func (a ring) turned(quarters int) ring {
	for range quarters {
		a.ux, a.uy, a.vx, a.vy = a.vx, a.vy, -a.ux, -a.uy
	}
	return a
}

// facing answers the ring with its frame turned so that u points most in the given direction.
func facing(r ring, x, y float64) ring {
	best, cos := r, -2.0
	for k := range 4 {
		t := r.turned(k)
		if c := (t.ux*x + t.uy*y) / math.Hypot(t.ux, t.uy); c > cos {
			best, cos = t, c
		}
	}
	return best
}

// sizes answers the numbers of modules along a side that the code may have, the likeliest first.
func (t triple) sizes() []int {
	estimate := t.n + 7
	version := int(math.Round((estimate - 17) / 4))
	var out []int
	for v := version - 1; v <= version+1; v++ {
		if v >= 1 && v <= 40 {
			out = append(out, 17+4*v)
		}
	}
	slices.SortStableFunc(out, func(a, b int) int {
		return cmp.Compare(math.Abs(float64(a)-estimate), math.Abs(float64(b)-estimate))
	})
	return out
}
