//go:build !amd64

package jpegscale

func inverse5(dst []byte, stride int, b *block) { inverse5Go(dst, stride, b) }

func inverse6(dst []byte, stride int, b *block) { inverse6Go(dst, stride, b) }

func inverse8(dst []byte, stride int, b *block) { inverse8Go(dst, stride, b) }
