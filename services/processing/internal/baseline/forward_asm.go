//go:build amd64 || arm64

package baseline

import (
	"runtime"

	"golang.org/x/sys/cpu"
)

// fast says that there is a kernel for this processor. NEON is in every arm64.
var fast = runtime.GOARCH == "arm64" || cpu.X86.HasAVX2

// forward transforms and quantises eight rows of eight samples. It answers which coefficients are not zero.
func forward(coef *[64]int16, samples []byte, stride int, q *quantisation) uint64 {
	if fast {
		_ = samples[7*stride+7]
		return forwardFast(coef, &samples[0], stride, &q.factors)
	}
	return forwardGo(coef, samples, stride, q)
}

//go:noescape
func forwardFast(coef *[64]int16, samples *byte, stride int, factors *[64]float32) uint64
