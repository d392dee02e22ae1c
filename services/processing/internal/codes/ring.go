package codes

import (
	"cmp"
	"context"
	"math"
	"slices"
)

// ring is one finder pattern: a dark square of 3 modules inside a light and a dark ring of one module each, 7 in all.
type ring struct {
	x, y           float64 // its middle
	ux, uy, vx, vy float64 // one module to the right and one down, up to quarter turns
	match          float64 // correlation with the ideal pattern
	dark, light    float64 // brightness of the two
}

const (
	mostRings   = 40
	mostBlobs   = 500
	leastRing   = 0.55 // match
	leastModule = 1.15 // pixels
)

// findRings answers the finder patterns of a level, the best first.
func findRings(ctx context.Context, l *level) ([]ring, error) {
	if l.w < 16 || l.h < 16 {
		return nil, nil
	}
	l.split()
	step := l.step()
	blobs := blobs{columns: make([][]int32, l.w>>columnBits+1), most: 14}
	if l.smaller == nil && l.plain == nil {
		blobs.most = 1 << 14
	}
	for y := 0; y < l.h; y += step {
		if y&255 == 0 {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
		}
		l.scan(y, &blobs)
	}
	all := slices.DeleteFunc(blobs.all, func(b blob) bool { return b.hits < 2 && b.mx > 1.4*float64(step) })
	slices.SortStableFunc(all, func(a, b blob) int { return cmp.Compare(b.hits, a.hits) })
	all = all[:min(len(all), mostBlobs)]
	var rings []ring
	for i, b := range all {
		if i&63 == 0 {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
		}
		if r, ok := l.fit(b); ok && !slices.ContainsFunc(rings, func(o ring) bool { return near(o, r) }) {
			rings = append(rings, r)
		}
	}
	slices.SortStableFunc(rings, func(a, b ring) int { return cmp.Compare(b.match, a.match) })
	if len(rings) > mostRings {
		rings = rings[:mostRings]
	}
	return rings, nil
}

func near(a, b ring) bool {
	return math.Hypot(a.x-b.x, a.y-b.y) < 2*max(math.Hypot(a.ux, a.uy), math.Hypot(a.vx, a.vy))
}

// blob is where rows and columns show the lengths of a finder pattern.
type blob struct {
	x, y   float64
	mx, my float64 // module across and down
	hits   int
}

// blobs is the places seen so far, by columns of the picture so that one is found again quickly.
type blobs struct {
	all     []blob
	columns [][]int32
	most    float64 // the largest module that is looked for; what is larger is found in a smaller level
}

const columnBits = 5

// again reports whether a place was seen before, and counts that.
func (b *blobs) again(x float64, y int, m float64) bool {
	column := int(x) >> columnBits
	for c := max(0, column-1); c <= min(len(b.columns)-1, column+1); c++ {
		list := b.columns[c]
		for i := len(list) - 1; i >= 0; i-- {
			o := &b.all[list[i]]
			if float64(y)-o.y > 6*b.most {
				break
			}
			if math.Abs(o.x-x) < o.mx && math.Abs(o.y-float64(y)) < 2*o.my && math.Abs(o.mx-m) < 0.5*o.mx {
				o.hits++
				return true
			}
		}
	}
	return false
}

// scan looks for runs of dark, light, dark, light, dark like 1:1:3:1:1 in one row.
func (l *level) scan(y int, blobs *blobs) {
	row := l.pix[y*l.stride:][:l.w]
	thresholds := l.threshold[(y>>3)*l.across:][:l.across]
	var edges [6]int // the last six changes; edges[5] is the newest
	was := false
	count := 0
	for x := 0; x < l.w; x++ {
		threshold := thresholds[x>>3]
		if threshold == 0 && !was { // a block without edges
			x |= block - 1
			continue
		}
		if (row[x] < threshold) == was {
			continue
		}
		edges[0], edges[1], edges[2], edges[3], edges[4], edges[5] = edges[1], edges[2], edges[3], edges[4], edges[5], x
		count++
		if was && count >= 6 {
			runs := [5]int{edges[1] - edges[0], edges[2] - edges[1], edges[3] - edges[2], edges[4] - edges[3], edges[5] - edges[4]}
			if runs[2] > runs[1] && runs[2] > runs[3] {
				if m, ok := likeRing(runs); ok && m <= blobs.most {
					l.cross(float64(edges[2]+edges[3])/2, y, m, blobs)
				}
			}
		}
		was = !was
	}
}

