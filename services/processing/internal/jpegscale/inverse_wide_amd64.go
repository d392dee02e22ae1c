package jpegscale

// inverse5, inverse6 and inverse8 are for photos of which the largest derivative is more than half.

func inverse5(dst []byte, stride int, b *block) {
	if !fast {
		inverse5Go(dst, stride, b)
		return
	}
	_ = dst[4*stride+4]
	inverse5Fast(&dst[0], stride, b)
}

func inverse6(dst []byte, stride int, b *block) {
	if !fast {
		inverse6Go(dst, stride, b)
		return
	}
	_ = dst[5*stride+5]
	inverse6Fast(&dst[0], stride, b)
}

func inverse8(dst []byte, stride int, b *block) {
	if !fast {
		inverse8Go(dst, stride, b)
		return
	}
	_ = dst[7*stride+7]
	inverse8Fast(&dst[0], stride, b)
}

//go:noescape
func inverse5Fast(dst *byte, stride int, b *block)

//go:noescape
func inverse6Fast(dst *byte, stride int, b *block)

//go:noescape
func inverse8Fast(dst *byte, stride int, b *block)
