package codes

import (
	"math"
	"slices"
)

// patch is what a code looks like from so far away, or so much out of focus, that its modules run together: a grey
// parallelogram on a bright plain ground, everywhere about as grey, with a grain that is as coarse one way as the other.
type patch struct {
	x, y           float64 // its middle, in pixels of the largest level
	ux, uy, vx, vy float64 // half its sides
	grey           bool    // it is about as dark as a code
	code           bool    // and has the grain of one
}

const (
	leastPatch = 9  // pixels across in the level where a patch is sought
	mostPatch  = 30 // more is found in a smaller level
)

// patches answers the patches of a level.
func (l *level) patches() []patch {
	if l.w < 2*leastPatch || l.h < 2*leastPatch {
		return nil
	}
	var out []patch
	paper := l.brightest()
	grey := make([]bool, l.w*l.h)
	// Text beside a code is paler than a code: out of focus the two part only at the lower share.
	shares := []int{78, 66}
	if l.w*l.h > 1<<18 {
		shares = []int{72} // here the smallest are sought, and two looks would be dear
	}
	for _, share := range shares {
		out = l.areas(grey, paper, share, out)
	}
	return out
}

// areas looks among the connected areas of what is darker than a share of the paper.
func (l *level) areas(grey []bool, paper []byte, share int, out []patch) []patch {
	across := (l.w + block - 1) / block
	for y := range l.h {
		row := l.pix[y*l.stride:][:l.w]
		for x, v := range row {
			grey[y*l.w+x] = int(v)*100 < share*int(paper[(y>>3)*across+x>>3])
		}
	}
	var stack, area []int32
	for start := range grey {
		if !grey[start] {
			continue
		}
		area, stack = area[:0], append(stack[:0], int32(start))
		grey[start] = false
		for len(stack) > 0 {
			i := int(stack[len(stack)-1])
			stack = stack[:len(stack)-1]
			area = append(area, int32(i))
			x, y := i%l.w, i/l.w
			for _, n := range [4][2]int{{x - 1, y}, {x + 1, y}, {x, y - 1}, {x, y + 1}} {
				if n[0] >= 0 && n[1] >= 0 && n[0] < l.w && n[1] < l.h && grey[n[1]*l.w+n[0]] {
					grey[n[1]*l.w+n[0]] = false
					stack = append(stack, int32(n[1]*l.w+n[0]))
				}
			}
		}
		if len(area) < leastPatch*leastPatch/2 || len(area) > mostPatch*mostPatch {
			continue
		}
		if p, ok := l.patch(area); ok {
			out = append(out, p)
		}
	}
	return out
}

// brightest answers for every block of 8 × 8 how bright paper is around it.
func (l *level) brightest() []byte {
	across, down := (l.w+block-1)/block, (l.h+block-1)/block
	cells := make([]byte, across*down)
	for y := range l.h - 1 {
		a, b := l.pix[y*l.stride:][:l.w], l.pix[(y+1)*l.stride:][:l.w]
		for x := range l.w - 1 {
			v := byte((int(a[x]) + int(a[x+1]) + int(b[x]) + int(b[x+1])) / 4)
			if c := &cells[(y>>3)*across+x>>3]; v > *c {
				*c = v
			}
		}
	}
	const reach = 2
	out := make([]byte, len(cells))
	for y := range down {
		for x := range across {
			var most byte
			for b := max(0, y-reach); b <= min(down-1, y+reach); b++ {
				most = max(most, slices.Max(cells[b*across+max(0, x-reach):b*across+min(across-1, x+reach)+1]))
			}
			out[y*across+x] = most
		}
	}
	return out
}

