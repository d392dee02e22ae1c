//go:build amd64 || arm64

package jpegscale

import (
	"runtime"

	"golang.org/x/sys/cpu"
)

// fast says that there is a kernel for this processor. NEON is in every arm64.
var fast = runtime.GOARCH == "arm64" || cpu.X86.HasAVX2

func inverse4(dst []byte, stride int, b *block) {
	if fast {
		_ = dst[3*stride+3]
		inverse4Fast(&dst[0], stride, b)
		return
	}
	inverse4Go(dst, stride, b)
}

//go:noescape
func inverse4Fast(dst *byte, stride int, b *block)
