// Package plane resizes, mirrors and turns planes: one colour of a picture each, as rows of 8-bit samples.
//
// Arithmetic is in integers, so that the kernels for each processor and the portable one answer the same bytes.
package plane

// Plane is one colour of a picture.
type Plane struct {
	Pix           []byte
	Stride        int // from one row to the next
	Width, Height int
}

// New makes a black plane.
func New(width, height int) Plane {
	return Plane{Pix: make([]byte, width*height), Stride: width, Width: width, Height: height}
}

// Row answers the samples of a row.
func (p Plane) Row(y int) []byte { return p.Pix[y*p.Stride : y*p.Stride+p.Width] }

// Transpose answers p mirrored at the line from its top left to its bottom right.
func (p Plane) Transpose() Plane {
	t := New(p.Height, p.Width)
	const tile = 16 // rows of a cache line each, read and written
	for y0 := 0; y0 < p.Height; y0 += tile {
		y1 := min(y0+tile, p.Height)
		for x0 := 0; x0 < p.Width; x0 += tile {
			x1 := min(x0+tile, p.Width)
			for y := y0; y < y1; y++ {
				row := p.Pix[y*p.Stride+x0 : y*p.Stride+x1]
				at := x0*t.Stride + y
				for _, v := range row {
					t.Pix[at] = v
					at += t.Stride
				}
			}
		}
	}
	return t
}

// Half answers p at half its size, rounded up: each sample is the mean of four. Behind the right and the lower edge the last ones
// go on.
func (p Plane) Half() Plane {
	h := New((p.Width+1)/2, (p.Height+1)/2)
	for y := range h.Height {
		a, b := p.Row(2*y), p.Row(min(2*y+1, p.Height-1))
		to := h.Row(y)
		for x := range p.Width / 2 {
			to[x] = byte((int(a[2*x]) + int(a[2*x+1]) + int(b[2*x]) + int(b[2*x+1]) + 2) / 4)
		}
		if last := p.Width - 1; last%2 == 0 {
			to[last/2] = byte((int(a[last]) + int(b[last]) + 1) / 2)
		}
	}
	return h
}
