//go:build turbo && cgo

package turbo

// #cgo CFLAGS: -O2
// #cgo LDFLAGS: -lturbojpeg
// #include <turbojpeg.h>
// #include "turbo.h"
import "C"

import (
	"context"
	"errors"
	"unsafe"

	"filmgate.dev/services/processing/internal/jpegscale"
	"filmgate.dev/services/processing/internal/plane"
)

// ErrDeclined says that libjpeg-turbo does not decode a file, or has something to say about it: jpegscale has to judge.
var ErrDeclined = errors.New("turbo: not a file for libjpeg-turbo")

// Takes reports whether pictures of this kind are decoded. Those in several scans are not: they may cost more than their size tells, and C
// cannot be stopped.
func Takes(p *jpegscale.Picture) bool {
	_, ok := subsamplingOf(p)
	return ok && p.OneScan()
}

// Decode answers the planes of the picture that src is, at full scale, as jpegscale does. Anything it does not like is ErrDeclined.
func Decode(ctx context.Context, src []byte, p *jpegscale.Picture) ([]plane.Plane, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !Takes(p) {
		return nil, ErrDeclined
	}
	subsampling, _ := subsamplingOf(p)
	planes := make([]plane.Plane, len(p.Components))
	var at [3]*C.uint8_t
	for i, c := range p.Components {
		// libjpeg-turbo fills luma up to whole samples of chroma.
		stride, rows := int(C.tjPlaneWidth(C.int(i), C.int(p.Width), subsampling)), int(C.tjPlaneHeight(C.int(i), C.int(p.Height), subsampling))
		if stride < c.Width || rows < c.Height {
			return nil, ErrDeclined
		}
		planes[i] = plane.Plane{Pix: make([]byte, stride*rows), Stride: stride, Width: c.Width, Height: c.Height}
		at[i] = (*C.uint8_t)(unsafe.SliceData(planes[i].Pix))
	}
	if C.filmgate_decode((*C.uint8_t)(unsafe.SliceData(src)), C.size_t(len(src)), C.int(p.Width), C.int(p.Height), subsampling,
		at[0], at[1], at[2], C.int(planes[0].Stride), C.int(planes[len(planes)-1].Stride)) != 0 {
		return nil, ErrDeclined
	}
	return planes, ctx.Err()
}

// subsamplingOf answers libjpeg-turbo's name for how a picture's chroma is stored.
func subsamplingOf(p *jpegscale.Picture) (C.int, bool) {
	c := p.Components
	if len(c) == 1 {
		return C.TJSAMP_GRAY, true
	}
	if c[0].H != p.H || c[0].V != p.V || c[1].H != c[2].H || c[1].V != c[2].V {
		return 0, false
	}
	switch [2]int{p.H / c[1].H, p.V / c[1].V} {
	case [2]int{1, 1}:
		return C.TJSAMP_444, true
	case [2]int{2, 1}:
		return C.TJSAMP_422, true
	case [2]int{1, 2}:
		return C.TJSAMP_440, true
	case [2]int{2, 2}:
		return C.TJSAMP_420, true
	}
	return 0, false
}
