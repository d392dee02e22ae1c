package plane

import "context"

// Area is what a resized plane shows of another, in samples from the left and the top of that. It may reach beyond the
// edges, where the outermost samples go on. X1 < X0 or Y1 < Y0 mirrors.
type Area struct{ X0, Y0, X1, Y1 float64 }

// Resize answers an area of src as a plane of this size, with a Lanczos filter of three lobes. It stops with ctx.
func Resize(ctx context.Context, src Plane, area Area, width, height int) (Plane, error) {
	dst := New(width, height)
	across := lanczos(src.Width, area.X0, area.X1, width, 16)
	down := lanczos(src.Height, area.Y0, area.Y1, height, 2)
	// One row of the source's width at a time: it never leaves the fastest cache.
	const slack = 32 // what kernels write and read behind the last sample
	row := make([]byte, src.Width+across.taps+slack)
	rows := make([]*byte, down.taps)
	for y := range height {
		if y%16 == 0 {
			if err := ctx.Err(); err != nil {
				return Plane{}, err
			}
		}
		first := int(down.first[y])
		for i := range rows {
			rows[i] = &src.Pix[min(first+i, src.Height-1)*src.Stride]
		}
		vertical(row, src, rows, min(first, src.Height-1), down.of(y))
		horizontal(dst.Row(y), row, &across)
	}
	return dst, nil
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