// likeRing reports whether five runs are like 1:1:3:1:1, and the module's size. Ink that spreads makes dark runs longer and
// light ones shorter by the same, so a dark and a light one are judged together.
func likeRing(r [5]int) (module float64, ok bool) {
	total := r[0] + r[1] + r[2] + r[3] + r[4]
	m := float64(total) / 7
	if m < leastModule {
		return 0, false
	}
	slack := 0.45*m + 0.6
	off := func(v, want float64) bool { return math.Abs(v-want) > slack }
	if off(float64(r[0]+r[1]), 2*m) || off(float64(r[3]+r[4]), 2*m) || math.Abs(float64(r[2])-3*m) > 1.1*m+0.6 {
		return 0, false
	}
	least := 0.3 * m
	for _, v := range r {
		if float64(v) < least {
			return 0, false
		}
	}
	return m, !off(float64(r[1]), float64(r[3])) && !off(float64(r[0]), float64(r[4]))
}

// cross asks the column through a place that a row has found.
func (l *level) cross(x float64, y int, m float64, blobs *blobs) {
	xi := int(x)
	if len(blobs.all) >= 4*mostBlobs || blobs.again(x, y, m) || !l.dark(xi, y) {
		return
	}
	runs, top := l.column(xi, y, int(12*m)+8)
	my, ok := likeRing(runs)
	if !ok || my > 4*m || m > 4*my {
		return
	}
	blobs.columns[xi>>columnBits] = append(blobs.columns[xi>>columnBits], int32(len(blobs.all)))
	blobs.all = append(blobs.all, blob{x: x, y: float64(top+runs[0]+runs[1]) + float64(runs[2])/2, mx: m, my: my, hits: 1})
}

// column answers the five runs around a dark pixel in its column, and where the first begins.
func (l *level) column(x, y, most int) (runs [5]int, top int) {
	up := y
	low, high := max(0, y-most), min(l.h-1, y+most)
	for i := 2; i >= 0; i-- {
		for up >= low && l.dark(x, up) == (i != 1) {
			up--
			runs[i]++
		}
	}
	down := y + 1
	for i := 2; i < 5; i++ {
		for down <= high && l.dark(x, down) == (i != 3) {
			down++
			runs[i]++
		}
	}
	return runs, up + 1
}

const directions = 32

var compass = func() (c [directions][2]float64) {
	for i := range c {
		a := 2 * math.Pi * float64(i) / directions
		c[i] = [2]float64{math.Cos(a), math.Sin(a)}
	}
	return c
}()

// fit finds the parallelogram that a finder pattern is in the picture.
func (l *level) fit(b blob) (ring, bool) {
	var outline [directions][2]float64
	threshold := float32(l.threshold[(min(max(int(b.y), 0), l.h-1)>>3)*l.across+min(max(int(b.x), 0), l.w-1)>>3])
	good := 0
	most := 7 * max(b.mx, b.my)
	var radii [directions]float64
	for k := range compass {
		i := k * 5 % directions // all around soon, so that a few tell
		if k == directions/4 && good < 4 {
			return ring{}, false
		}
		d := compass[i]
		r1, r2, r3 := l.ray(b.x, b.y, d, threshold, most, 0.25*min(b.mx, b.my))
		if r3 > 0 && r3 > 1.5*r1 && r3 < 4.5*r1 && r2 > 1.05*r1 {
			radii[i] = r3
			good++
		}
	}
	if good < directions*5/8 {
		return ring{}, false
	}
	for i, d := range compass { // what a ray has missed lies between its neighbours
		r := radii[i]
		if r == 0 {
			var sum, n float64
			for k := 1; k < directions && n < 2; k++ {
				for _, at := range [2]int{(i + k) % directions, (i - k + directions) % directions} {
					if radii[at] > 0 {
						sum, n = sum+radii[at], n+1
					}
				}
			}
			r = sum / n
		}
		outline[i] = [2]float64{b.x + r*d[0], b.y + r*d[1]}
	}
	cx, cy, sxx, sxy, syy := moments(outline[:])
	// A square of 7 modules has the second moment 49/12 along each axis; the root of the matrix is the frame up to a turn.
	sxx, sxy, syy = sxx*12/49, sxy*12/49, syy*12/49
	det := sxx*syy - sxy*sxy
	if det <= 0 {
		return ring{}, false
	}
	s := math.Sqrt(det)
	t := math.Sqrt(sxx + syy + 2*s)
	a, bb, c := (sxx+s)/t, sxy/t, (syy+s)/t
	best := ring{match: -1}
	for i := range 12 {
		phi := float64(i) * math.Pi / 24
		cs, sn := math.Cos(phi), math.Sin(phi)
		r := ring{x: cx, y: cy, ux: a*cs + bb*sn, uy: bb*cs + c*sn, vx: -a*sn + bb*cs, vy: -bb*sn + c*cs}
		l.compare(&r)
		if r.match > best.match {
			best = r
		}
	}
	if best.match < 0.35 {
		return ring{}, false
	}
	l.improve(&best)
	u, v := math.Hypot(best.ux, best.uy), math.Hypot(best.vx, best.vy)
	if best.match < leastRing || min(u, v) < 0.6 || max(u, v) > 5*min(u, v) {
		return ring{}, false
	}
	return best, true
}

