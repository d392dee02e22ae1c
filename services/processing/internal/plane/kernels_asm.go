//go:build amd64 || arm64

package plane

import (
	"runtime"

	"golang.org/x/sys/cpu"
)

// fast says that there are kernels for this processor. NEON is in every arm64.
var fast = runtime.GOARCH == "arm64" || cpu.X86.HasAVX2

func horizontal(dst, row []byte, a *axis) {
	n := 0
	if fast && len(dst) >= 8 {
		n = len(dst) &^ 7
		horizontalFast(&dst[0], n, &row[0], &a.first[0], &a.weights[0], a.taps)
	}
	if n < len(dst) {
		rest := axis{taps: a.taps, first: a.first[n:], weights: a.weights[n*a.taps:]}
		horizontalGo(dst[n:], row, &rest)
	}
}

func vertical(dst []byte, src Plane, rows []*byte, first int, w []int16) {
	n := 0
	if fast && src.Width >= 16 {
		n = src.Width &^ 15
		verticalFast(&dst[0], n, &rows[0], &w[0], len(w))
	}
	verticalGo(dst, src, n, first, w)
}

// horizontalFast makes n samples, a multiple of 8; taps is a multiple of 16, and that many samples can be read from each of
// first on.
//
//go:noescape
func horizontalFast(dst *byte, n int, row *byte, first *int32, weights *int16, taps int)

// verticalFast makes n samples, a multiple of 16; taps is even.
//
//go:noescape
func verticalFast(dst *byte, n int, rows **byte, weights *int16, taps int)
