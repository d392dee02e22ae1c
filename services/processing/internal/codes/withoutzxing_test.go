//go:build !(zxing && cgo)

package codes_test

import "testing"

const withZXing = false

func TestZXing(t *testing.T) {
	t.Skip("zxing-cpp is not built in: that takes cgo, Debian's libzxing-dev and -tags zxing (make cards)")
}
