package codes

import (
	"math"

	"github.com/makiuchi-d/gozxing/qrcode/decoder"
)

// sheet is a grid of n × n modules laid over the picture. Four anchors carry it: the middles of the three rings and the
// place where a fourth would be. Between them it follows perspective, and four bows bend its edges like curled paper.
type sheet struct {
	n      int
	anchor [4][2]float64 // upper left, upper right, lower right, lower left; in pixels of the sampled level
	bow    [4][2]float64 // how far the middles of the upper, right, lower and left edge are off

	level     *level
	plain     *level        // the same without sharpening
	light     [3][2]float64 // middle and half range of brightness at the upper left, upper right and lower left
	seeking   []int         // the anchors that no ring holds
	bendable  bool
	transform [8]float64 // of the anchors

	fixed  []fixed
	some   []int   // the modules whose sharpness is asked
	match  float64 // how well the fixed patterns are there, from -1 to a little over 1
	timing float64 // how well the timing pattern alone
	sure   bool    // it is a code beyond doubt
	work   *int    // counts what the search has done
}

// fixed is a module that is the same in every code of this size.
type fixed struct {
	x, y   int
	want   float32 // -1 dark, 1 light
	timing bool
}

// plausible reports whether the fixed patterns are there, to so many shares of what is asked of a grid that lies right. The
// timing pattern, which is the finest, tells codes from tiles and rings best, but a blur takes it away first.
func (g *sheet) plausible(share float64) bool {
	if g.level == g.plain {
		return g.match > 0.5*share && g.timing > 0.3*share-0.25 && g.match+g.timing > 0.77*share
	}
	return g.match > 0.72*share && g.timing > -0.1
}

// like reports whether two grids lie on the same place.
func (g *sheet) like(o *sheet) bool {
	near := 2 * g.module() * g.level.scale
	for i, p := range g.anchor {
		q, k, m := o.anchor[i], g.level.scale, o.level.scale
		dx, dy := (p[0]+g.level.left)*k-(q[0]+o.level.left)*m, (p[1]+g.level.top)*k-(q[1]+o.level.top)*m
		if math.Hypot(dx, dy) > near {
			return false
		}
	}
	return g.n == o.n
}

// holds reports whether the rings that a triple was found by are anchors of the grid.
func (g *sheet) holds(l *level, t triple) bool {
	near := 1.5 * g.module() * g.level.scale
	for i, r := range [3]ring{t.a, t.b, t.c} {
		found := i+1 == t.lost
		for _, at := range [3]int{0, 1, 3} {
			p, k := g.anchor[at], g.level.scale
			found = found || math.Hypot((p[0]+g.level.left)*k-(r.x+l.left)*l.scale, (p[1]+g.level.top)*k-(r.y+l.top)*l.scale) < near
		}
		if !found {
			return false
		}
	}
	return true
}

