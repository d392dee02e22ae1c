//go:build !amd64 && !arm64

package plane

func horizontal(dst, row []byte, a *axis) { horizontalGo(dst, row, a) }

func vertical(dst []byte, src Plane, _ []*byte, first int, w []int16) {
	verticalGo(dst, src, 0, first, w)
}
