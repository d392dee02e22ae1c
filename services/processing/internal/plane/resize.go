package plane

import (
	"context"
	"fmt"
)

// Area is what a resized plane shows of another, in samples from the left and the top of that. It may reach beyond the
// edges, where the outermost samples go on. X1 < X0 or Y1 < Y0 mirrors.
type Area struct{ X0, Y0, X1, Y1 float64 }

// Resizer brings planes of one size to another, with a Lanczos filter of three lobes.
type Resizer struct {
	from, to     size
	across, down axis
}

type size struct{ width, height int }

// NewResizer makes a Resizer that shows an area of planes of a width and height as planes of another.
func NewResizer(fromWidth, fromHeight int, area Area, width, height int) *Resizer {
	return &Resizer{
		from: size{fromWidth, fromHeight}, to: size{width, height},
		across: lanczos(fromWidth, area.X0, area.X1, width, 16), down: lanczos(fromHeight, area.Y0, area.Y1, height, 2),
	}
}

// Resize answers a plane as one of the other size. It stops with ctx.
func (r *Resizer) Resize(ctx context.Context, src Plane) (Plane, error) {
	if src.Width != r.from.width || src.Height != r.from.height {
		return Plane{}, fmt.Errorf("plane: %d × %d is not what was to be resized, %d × %d", src.Width, src.Height, r.from.width, r.from.height)
	}
	dst := New(r.to.width, r.to.height)
	// One row of the source's width at a time: it never leaves the fastest cache.
	const slack = 32 // what kernels write and read behind the last sample
	row := make([]byte, src.Width+r.across.taps+slack)
	rows := make([]*byte, r.down.taps)
	for y := range dst.Height {
		if y%16 == 0 {
			if err := ctx.Err(); err != nil {
				return Plane{}, err
			}
		}
		first := int(r.down.first[y])
		for i := range rows {
			rows[i] = &src.Pix[min(first+i, src.Height-1)*src.Stride]
		}
		vertical(row, src, rows, first, r.down.of(y))
		horizontal(dst.Row(y), row, &r.across)
	}
	return dst, nil
}

// Resize answers an area of src as a plane of this size.
func Resize(ctx context.Context, src Plane, area Area, width, height int) (Plane, error) {
	return NewResizer(src.Width, src.Height, area, width, height).Resize(ctx, src)
}

// horizontalGo answers the weighted sums of a row.
func horizontalGo(dst, row []byte, a *axis) {
	for x := range dst {
		w := a.of(x)
		from := row[a.first[x]:][:len(w)]
		sum := int32(half)
		for i, v := range from {
			sum += int32(w[i]) * int32(v)
		}
		dst[x] = clamp(sum >> precision)
	}
}

// verticalGo answers the weighted sums of columns from x on, of the rows from first on.
func verticalGo(dst []byte, src Plane, x, first int, w []int16) {
	for ; x < src.Width; x++ {
		sum := int32(half)
		for i, f := range w {
			sum += int32(f) * int32(src.Pix[min(first+i, src.Height-1)*src.Stride+x])
		}
		dst[x] = clamp(sum >> precision)
	}
}

func clamp(v int32) byte {
	if uint32(v) > 255 {
		v = ^(v >> 31) // 0 or all ones
	}
	return byte(v)
}
