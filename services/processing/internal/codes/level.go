package codes

// level is the photograph at one scale, with a threshold between dark and light for every block of 8 × 8 pixels.
type level struct {
	pix       []byte
	stride    int
	w, h      int
	threshold []byte // of the block at (x>>3, y>>3)
	across    int    // blocks in a row

	scale           float64 // pixels of the largest level in one of these
	left, top       float64 // where this begins in the whole picture, in pixels of this scale
	larger, smaller *level
	plain           *level // what this was before it was sharpened, or nil
}

const block = 8

func newLevel(luma Luma) *level {
	return &level{pix: luma.Pix, stride: luma.Stride, w: luma.Width, h: luma.Height, scale: 1}
}

// half averages two by two pixels.
func (l *level) half() *level {
	out := &level{w: l.w / 2, h: l.h / 2, stride: l.w / 2, scale: 2 * l.scale, larger: l}
	l.smaller = out
	out.pix = make([]byte, out.w*out.h)
	for y := range out.h {
		a, b := l.pix[2*y*l.stride:][:2*out.w], l.pix[(2*y+1)*l.stride:][:2*out.w]
		row := out.pix[y*out.w:][:out.w]
		for x := range row {
			i := 2 * x
			row[x] = byte((int(a[i]) + int(a[i+1]) + int(b[i]) + int(b[i+1]) + 2) >> 2)
		}
	}
	return out
}

// crop answers a part of the level, without copying it; coordinates begin at the part's corner.
func (l *level) crop(x0, y0, x1, y1 int) *level {
	x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, l.w), min(y1, l.h)
	if x1-x0 < 2*block || y1-y0 < 2*block {
		return nil
	}
	return &level{pix: l.pix[y0*l.stride+x0:], stride: l.stride, w: x1 - x0, h: y1 - y0, scale: l.scale, left: float64(x0), top: float64(y0)}
}

// share answers a place of the level in shares of the picture.
func (l *level) share(x, y float64, top *level) Point {
	return Point{X: (x + l.left) * l.scale / float64(top.w), Y: (y + l.top) * l.scale / float64(top.h)}
}

// sharpen lifts what is darker or lighter than its neighbourhood of 5 × 5 pixels.
func (l *level) sharpen() *level {
	out := &level{w: l.w, h: l.h, stride: l.w, pix: make([]byte, l.w*l.h), scale: l.scale, left: l.left, top: l.top, plain: l}
	if l.plain != nil {
		out.plain = l.plain
	}
	const reach, strength = 3, 3
	sums := make([]int32, l.w)
	row := func(y int) []byte { return l.pix[min(max(y, 0), l.h-1)*l.stride:][:l.w] }
	for y := -reach; y < reach; y++ {
		for x, v := range row(y) {
			sums[x] += int32(v)
		}
	}
	const side = 2*reach + 1
	for y := range l.h {
		for x, v := range row(y + reach) {
			sums[x] += int32(v)
		}
		var sum int32
		for x := -reach; x < reach; x++ {
			sum += sums[min(max(x, 0), l.w-1)]
		}
		src, dst := row(y), out.pix[y*l.w:][:l.w]
		for x := range dst {
			sum += sums[min(x+reach, l.w-1)]
			v := int32(src[x])
			v += strength * (v - sum/(side*side))
			dst[x] = byte(min(max(v, 0), 255))
			sum -= sums[max(x-reach, 0)]
		}
		for x, v := range row(y - reach) {
			sums[x] -= int32(v)
		}
	}
	return out
}

// step is how many rows one of a large level stands for.
func (l *level) step() int {
	if l.w*l.h > 1<<20 {
		return 2
	}
	return 1
}

// split sets the thresholds. A block with strong edges knows best what lies between dark and light, so it has the more to
// say among the 5 × 5 blocks around; where nothing has an edge, all is light.
func (l *level) split() {
	if l.threshold != nil {
		return
	}
	across, down := (l.w+block-1)/block, (l.h+block-1)/block
	weight, level := make([]float32, across*down), make([]float32, across*down)
	low, high := make([]byte, across), make([]byte, across)
	step := l.step()
	for by := range down {
		for i := range low {
			low[i], high[i] = 255, 0
		}
		for y := by * block; y < min(l.h, (by+1)*block); y += step {
			row := l.pix[y*l.stride:][:l.w]
			for bx := range l.w / block {
				p := (*[block]byte)(row[bx*block:])
				a, b := min(p[0], p[1]), max(p[0], p[1])
				c, d := min(p[2], p[3]), max(p[2], p[3])
				e, f := min(p[4], p[5]), max(p[4], p[5])
				g, h := min(p[6], p[7]), max(p[6], p[7])
				low[bx] = min(low[bx], min(min(a, c), min(e, g)))
				high[bx] = max(high[bx], max(max(b, d), max(f, h)))
			}
			for x := l.w / block * block; x < l.w; x++ {
				low[across-1], high[across-1] = min(low[across-1], row[x]), max(high[across-1], row[x])
			}
		}
		for bx := range across {
			contrast := float32(high[bx] - low[bx])
			contrast = max(0, contrast-max(leastContrast, float32(high[bx])/8)) // what is less is noise
			weight[by*across+bx] = contrast * contrast
			level[by*across+bx] = contrast * contrast * (float32(high[bx]) + float32(low[bx])) / 2
		}
	}
	spread(weight, across, down)
	spread(level, across, down)
	l.threshold, l.across = make([]byte, across*down), across
	for i, w := range weight {
		if w > 0 {
			l.threshold[i] = byte(level[i] / w)
		}
	}
}

const leastContrast = 6

// spread replaces every cell by the sum of the 5 × 5 around it.
func spread(cells []float32, w, h int) {
	const reach = 2
	out := make([]float32, max(w, h))
	for y := range h {
		row := cells[y*w : (y+1)*w]
		for x := range row {
			var sum float32
			for i := max(0, x-reach); i <= min(w-1, x+reach); i++ {
				sum += row[i]
			}
			out[x] = sum
		}
		copy(row, out)
	}
	for x := range w {
		for y := range h {
			var sum float32
			for i := max(0, y-reach); i <= min(h-1, y+reach); i++ {
				sum += cells[i*w+x]
			}
			out[y] = sum
		}
		for y := range h {
			cells[y*w+x] = out[y]
		}
	}
}

// dark reports whether a pixel is darker than its threshold. It must be inside the level.
func (l *level) dark(x, y int) bool {
	return l.pix[y*l.stride+x] < l.threshold[(y>>3)*l.across+x>>3]
}

// at answers the brightness between pixels; (0.5, 0.5) is the middle of the first one. Outside it repeats the edge.
func (l *level) at(x, y float64) float32 {
	x, y = x-0.5, y-0.5
	if !(x > 0) {
		x = 0
	}
	if !(y > 0) {
		y = 0
	}
	x, y = min(x, float64(l.w-1)), min(y, float64(l.h-1))
	x0, y0 := min(int(x), l.w-2), min(int(y), l.h-2)
	fx, fy := float32(x-float64(x0)), float32(y-float64(y0))
	p, q := l.pix[y0*l.stride+x0:], l.pix[(y0+1)*l.stride+x0:]
	top := float32(p[0]) + (float32(p[1])-float32(p[0]))*fx
	low := float32(q[0]) + (float32(q[1])-float32(q[0]))*fx
	return top + (low-top)*fy
}
