package jpegscale

import "golang.org/x/sys/cpu"

var fast = cpu.X86.HasAVX2

func inverse4(dst []byte, stride int, b *block) {
	if fast {
		_ = dst[3*stride+3]
		inverse4AVX2(&dst[0], stride, b)
		return
	}
	inverse4Go(dst, stride, b)
}

//go:noescape
func inverse4AVX2(dst *byte, stride int, b *block)