// newSheet lays a grid of n modules over three rings that were found on a level; nil when nothing fits. The grid is laid
// where a module is some 2.5 to 5 pixels, because that is less work and takes the mean of its area, but over a sharpened
// level it stays there: only sharpened the patterns can be seen.
func newSheet(found *level, t triple, n int, work *int) *sheet {
	g := &sheet{n: n, work: work, level: found, plain: found}
	if found.plain != nil {
		g.plain = found.plain
	}
	module := min(math.Hypot(t.b.x-t.a.x, t.b.y-t.a.y), math.Hypot(t.c.x-t.a.x, t.c.y-t.a.y)) / float64(n-7)
	for found.plain == nil && module >= 5 && g.level.smaller != nil {
		g.level, module = g.level.smaller, module/2
	}
	for found.plain == nil && module < 2.5 && g.level.larger != nil {
		g.level, module = g.level.larger, 2*module
	}
	if found.plain == nil {
		g.plain = g.level
	}
	k := found.scale / g.level.scale
	at := func(r ring) [2]float64 { return [2]float64{r.x * k, r.y * k} }
	g.anchor[0], g.anchor[1], g.anchor[3] = at(t.a), at(t.b), at(t.c)
	for i, r := range [3]ring{t.a, t.b, t.c} {
		r.x, r.y, r.ux, r.uy, r.vx, r.vy = r.x*k, r.y*k, r.ux*k, r.uy*k, r.vx*k, r.vy*k
		g.level.compare(&r)
		g.light[i] = [2]float64{(r.dark + r.light) / 2, max(2, (r.light-r.dark)/2)}
	}
	g.fixed, g.some = fixedModules(n), someModules(n)
	g.seeking = []int{2}
	if t.lost > 0 {
		g.seeking = append(g.seeking, [3]int{0, 1, 3}[t.lost-1])
		g.light[t.lost-1] = g.light[t.lost%3]
	}
	// The fourth anchor: where the edges along the rings' frames meet, or as if there were no perspective.
	flat := [2]float64{g.anchor[1][0] + g.anchor[3][0] - g.anchor[0][0], g.anchor[1][1] + g.anchor[3][1] - g.anchor[0][1]}
	g.anchor[2] = flat
	start := *g
	g.seek()
	if meet, ok := cross(g.anchor[1], t.b.vx, t.b.vy, g.anchor[3], t.c.ux, t.c.uy); ok {
		side := math.Hypot(flat[0]-g.anchor[1][0], flat[1]-g.anchor[1][1]) + math.Hypot(flat[0]-g.anchor[3][0], flat[1]-g.anchor[3][1])
		if math.Hypot(meet[0]-flat[0], meet[1]-flat[1]) < 0.3*side {
			start.anchor[2] = meet
			start.seek()
			if start.quality() > g.quality() {
				*g = start
			}
		}
	}
	g.measure()
	if !g.plausible(0.7) {
		return nil
	}
	return g
}

// cross answers where two lines meet.
func cross(p [2]float64, dx, dy float64, q [2]float64, ex, ey float64) ([2]float64, bool) {
	det := dx*ey - dy*ex
	if math.Abs(det) < 1e-3*math.Hypot(dx, dy)*math.Hypot(ex, ey) {
		return p, false
	}
	t := ((q[0]-p[0])*ey - (q[1]-p[1])*ex) / det
	return [2]float64{p[0] + t*dx, p[1] + t*dy}, t > 0
}

// aim computes the perspective of the anchors: the unit square onto a quadrilateral (Heckbert, 1989).
func (g *sheet) aim() {
	a, b, c, d := g.anchor[0], g.anchor[1], g.anchor[2], g.anchor[3]
	sx, sy := a[0]-b[0]+c[0]-d[0], a[1]-b[1]+c[1]-d[1]
	dx1, dy1, dx2, dy2 := b[0]-c[0], b[1]-c[1], d[0]-c[0], d[1]-c[1]
	det := dx1*dy2 - dx2*dy1
	var p, q float64
	if math.Abs(det) > 1e-9 {
		p, q = (sx*dy2-dx2*sy)/det, (dx1*sy-sx*dy1)/det
	}
	g.transform = [8]float64{b[0] - a[0] + p*b[0], d[0] - a[0] + q*d[0], a[0], b[1] - a[1] + p*b[1], d[1] - a[1] + q*d[1], a[1], p, q}
}

// place answers where a point of the grid is in the sampled level; (0, 0) is the code's upper left corner.
func (g *sheet) place(mx, my float64) (x, y float64) {
	span := float64(g.n - 7)
	s, t := (mx-3.5)/span, (my-3.5)/span
	h := &g.transform
	w := h[6]*s + h[7]*t + 1
	if w < 1e-3 {
		w = 1e-3
	}
	x, y = (h[0]*s+h[1]*t+h[2])/w, (h[3]*s+h[4]*t+h[5])/w
	if g.bendable {
		bs, bt := 4*s*(1-s), 4*t*(1-t)
		up, right, low, left := bs*(1-t), bt*s, bs*t, bt*(1-s)
		x += up*g.bow[0][0] + right*g.bow[1][0] + low*g.bow[2][0] + left*g.bow[3][0]
		y += up*g.bow[0][1] + right*g.bow[1][1] + low*g.bow[2][1] + left*g.bow[3][1]
	}
	return x, y
}

