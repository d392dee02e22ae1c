package codes

import (
	"math"
	"sync"
)

// A blurred module is a mixture of itself and its neighbours. What mixture, the fixed patterns tell: there it is known what
// was mixed. Then the modules are sought that, mixed like that, give what was seen; and because they are dark or light and
// nothing between, that works for blurs that no sharpening of a picture takes off.

const (
	spreadReach = 2
	spreadSide  = 2*spreadReach + 1
	mostUnblur  = 77 // modules
	rounds      = 80 // of solve
)

// kernel is how a module spreads over 5 × 5; offset is what is added to all.
type kernel struct {
	weight [spreadSide * spreadSide]float64
	offset float64
}

// unblur takes the blur off and decodes. What it found in one round tells the mixture better in the next.
func (g *sheet) unblur(m modules) (string, bool) {
	if m.n > mostUnblur {
		return "", false // so many modules are small, and a blur is many of them wide
	}
	known := make([]float64, m.n*m.n) // 0 where not known
	for _, f := range g.fixed {
		known[f.y*m.n+f.x] = float64(f.want)
	}
	believed := append([]float64(nil), known...)
	for round := range 5 {
		fit := learn
		if round == 0 {
			fit = choose
		}
		k, ok := fit(m, believed)
		if !ok || *g.work > mostWork {
			return "", false
		}
		bits := solve(m, k, known)
		*g.work += 3 * rounds * m.n * m.n
		if text, ok := decode(bits); ok {
			return text, true
		}
		changed := 0
		for i, v := range bits.v {
			b := math.Copysign(1, float64(v))
			if b != believed[i] {
				changed++
			}
			believed[i] = b
		}
		if changed == 0 {
			return "", false
		}
	}
	return "", false
}

// bells are the mixtures that lenses and hands make: bell curves, wider along one of four directions than across.
var bells = sync.OnceValue(func() (out [][spreadSide * spreadSide]float64) {
	widths := []float64{0.25, 0.45, 0.6, 0.7, 0.8, 0.9, 1.05}
	for i, across := range widths {
		for _, along := range widths[i:] {
			for turn := range 4 {
				if along == across && turn > 0 {
					break
				}
				out = append(out, bell(along, across, float64(turn)*math.Pi/4))
			}
		}
	}
	return out
})

func bell(along, across, turn float64) (k [spreadSide * spreadSide]float64) {
	const fine = 5 // places along a module's side
	cs, sn := math.Cos(turn), math.Sin(turn)
	sum := 0.0
	for i := range k {
		for j := range fine * fine {
			x := float64(i%spreadSide-spreadReach) + (float64(j%fine)+0.5)/fine - 0.5
			y := float64(i/spreadSide-spreadReach) + (float64(j/fine)+0.5)/fine - 0.5
			a, b := (x*cs+y*sn)/along, (y*cs-x*sn)/across
			k[i] += math.Exp(-(a*a + b*b) / 2)
		}
		sum += k[i]
	}
	for i := range k {
		k[i] /= sum
	}
	return k
}

// choose answers the bell that explains best, with its strength and offset, what is seen of the modules whose surroundings
// are believed.
func choose(m modules, believed []float64) (kernel, bool) {
	var places []int
	for i := range m.v {
		if _, ok := surroundings(believed, m.n, i%m.n, i/m.n); ok {
			places = append(places, i)
		}
	}
	if len(places) < 40 {
		return kernel{}, false
	}
	best, least := kernel{}, math.Inf(1)
	for _, k := range bells() {
		var sp, sv, spp, spv, svv float64
		for _, i := range places {
			around, _ := surroundings(believed, m.n, i%m.n, i/m.n)
			p, v := 0.0, float64(m.v[i])
			for j, w := range k {
				p += w * around[j]
			}
			sp, sv, spp, spv, svv = sp+p, sv+v, spp+p*p, spv+p*v, svv+v*v
		}
		n := float64(len(places))
		strength := (spv - sp*sv/n) / max(1e-9, spp-sp*sp/n)
		if miss := svv - sv*sv/n - strength*(spv-sp*sv/n); miss < least && strength > 0 {
			least = miss
			best.offset = (sv - strength*sp) / n
			for j, w := range k {
				best.weight[j] = strength * w
			}
		}
	}
	return best, !math.IsInf(least, 1)
}

// surroundings answers what is believed of a module and its neighbours; not ok where something is not known.
func surroundings(believed []float64, n, x, y int) (around [spreadSide * spreadSide]float64, ok bool) {
	for i := range around {
		px, py := x+i%spreadSide-spreadReach, y+i/spreadSide-spreadReach
		around[i] = 1 // the quiet zone
		if px >= 0 && py >= 0 && px < n && py < n {
			if around[i] = believed[py*n+px]; around[i] == 0 {
				return around, false
			}
		}
	}
	return around, true
}

