package jpegscale

// The inverse transforms. A block's N × N low frequencies are, times N/8, the transform of N × N samples, because the cosines
// of N and of eight points sample the same curves. So for each N and on each axis, with F as T.81 A.3.3 defines it,
//
//	y[n] = F[0] + Σ √2·cos((2n+1)kπ/2N)·F[k], k = 1 … N-1
//
// and a sample is y/8, after both axes, plus 128.

// points transforms n values in place, on one axis. Products have 13 bits of fraction, none of which is left.
func points(v *[8]int32, n int) {
	switch n {
	case 2:
		v[0], v[1] = v[0]+v[1], v[0]-v[1]
	case 3:
		v[0], v[1], v[2] = three(v[0], v[1], v[2])
	case 4:
		four(v)
	case 5:
		five(v)
	case 6:
		six(v)
	case 8:
		eight(v, half, 13)
	}
}

const (
	fraction = 2 // bits kept between the axes
	half     = 1 << 12
)

// Odd and even frequencies apart: samples that mirror each other differ by the sign of the odd ones.

func three(v0, v1, v2 int32) (_, _, _ int32) {
	a, b, o := v0<<13+half, 5793*v2, 10033*v1
	return (a + b + o) >> 13, (a - 2*b) >> 13, (a + b - o) >> 13
}

func five(v *[8]int32) {
	a := v[0]<<13 + half
	e0, e1, e2 := a+9373*v[2]+3580*v[4], a-3580*v[2]-9373*v[4], a-11585*(v[2]-v[4])
	o0, o1 := 11018*v[1]+6810*v[3], 6810*v[1]-11018*v[3]
	v[0], v[1], v[2], v[3], v[4] = (e0+o0)>>13, (e1+o1)>>13, e2>>13, (e1-o1)>>13, (e0-o0)>>13
}

func six(v *[8]int32) {
	a, b, c := v[0]<<13+half, 5793*v[4], 10033*v[2]
	e0, e1, e2 := a+b+c, a-2*b, a+b-c
	z := 2998 * (v[1] + v[5])
	o0, o1, o2 := z+(v[1]+v[3])<<13, (v[1]-v[3]-v[5])<<13, z+(v[5]-v[3])<<13
	v[0], v[1], v[2], v[3], v[4], v[5] = (e0+o0)>>13, (e1+o1)>>13, (e2+o2)>>13, (e2-o2)>>13, (e1-o1)>>13, (e0-o0)>>13
}

const (
	c1of4 = 10703 // √2·cos(π/8)
	c3of4 = 4433  // √2·cos(3π/8)
)

func four(v *[8]int32) {
	e0, e1 := v[0]+v[2], v[0]-v[2]
	o0 := (c1of4*v[1] + c3of4*v[3] + half) >> 13
	o1 := (c3of4*v[1] - c1of4*v[3] + half) >> 13
	v[0], v[1], v[2], v[3] = e0+o0, e1+o1, e1-o1, e0-o0
}

// eight is the factorisation of Loeffler, Ligtenberg and Moschytz (ICASSP 1989), 11 multiplications but for one that is traded
// for fewer roundings. The even half is that of four points. Results are rounded off by shift bits, at least 13 of which are fraction.
func eight(v *[8]int32, round int32, shift uint) {
	e0, e1 := (v[0]+v[4])<<13+round, (v[0]-v[4])<<13+round
	z := c3of4 * (v[2] + v[6])
	e2, e3 := z+6270*v[2], z-15137*v[6] // √2·(cos π/8 ∓ cos 3π/8)
	a0, a3, a1, a2 := e0+e2, e0-e2, e1+e3, e1-e3

	o0, o1, o2, o3 := v[7], v[5], v[3], v[1]
	z1, z2, z3, z4 := o0+o3, o1+o2, o0+o2, o1+o3
	z5 := 9633 * (z3 + z4) // √2·cos 3π/16 … each below is √2 times sums of cosines of π/16
	o0, o1, o2, o3 = 2446*o0, 16819*o1, 25172*o2, 12299*o3
	z1, z2, z3, z4 = -7373*z1, -20995*z2, z5-16069*z3, z5-3196*z4
	o0 += z1 + z3
	o1 += z2 + z4
	o2 += z2 + z3
	o3 += z1 + z4
	v[0], v[7] = (a0+o3)>>shift, (a0-o3)>>shift
	v[1], v[6] = (a1+o2)>>shift, (a1-o2)>>shift
	v[2], v[5] = (a2+o1)>>shift, (a2-o1)>>shift
	v[3], v[4] = (a3+o0)>>shift, (a3-o0)>>shift
}

// inverse answers the transform of whole blocks for a scale. It leaves the block empty.
func inverse(s Scale) func(dst []byte, stride int, b *block) {
	switch s {
	case Scale{2, 2}:
		return inverse2
	case Scale{3, 3}:
		return inverse3
	case Scale{4, 4}:
		return inverse4
	case Scale{5, 5}:
		return inverse5
	case Scale{6, 6}:
		return inverse6
	case Full:
		return inverse8
	}
	return func(dst []byte, stride int, b *block) { inverseGo(dst, stride, b, s) }
}