// patch judges a connected grey area.
func (l *level) patch(area []int32) (patch, bool) {
	x0, y0, x1, y1 := l.w, l.h, 0, 0
	for _, i := range area {
		x, y := int(i)%l.w, int(i)/l.w
		x0, x1, y0, y1 = min(x0, x), max(x1, x), min(y0, y), max(y1, y)
	}
	if x0 == 0 || y0 == 0 || x1 == l.w-1 || y1 == l.h-1 || x1-x0 > 2*mostPatch || y1-y0 > 2*mostPatch {
		return patch{}, false
	}
	cx, cy, sxx, sxy, syy, n := fill(area, l.w, x0, y0, x1, y1)
	// A square with sides of 2 has the second moment 1/3 along each axis.
	sxx, sxy, syy = 3*sxx, 3*sxy, 3*syy
	det := sxx*syy - sxy*sxy
	if det <= 0 || n*n < 130.0/9*det || n*n > 156.0/9*det {
		return patch{}, false // neither a parallelogram nor nearly one
	}
	s := math.Sqrt(det)
	t := math.Sqrt(sxx + syy + 2*s)
	a, b, c := (sxx+s)/t, sxy/t, (syy+s)/t
	var best patch
	fit := 0.0
	for i := range 12 {
		phi := float64(i) * math.Pi / 24
		cs, sn := math.Cos(phi), math.Sin(phi)
		p := patch{x: cx, y: cy, ux: a*cs + b*sn, uy: b*cs + c*sn, vx: -a*sn + b*cs, vy: -b*sn + c*cs}
		if f := p.overlap(area, l.w, n); f > fit {
			best, fit = p, f
		}
	}
	u, v := math.Hypot(best.ux, best.uy), math.Hypot(best.vx, best.vy)
	if fit < 0.86 || min(u, v) < leastPatch/2.5 || max(u, v) > 3*min(u, v) {
		return patch{}, false
	}
	light, ok := l.onPaper(best)
	if !ok {
		return patch{}, false
	}
	grey, code, dotted := l.grained(best, light)
	square := fit > 0.92 && n*n < 151.0/9*det // a disc is not far from one
	best.grey, best.code = grey, grey && (dotted || code && square)
	k := l.scale
	best.x, best.y, best.ux, best.uy, best.vx, best.vy = k*best.x, k*best.y, k*best.ux, k*best.uy, k*best.vx, k*best.vy
	return best, true
}

// fill answers the middle, the second moments and the size of an area with its holes.
func fill(area []int32, w, x0, y0, x1, y1 int) (cx, cy, sxx, sxy, syy, n float64) {
	// Between the first and the last pixel of each row everything belongs to it: right for what is convex, and a shape
	// that is not is found out by its moments.
	first, last := make([]int, y1-y0+1), make([]int, y1-y0+1)
	for i := range first {
		first[i], last[i] = x1+1, x0-1
	}
	for _, i := range area {
		x, y := int(i)%w, int(i)/w-y0
		first[y], last[y] = min(first[y], x), max(last[y], x)
	}
	for pass := range 2 {
		for i := range first {
			for x := first[i]; x <= last[i]; x++ {
				px, py := float64(x)+0.5, float64(y0+i)+0.5
				if pass == 0 {
					cx, cy, n = cx+px, cy+py, n+1
					continue
				}
				dx, dy := px-cx, py-cy
				sxx, sxy, syy = sxx+dx*dx/n, sxy+dx*dy/n, syy+dy*dy/n
			}
		}
		if pass == 0 {
			cx, cy = cx/n, cy/n
		}
	}
	return cx, cy, sxx + 1.0/12, sxy, syy + 1.0/12, n
}

// overlap answers what share of the area and of the parallelogram they have in common.
func (p patch) overlap(area []int32, w int, n float64) float64 {
	det := p.ux*p.vy - p.uy*p.vx
	in := 0
	for _, i := range area {
		dx, dy := float64(int(i)%w)+0.5-p.x, float64(int(i)/w)+0.5-p.y
		a, b := (dx*p.vy-dy*p.vx)/det, (dy*p.ux-dx*p.uy)/det
		if math.Abs(a) <= 1 && math.Abs(b) <= 1 {
			in++
		}
	}
	return float64(in) / max(n, 4*math.Abs(det))
}

func (p patch) at(a, b float64) (x, y float64) { return p.x + a*p.ux + b*p.vx, p.y + a*p.uy + b*p.vy }

