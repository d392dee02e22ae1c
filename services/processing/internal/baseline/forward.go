package baseline

// forwardGo transforms (T.81 A.3.3) and quantises eight rows of eight samples: Loeffler, Ligtenberg and Moschytz's
// factorisation (ICASSP 1989) in integers, columns first. Factors have 13 bits of fraction; columns leave 2 for the rows. Coefficients
// come in columns. Kernels for a processor answer the same.
func forwardGo(coef *[64]int16, samples []byte, stride int, q *quantisation) (set uint64) {
	var b [64]int32
	for i := range 8 {
		column := samples[i:]
		at := func(j int) int32 { return int32(column[j*stride]) - 128 }
		b[i], b[8+i], b[16+i], b[24+i], b[32+i], b[40+i], b[48+i], b[56+i] =
			points(at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7), 11)
	}
	for i := range 8 {
		v := (*[8]int32)(b[8*i:])
		v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7] = points(v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], 15)
		for j, f := range v {
			// Adding this number leaves no bits for a fraction. The conversions keep compilers from rounding only once.
			const whole = 3 << 22
			divided := float32(float32(f) * q.factors[8*j+i])
			c := int16(float32(divided+whole) - whole)
			coef[8*j+i] = c
			if c != 0 {
				set |= 1 << (8*j + i)
			}
		}
	}
	return set
}

// points transforms eight samples and rounds shift bits off.
func points(s0, s1, s2, s3, s4, s5, s6, s7 int32, shift uint) (_, _, _, _, _, _, _, _ int32) {
	round := int32(1) << (shift - 1)
	a0, a1, a2, a3 := s0+s7, s1+s6, s2+s5, s3+s4
	b0, b1, b2, b3 := s3-s4, s2-s5, s1-s6, s0-s7

	e0, e1, e2, e3 := a0+a3, a1+a2, a1-a2, a0-a3
	f0, f4 := (e0+e1)<<13+round, (e0-e1)<<13+round
	z := (e2+e3)*4433 + round // √2·cos 3π/8
	f2, f6 := z+e3*6270, z-e2*15137

	z1, z2, z3, z4 := b0+b3, b1+b2, b0+b2, b1+b3
	z5 := (z3+z4)*9633 + round // √2·cos 3π/16, and sums of such below
	z1, z2, z3, z4 = z1*-7373, z2*-20995, z3*-16069+z5, z4*-3196+z5
	f7 := b0*2446 + z1 + z3
	f5 := b1*16819 + z2 + z4
	f3 := b2*25172 + z2 + z3
	f1 := b3*12299 + z1 + z4
	return f0 >> shift, f1 >> shift, f2 >> shift, f3 >> shift, f4 >> shift, f5 >> shift, f6 >> shift, f7 >> shift
}
