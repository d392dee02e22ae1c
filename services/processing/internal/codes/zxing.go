//go:build zxing && cgo

package codes

// #cgo CXXFLAGS: -std=c++17 -O2
// #cgo LDFLAGS: -lZXing
// #include "zxing.h"
import "C"

import "unsafe"

// zxing has zxing-cpp read what it can in a level. The call cannot be stopped, but it takes some 20 ms at most.
func zxing(l *level, most int) []Code {
	if l.w < 16 || l.h < 16 || most <= 0 {
		return nil
	}
	var found [MostCodes]C.filmgate_code
	n := C.filmgate_read((*C.uint8_t)(unsafe.Pointer(&l.pix[0])), C.int(l.w), C.int(l.h), C.int(l.stride), &found[0], C.int(min(most, MostCodes)))
	var out []Code
	for _, c := range found[:max(0, int(n))] {
		text, ok := acceptable(C.GoStringN(&c.text[0], c.length))
		if !ok {
			continue
		}
		code := Code{Text: text}
		for i := range code.Corners {
			code.Corners[i] = Point{X: share(float64(c.corners[2*i]) / float64(l.w)), Y: share(float64(c.corners[2*i+1]) / float64(l.h))}
		}
		out = append(out, code)
	}
	return out
}