// onPaper reports whether bright plain ground begins all around it, behind an edge that may be soft, and goes on for a while;
// and how bright it is.
func (l *level) onPaper(p patch) (light float64, ok bool) {
	const sides, places = 4, 12
	var most, mean [sides * places]float64
	for i := range most {
		along := (float64(i%places)+0.5)*2/places - 1
		for k := range 5 {
			a, b := along, 1.06+0.06*float64(k)
			if i/places%2 == 1 {
				a, b = b, a
			}
			if i/places >= 2 {
				a, b = -a, -b
			}
			x, y := p.at(a, b)
			v := float64(l.at(x, y))
			most[i] = max(most[i], v)
			if k > 0 && k < 4 {
				mean[i] += v / 3
			}
		}
	}
	sorted := most
	slices.Sort(sorted[:])
	light = sorted[len(sorted)/2]
	begins, goesOn := 0, 0
	for i := range most {
		if most[i] > 0.74*light {
			begins++
		}
		if mean[i] > 0.74*light && mean[i] < 1.12*light {
			goesOn++
		}
	}
	return light, light >= 8 && begins*10 >= 9*len(most) && goesOn*10 >= 6*len(most)
}

// What was measured of codes that nobody can read, and of what else is grey on bright ground: windows, tiles, stones, rings.
const (
	leastGrey, mostGrey     = 0.29, 0.55   // mean darkness: half of the modules are dark, and ink is never black
	leastUneven, mostUneven = 0.012, 0.058 // between sixteenths of a code
	leastGrain              = 0.06         // within a sixteenth, and more where it is pale
	mostTwist               = 2.2          // of the grain along one axis to that along the other
)

// grained looks closer: a code is about half dark everywhere, and changes as often along one axis as along the other; or it
// has dots in three corners, which little else has. Darkness is in shares of the paper's light.
func (l *level) grained(p patch, light float64) (grey, code, dotted bool) {
	u := max(math.Hypot(p.ux, p.uy), math.Hypot(p.vx, p.vy))
	k := 1.0
	for u < 16 && l.larger != nil {
		l, u, k = l.larger, 2*u, 2*k
	}
	p = patch{x: p.x * k, y: p.y * k, ux: p.ux * k, uy: p.uy * k, vx: p.vx * k, vy: p.vy * k}
	const n, cells = ghostSide, 4
	var v [n][n]float64
	var coarse [cells][cells]float64
	var mean, uneven, along, across float64
	for i := range n {
		for j := range n {
			x, y := p.at(inner*((float64(i)+0.5)/n*2-1), inner*((float64(j)+0.5)/n*2-1))
			v[i][j] = 1 - float64(l.at(x, y))/light
			mean += v[i][j] / (n * n)
			coarse[i*cells/n][j*cells/n] += v[i][j] * cells * cells / (n * n)
		}
	}
	for i := range coarse {
		for j := range coarse {
			uneven += (coarse[i][j] - mean) * (coarse[i][j] - mean) / (cells * cells)
		}
	}
	for i := range n - 1 { // two by two, so that noise is not taken for grain
		for j := range n - 1 {
			v[i][j] = (v[i][j] + v[i+1][j] + v[i][j+1] + v[i+1][j+1]) / 4
		}
	}
	const lag = 3
	const places = n - 1 - 2*lag
	for i := range places { // how bent, not how steep: a slope of light is no grain
		for j := range places {
			a, b := v[i][j]-2*v[i+lag][j]+v[i+2*lag][j], v[i][j]-2*v[i][j+lag]+v[i][j+2*lag]
			along, across = along+a*a, across+b*b
		}
	}
	uneven = math.Sqrt(uneven)
	grain := math.Sqrt((along + across) / (2 * places * places))
	grey = mean > leastGrey-0.01 && mean < mostGrey+0.08
	code = mean > leastGrey && mean < mostGrey && uneven > leastUneven && uneven < mostUneven
	code = code && grain > leastGrain+1.2*max(0, leastGrey+0.04-mean)
	code = code && along < mostTwist*across && across < mostTwist*along
	return grey, code, uneven < 0.1 && grain > leastGrain/2 && dots(&v) > leastDots
}
