//go:build turbo && cgo

package turbo

// #include "turbo.h"
import "C"

import (
	"context"
	"encoding/binary"
	"errors"
	"unsafe"

	"filmgate.dev/services/processing/internal/baseline"
	"filmgate.dev/services/processing/internal/plane"
)

// Encode answers the picture as a file, as baseline.Encode does. Once begun, it is done.
func Encode(ctx context.Context, p baseline.Picture, o baseline.Options) ([]byte, error) {
	if err := errors.Join(ctx.Err(), baseline.Check(p, o)); err != nil {
		return nil, err
	}
	y := even(p.Y)
	cb, cr := p.Cb, p.Cr
	if cb.Stride != cr.Stride {
		return nil, errors.New("turbo: chromas of different strides")
	}
	var out *C.uint8_t
	var size C.ulong
	failed := C.filmgate_encode(samples(y), samples(cb), samples(cr), C.int(p.Y.Width), C.int(p.Y.Height), C.int(y.Stride), C.int(cb.Stride), C.int(o.Quality), &out, &size)
	defer C.filmgate_free(out)
	if failed != 0 || out == nil {
		return nil, errors.New("turbo: libjpeg-turbo cannot write this picture")
	}
	return withSegment(unsafe.Slice((*byte)(out), int(size)), o.Segment), nil
}

// samples answers where a plane's samples are, which have to be all there: behind them C would read on.
func samples(p plane.Plane) *C.uint8_t {
	return (*C.uint8_t)(unsafe.SliceData(p.Pix[:(p.Height-1)*p.Stride+p.Width]))
}

// even answers a plane with its last column and row twice where their number is odd: libjpeg-turbo reads whole units of four.
func even(p plane.Plane) plane.Plane {
	if p.Width%2 == 0 && p.Height%2 == 0 {
		return p
	}
	to := plane.New(p.Width+p.Width%2, p.Height+p.Height%2)
	for y := range to.Height {
		row := to.Row(y)
		copy(row, p.Row(min(y, p.Height-1)))
		row[len(row)-1] = row[p.Width-1]
	}
	return to
}

// withSegment answers a copy of a file with a segment behind its first one.
func withSegment(file, segment []byte) []byte {
	first := 4 + int(binary.BigEndian.Uint16(file[4:])) // the start of the picture, a marker, a length that counts itself
	out := make([]byte, 0, len(file)+len(segment))
	out = append(out, file[:first]...)
	out = append(out, segment...)
	return append(out, file[first:]...)
}
