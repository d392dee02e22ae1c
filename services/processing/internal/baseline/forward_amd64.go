package baseline

import "golang.org/x/sys/cpu"

var fast = cpu.X86.HasAVX2

// forward transforms and quantises eight rows of eight samples. It answers which coefficients are not zero.
func forward(coef *[64]int16, samples []byte, stride int, q *quantisation) uint64 {
	if fast {
		_ = samples[7*stride+7]
		return forwardAVX2(coef, &samples[0], stride, &q.factors)
	}
	return forwardGo(coef, samples, stride, q)
}

//go:noescape
func forwardAVX2(coef *[64]int16, samples *byte, stride int, factors *[64]float32) uint64
