package cardset

import "math"

// gauss blurs a layer with the given sigma; three boxes one after another stand for a wide bell.
func gauss(l *layer, sigma float64) {
	if sigma < 0.2 {
		return
	}
	if sigma < 3 {
		reach := int(math.Ceil(3 * sigma))
		kernel := make([]float32, 2*reach+1)
		var sum float32
		for i := range kernel {
			d := float64(i - reach)
			kernel[i] = float32(math.Exp(-d * d / (2 * sigma * sigma)))
			sum += kernel[i]
		}
		for i := range kernel {
			kernel[i] /= sum
		}
		lines(l, func(line, out []float32) {
			for i := range line {
				var v float32
				for k, weight := range kernel {
					v += weight * line[min(len(line)-1, max(0, i+k-reach))]
				}
				out[i] = v
			}
		})
		return
	}
	// A box of radius r has variance r(r+1)/3; three of them add up.
	radius := math.Sqrt(sigma*sigma+0.25) - 0.5
	low := int(radius)
	for i := range 3 {
		r := low
		if radius-float64(low) > (float64(i)+0.5)/3 {
			r++
		}
		lines(l, func(line, out []float32) { boxLine(line, out, r) })
	}
}

func boxLine(line, out []float32, r int) {
	at := func(i int) float32 { return line[min(len(line)-1, max(0, i))] }
	var sum float64
	for i := -r; i <= r; i++ {
		sum += float64(at(i))
	}
	for i := range line {
		out[i] = float32(sum / float64(2*r+1))
		sum += float64(at(i+r+1)) - float64(at(i-r))
	}
}

// lines runs f over every row, then over every column.
func lines(l *layer, f func(line, out []float32)) {
	row := make([]float32, l.w)
	for y := range l.h {
		copy(row, l.v[y*l.w:])
		f(row, l.v[y*l.w:(y+1)*l.w])
	}
	column, out := make([]float32, l.h), make([]float32, l.h)
	for x := range l.w {
		for y := range column {
			column[y] = l.v[y*l.w+x]
		}
		f(column, out)
		for y, v := range out {
			l.v[y*l.w+x] = v
		}
	}
}

// smear moves a layer along a straight trace while the shutter is open.
func smear(l *layer, length, direction float64) {
	if length < 0.5 {
		return
	}
	steps := int(length) + 2
	out := make([]float32, len(l.v))
	for i := range steps {
		t := (float64(i)/float64(steps-1) - 0.5) * length
		dx, dy := t*math.Cos(direction), t*math.Sin(direction)
		ix, iy := math.Floor(dx), math.Floor(dy)
		fx, fy := float32(dx-ix), float32(dy-iy)
		for y := range l.h {
			ya, yb := min(l.h-1, max(0, y+int(iy))), min(l.h-1, max(0, y+int(iy)+1))
			for x := range l.w {
				xa, xb := min(l.w-1, max(0, x+int(ix))), min(l.w-1, max(0, x+int(ix)+1))
				top := *l.at(xa, ya)*(1-fx) + *l.at(xb, ya)*fx
				bottom := *l.at(xa, yb)*(1-fx) + *l.at(xb, yb)*fx
				out[y*l.w+x] += (top*(1-fy) + bottom*fy) / float32(steps)
			}
		}
	}
	l.v = out
}