// value answers a brightness at a point of the grid: about -1 for dark and 1 for light.
func (g *sheet) value(mx, my float64) float32 {
	x, y := g.place(mx, my)
	span := float64(g.n - 7)
	s, t := (mx-3.5)/span, (my-3.5)/span
	middle := g.light[0][0] + s*(g.light[1][0]-g.light[0][0]) + t*(g.light[2][0]-g.light[0][0])
	half := max(0.4*g.light[0][1], g.light[0][1]+s*(g.light[1][1]-g.light[0][1])+t*(g.light[2][1]-g.light[0][1]))
	return (g.level.at(x, y) - float32(middle)) / float32(half)
}

func clip(v, most float32) float32 { return min(max(v, -most), most) }

// measure answers how well the fixed patterns match, and keeps it.
func (g *sheet) measure() float64 {
	g.aim()
	var sum, timing float32
	for _, f := range g.fixed {
		v := clip(g.value(float64(f.x)+0.5, float64(f.y)+0.5), 1.2) * f.want
		sum += v
		if f.timing {
			timing += v
		}
	}
	*g.work += len(g.fixed)
	g.timing = float64(timing) / float64(2*(g.n-16))
	g.match = float64(sum) / float64(len(g.fixed))
	return g.match
}

// quality is what is made best: fixed patterns that match, and modules that are clearly dark or light, which they are only
// in a grid that lies right.
func (g *sheet) quality() float64 {
	match := g.measure()
	var sum float32
	for _, i := range g.some {
		v := g.value(float64(i%g.n)+0.5, float64(i/g.n)+0.5)
		sum += min(max(v, -v), 1)
	}
	*g.work += len(g.some)
	return match + 0.7*float64(sum)/float64(len(g.some))
}

func (g *sheet) module() float64 {
	side := math.Hypot(g.anchor[1][0]-g.anchor[0][0], g.anchor[1][1]-g.anchor[0][1]) + math.Hypot(g.anchor[3][0]-g.anchor[0][0], g.anchor[3][1]-g.anchor[0][1])
	return side / 2 / float64(g.n-7)
}

// quiet answers how light it is around the code, where nothing may be printed.
func (g *sheet) quiet() float64 {
	g.aim()
	const off = 1.2
	n := float64(g.n)
	var sum float32
	for i := range g.n {
		at := float64(i) + 0.5
		for _, p := range [4][2]float64{{at, -off}, {at, n + off}, {-off, at}, {n + off, at}} {
			sum += clip(g.value(p[0], p[1]), 1)
		}
	}
	return float64(sum) / (4 * n)
}

// seek moves the anchors that no ring holds, by whole modules and less.
func (g *sheet) seek() {
	var free []*float64
	for _, i := range g.seeking {
		free = append(free, &g.anchor[i][0], &g.anchor[i][1])
	}
	g.climb(free, []float64{2, 1, 0.5, 0.25})
}

// settle moves all anchors until the grid lies best.
func (g *sheet) settle() {
	var all []*float64
	for i := range g.anchor {
		all = append(all, &g.anchor[i][0], &g.anchor[i][1])
	}
	g.climb(all, []float64{0.4, 0.2, 0.1, 0.05})
}

// bend lets the edges bow as well.
func (g *sheet) bend() {
	g.bendable = true
	var bows, all []*float64
	for i := range g.bow {
		bows = append(bows, &g.bow[i][0], &g.bow[i][1])
	}
	for i := range g.anchor {
		all = append(all, &g.anchor[i][0], &g.anchor[i][1])
	}
	g.climb(bows, []float64{1, 0.5})
	g.climb(append(all, bows...), []float64{0.5, 0.25, 0.1, 0.05})
}