// learn fits the mixture by least squares over the modules whose surroundings are believed, held a little to no blur.
func learn(m modules, believed []float64) (kernel, bool) {
	const size = spreadSide*spreadSide + 1
	var a matrix
	var b vector
	var row vector
	equations := 0
	for at, v := range m.v {
		around, ok := surroundings(believed, m.n, at%m.n, at/m.n)
		if !ok {
			continue
		}
		equations++
		copy(row[:], around[:])
		row[size-1] = 1
		for i := range row {
			for j := range i + 1 {
				a[i][j] += row[i] * row[j]
			}
			b[i] += row[i] * float64(v)
		}
	}
	if equations < 40 {
		return kernel{}, false
	}
	ridge := 0.02 * float64(equations)
	for i := range size {
		weight := ridge
		if i < size-1 {
			dx, dy := i%spreadSide-spreadReach, i/spreadSide-spreadReach
			weight = ridge * float64(1+dx*dx+dy*dy) // far neighbours mix in less
		}
		a[i][i] += weight
		for j := range i {
			a[j][i] = a[i][j]
		}
	}
	x, ok := gauss(&a, b)
	if !ok {
		return kernel{}, false
	}
	var k kernel
	copy(k.weight[:], x[:size-1])
	k.offset = x[size-1]
	return k, true
}

// gauss solves a·x = b for a symmetric positive matrix.
func gauss(a *matrix, b vector) (vector, bool) {
	m, v := *a, b
	for i := range m {
		if m[i][i] < 1e-9 {
			return b, false
		}
		for j := i + 1; j < len(m); j++ {
			f := m[j][i] / m[i][i]
			for k := i; k < len(m); k++ {
				m[j][k] -= f * m[i][k]
			}
			v[j] -= f * v[i]
		}
	}
	for i := len(m) - 1; i >= 0; i-- {
		for k := i + 1; k < len(m); k++ {
			v[i] -= m[i][k] * v[k]
		}
		v[i] /= m[i][i]
	}
	return v, true
}

// solve seeks the modules between dark and light whose mixture is nearest to what was seen, by projected gradients with
// momentum (FISTA).
func solve(m modules, k kernel, known []float64) modules {
	n := m.n
	total := 0.0
	for _, w := range k.weight {
		total += math.Abs(w)
	}
	step := 1 / max(1e-3, total*total)
	x, last, ahead := make([]float64, n*n), make([]float64, n*n), make([]float64, n*n)
	for i := range x {
		x[i] = min(1, max(-1, float64(m.v[i])))
		if known[i] != 0 {
			x[i] = known[i]
		}
	}
	copy(last, x)
	copy(ahead, x)
	residual, slope := make([]float64, n*n), make([]float64, n*n)
	momentum := 1.0
	for range rounds {
		mix(residual, ahead, n, k.weight, 1)
		for i := range residual {
			residual[i] += k.offset - float64(m.v[i])
		}
		var turned [spreadSide * spreadSide]float64
		for i, w := range k.weight {
			turned[len(turned)-1-i] = w
		}
		mix(slope, residual, n, turned, 0)
		next := (1 + math.Sqrt(1+4*momentum*momentum)) / 2
		for i := range x {
			last[i] = x[i]
			x[i] = min(1, max(-1, ahead[i]-step*slope[i]))
			if known[i] != 0 {
				x[i] = known[i]
			}
			ahead[i] = x[i] + (momentum-1)/next*(x[i]-last[i])
		}
		momentum = next
	}
	out := modules{n: n, v: make([]float32, n*n)}
	for i, v := range x {
		out.v[i] = float32(v)
	}
	return out
}

// mix convolves; outside of the code everything is border.
func mix(out, in []float64, n int, weight [spreadSide * spreadSide]float64, border float64) {
	for y := range n {
		for x := range n {
			var sum float64
			if x >= spreadReach && y >= spreadReach && x < n-spreadReach && y < n-spreadReach {
				for dy := range spreadSide {
					row := in[(y+dy-spreadReach)*n+x-spreadReach:][:spreadSide]
					w := weight[dy*spreadSide:][:spreadSide]
					sum += row[0]*w[0] + row[1]*w[1] + row[2]*w[2] + row[3]*w[3] + row[4]*w[4]
				}
			} else {
				for i, w := range weight {
					px, py := x+i%spreadSide-spreadReach, y+i/spreadSide-spreadReach
					v := border
					if px >= 0 && py >= 0 && px < n && py < n {
						v = in[py*n+px]
					}
					sum += v * w
				}
			}
			out[y*n+x] = sum
		}
	}
}

type (
	vector [spreadSide*spreadSide + 1]float64
	matrix [spreadSide*spreadSide + 1]vector
)