// inverseGo is the transform for any scale. Kernels for a processor answer the same.
func inverseGo(dst []byte, stride int, b *block, s Scale) {
	var columns [8][8]int32
	for i := range s.X {
		v := &columns[i]
		for j := range s.Y {
			v[j] = int32(b[8*j+i]) << fraction
		}
		points(v, s.Y)
	}
	for j := range s.Y {
		var v [8]int32
		for i := range s.X {
			v[i] = columns[i][j]
		}
		points(&v, s.X)
		row := dst[j*stride : j*stride+s.X]
		for i := range row {
			row[i] = clamp((v[i] + 4<<fraction) >> (3 + fraction))
		}
	}
	*b = block{}
}

func inverse5Go(dst []byte, stride int, b *block) { inverseGo(dst, stride, b, Scale{5, 5}) }

func inverse6Go(dst []byte, stride int, b *block) { inverseGo(dst, stride, b, Scale{6, 6}) }

func inverse2(dst []byte, stride int, b *block) {
	e0, e1, o0, o1 := int32(b[0])+int32(b[8])+4, int32(b[0])-int32(b[8])+4, int32(b[1])+int32(b[9]), int32(b[1])-int32(b[9])
	dst[0], dst[1] = clamp((e0+o0)>>3), clamp((e0-o0)>>3)
	dst[stride], dst[stride+1] = clamp((e1+o1)>>3), clamp((e1-o1)>>3)
	*b = block{}
}

// inverse3 is for photos of 32 to 70 megapixels.
func inverse3(dst []byte, stride int, b *block) {
	a0, a1, a2 := three(int32(b[0])<<fraction, int32(b[8])<<fraction, int32(b[16])<<fraction)
	b0, b1, b2 := three(int32(b[1])<<fraction, int32(b[9])<<fraction, int32(b[17])<<fraction)
	c0, c1, c2 := three(int32(b[2])<<fraction, int32(b[10])<<fraction, int32(b[18])<<fraction)
	store := func(row []byte, v0, v1, v2 int32) {
		const shift, round = 3 + fraction, 4 << fraction
		v0, v1, v2 = three(v0, v1, v2)
		row[0], row[1], row[2] = clamp((v0+round)>>shift), clamp((v1+round)>>shift), clamp((v2+round)>>shift)
	}
	store(dst[:3], a0, b0, c0)
	store(dst[stride:stride+3], a1, b1, c1)
	store(dst[2*stride:2*stride+3], a2, b2, c2)
	*b = block{}
}

// inverse4Go is the transform that previews of photos of 18 to 32 megapixels are made with. Kernels for a processor answer the same.
func inverse4Go(dst []byte, stride int, b *block) {
	var w [16]int32 // columns
	for i := range 4 {
		v0, v1, v2, v3 := int32(b[i]), int32(b[8+i]), int32(b[16+i]), int32(b[24+i])
		e0, e1 := (v0+v2)<<fraction, (v0-v2)<<fraction
		o0 := (c1of4*v1 + c3of4*v3 + half>>fraction) >> (13 - fraction)
		o1 := (c3of4*v1 - c1of4*v3 + half>>fraction) >> (13 - fraction)
		w[4*i], w[4*i+1], w[4*i+2], w[4*i+3] = e0+o0, e1+o1, e1-o1, e0-o0
	}
	const shift = 13 + fraction + 3
	for j := range 4 {
		v0, v1, v2, v3 := w[j]<<13+1<<(shift-1), w[4+j], w[8+j]<<13, w[12+j]
		e0, e1 := v0+v2, v0-v2
		o0, o1 := c1of4*v1+c3of4*v3, c3of4*v1-c1of4*v3
		row := dst[j*stride : j*stride+4]
		row[0], row[1], row[2], row[3] = clamp((e0+o0)>>shift), clamp((e1+o1)>>shift), clamp((e1-o1)>>shift), clamp((e0-o0)>>shift)
	}
	*b = block{}
}

// inverse8Go is the whole transform.
func inverse8Go(dst []byte, stride int, b *block) {
	var w [64]int32 // columns
	for i := range 8 {
		v := [8]int32{int32(b[i]), int32(b[8+i]), int32(b[16+i]), int32(b[24+i]), int32(b[32+i]), int32(b[40+i]), int32(b[48+i]), int32(b[56+i])}
		column := (*[8]int32)(w[8*i:])
		if v[1]|v[2]|v[3]|v[4]|v[5]|v[6]|v[7] == 0 { // half of all columns
			dc := v[0] << fraction
			*column = [8]int32{dc, dc, dc, dc, dc, dc, dc, dc}
			continue
		}
		eight(&v, half>>fraction, 13-fraction)
		*column = v
	}
	const shift = 13 + fraction + 3
	for j := range 8 {
		v := [8]int32{w[j], w[8+j], w[16+j], w[24+j], w[32+j], w[40+j], w[48+j], w[56+j]}
		eight(&v, 1<<(shift-1), shift)
		row := dst[j*stride : j*stride+8]
		for i := range row {
			row[i] = clamp(v[i])
		}
	}
	*b = block{}
}

func clamp(v int32) byte {
	v += 128
	if uint32(v) > 255 {
		v = ^(v >> 31) // 0 or all ones
	}
	return byte(v)
}