// ray walks outwards and answers where dark turns light, light dark, and dark light again; r3 is 0 when it does not.
func (l *level) ray(x, y float64, d [2]float64, threshold float32, most, step float64) (r1, r2, r3 float64) {
	step = max(step, 0.4)
	state := 0
	last := l.at(x, y)
	for r := step; r < most; r += step {
		v := l.at(x+r*d[0], y+r*d[1])
		crossed := v >= threshold && last < threshold
		if state == 1 {
			crossed = v < threshold && last >= threshold
		}
		if crossed {
			at := r - step*float64((v-threshold)/(v-last))
			switch state {
			case 0:
				r1 = at
			case 1:
				r2 = at
			case 2:
				return r1, r2, at
			}
			state++
		}
		last = v
	}
	return r1, r2, 0
}

// moments answers the middle and the second moments of a polygon's area.
func moments(p [][2]float64) (cx, cy, sxx, sxy, syy float64) {
	var area float64
	for i := range p {
		a, b := p[i], p[(i+1)%len(p)]
		cross := a[0]*b[1] - a[1]*b[0]
		area += cross
		cx += cross * (a[0] + b[0])
		cy += cross * (a[1] + b[1])
	}
	if area == 0 {
		return p[0][0], p[0][1], 0, 0, 0
	}
	cx, cy = cx/(3*area), cy/(3*area)
	for i := range p {
		ax, ay := p[i][0]-cx, p[i][1]-cy
		bx, by := p[(i+1)%len(p)][0]-cx, p[(i+1)%len(p)][1]-cy
		cross := ax*by - ay*bx
		sxx += cross * (ax*ax + ax*bx + bx*bx)
		syy += cross * (ay*ay + ay*by + by*by)
		sxy += cross * (2*ax*ay + ax*by + bx*ay + 2*bx*by)
	}
	return cx, cy, sxx / (6 * area), sxy / (12 * area), syy / (6 * area)
}

// ideal is a finder pattern with the light ring around it: -1 dark, 1 light.
var ideal = func() (p [81]float32) {
	for i := range p {
		d := max(abs(i%9-4), abs(i/9-4))
		p[i] = -1
		if d == 2 || d == 4 {
			p[i] = 1
		}
	}
	return p
}()

func abs(v int) int { return max(v, -v) }

// compare sets how well the picture matches the ideal pattern in the frame of r.
func (l *level) compare(r *ring) {
	var dark, light, squares, sum float64
	for i, want := range ideal {
		a, b := float64(i%9-4), float64(i/9-4)
		v := float64(l.at(r.x+a*r.ux+b*r.vx, r.y+a*r.uy+b*r.vy))
		sum += v
		squares += v * v
		if want < 0 {
			dark += v
		} else {
			light += v
		}
	}
	const darks, lights, n = 33, 48, 81
	const mean = (lights - darks) / float64(n)
	spread := math.Sqrt(max(1e-9, squares-sum*sum/n)) * math.Sqrt(n-n*mean*mean)
	r.match = (light - dark - mean*sum) / spread
	r.dark, r.light = dark/darks, light/lights
	if r.light-r.dark < leastContrast {
		r.match = 0
	}
}

// improve moves the frame until the match is best.
func (l *level) improve(r *ring) {
	size := math.Sqrt(math.Abs(r.ux*r.vy - r.uy*r.vx))
	for _, by := range [3]float64{0.2, 0.08, 0.03} {
		for range 3 {
			before := r.match
			for i := range 6 {
				for _, sign := range [2]float64{1, -1} {
					t := *r
					delta := sign * by * size
					switch i {
					case 0:
						t.x += 2 * delta
					case 1:
						t.y += 2 * delta
					case 2:
						t.ux += delta / 2
					case 3:
						t.uy += delta / 2
					case 4:
						t.vx += delta / 2
					case 5:
						t.vy += delta / 2
					}
					l.compare(&t)
					if t.match > r.match {
						*r = t
						break
					}
				}
			}
			if r.match-before < 0.002 {
				break
			}
		}
	}
}