// climb moves one number after the other, by so many modules, as long as the quality grows.
func (g *sheet) climb(numbers []*float64, steps []float64) {
	best := g.quality()
	module := g.module()
	for _, step := range steps {
		for range 5 {
			before := best
			for _, v := range numbers {
				was := *v
				for _, sign := range [2]float64{1, -1} {
					*v = was + sign*step*module
					if q := g.quality(); q > best {
						best = q
						break
					}
					*v = was
				}
			}
			if best-before < 0.004 {
				break
			}
		}
	}
	g.measure()
}

// corners answers the code's corners in shares of the picture.
func (g *sheet) corners(top *level) (out [4]Point) {
	n := float64(g.n)
	for i, c := range [4][2]float64{{0, 0}, {n, 0}, {n, n}, {0, n}} {
		x, y := g.place(c[0], c[1])
		p := g.level.share(x, y, top)
		out[i] = Point{X: share(p.X), Y: share(p.Y)}
	}
	return out
}

func share(v float64) float64 {
	if !(v > 0) {
		return 0
	}
	return min(v, 1)
}

// someModules answers some 500 of a code's modules, spread over rows and columns.
func someModules(n int) []int {
	stride := 1 + n*n/500
	for stride > 1 && n%stride == 0 || stride%n == 0 {
		stride++
	}
	var out []int
	for i := 0; i < n*n; i += stride {
		out = append(out, i)
	}
	return out
}

// fixedModules answers rings with their separators, timing and alignment patterns of a code with n modules (ISO/IEC 18004, 6.3).
func fixedModules(n int) []fixed {
	var out []fixed
	taken := make([]bool, n*n)
	put := func(x, y int, dark bool) {
		if x < 0 || y < 0 || x >= n || y >= n || taken[y*n+x] {
			return
		}
		taken[y*n+x] = true
		want := float32(1)
		if dark {
			want = -1
		}
		out = append(out, fixed{x: x, y: y, want: want})
	}
	for _, c := range [3][2]int{{3, 3}, {n - 4, 3}, {3, n - 4}} {
		for y := -4; y <= 4; y++ {
			for x := -4; x <= 4; x++ {
				d := max(abs(x), abs(y))
				put(c[0]+x, c[1]+y, d != 2 && d != 4)
			}
		}
	}
	version, err := decoder.Version_GetVersionForNumber((n - 17) / 4)
	if err != nil {
		return out
	}
	centres := version.GetAlignmentPatternCenters()
	for _, cx := range centres {
		for _, cy := range centres {
			if cx < 9 && cy < 9 || cx < 9 && cy > n-10 || cx > n-10 && cy < 9 {
				continue
			}
			for y := -2; y <= 2; y++ {
				for x := -2; x <= 2; x++ {
					put(cx+x, cy+y, max(abs(x), abs(y)) != 1)
				}
			}
		}
	}
	for i := 8; i < n-8; i++ {
		for _, at := range [2][2]int{{i, 6}, {6, i}} {
			if !taken[at[1]*n+at[0]] {
				put(at[0], at[1], i%2 == 0)
				out[len(out)-1].timing = true
			}
		}
	}
	return out
}

// unsharpen has the grid look at the picture as it was. Where dark and light are is measured again, at the three rings.
func (g *sheet) unsharpen() {
	if g.level == g.plain {
		return
	}
	g.level = g.plain
	g.aim()
	n := float64(g.n)
	for i, c := range [3][2]float64{{3.5, 3.5}, {n - 3.5, 3.5}, {3.5, n - 3.5}} {
		r := ring{}
		r.x, r.y = g.place(c[0], c[1])
		r.ux, r.uy = g.place(c[0]+1, c[1])
		r.vx, r.vy = g.place(c[0], c[1]+1)
		r.ux, r.uy, r.vx, r.vy = r.ux-r.x, r.uy-r.y, r.vx-r.x, r.vy-r.y
		g.level.compare(&r)
		g.light[i] = [2]float64{(r.dark + r.light) / 2, max(1, (r.light-r.dark)/2)}
	}
}
