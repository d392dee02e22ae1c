//go:build !(zxing && cgo)

package codes

// zxing is not built in.
func zxing(*level, int) []Code { return nil }
