//go:build !amd64 && !arm64

package jpegscale

func inverse4(dst []byte, stride int, b *block) { inverse4Go(dst, stride, b) }
