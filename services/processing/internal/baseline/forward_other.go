//go:build !amd64 && !arm64

package baseline

// forward transforms and quantises eight rows of eight samples. It answers which coefficients are not zero.
func forward(coef *[64]int16, samples []byte, stride int, q *quantisation) uint64 {
	return forwardGo(coef, samples, stride, q)
}
