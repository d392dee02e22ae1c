#include "textflag.h"

// forward.go, with 16 bits for all but products: between the passes values are -4096 to 4080, and no sum below is of more than
// eight of them, or of their differences in pairs.
//
// NEON multiplies and adds in one instruction, so what forward.go takes out of sums of products is multiplied out again:
// (x+y)·a + x·b is x·(a+b) + y·a, in integers exactly.

// The factors, in V14 and V15, and which is which. A letter m is a minus.
DATA factors<>+0(SB)/2, $4433
DATA factors<>+2(SB)/2, $10703  // 4433 + 6270
DATA factors<>+4(SB)/2, $-10704 // 4433 - 15137
DATA factors<>+6(SB)/2, $9633
DATA factors<>+8(SB)/2, $-6436  // 9633 - 16069
DATA factors<>+10(SB)/2, $6437  // 9633 - 3196
DATA factors<>+12(SB)/2, $-4927 // 2446 - 7373
DATA factors<>+14(SB)/2, $-7373
DATA factors<>+16(SB)/2, $4177  // 25172 - 20995
DATA factors<>+18(SB)/2, $-20995
DATA factors<>+20(SB)/2, $-4176 // 16819 - 20995
DATA factors<>+22(SB)/2, $4926  // 12299 - 7373
DATA factors<>+24(SB)/8, $0
GLOBL factors<>(SB), RODATA|NOPTR, $32

#define p4433 0
#define p10703 1
#define m10704 2
#define p9633 3
#define m6436 4
#define p6437 5
#define m4927 6
#define m7373 7
#define p4177 8
#define m20995 9
#define m4176 10
#define p4926 11

// Instructions that Go's assembler has no names for. Operands are numbers of registers, in Go's order: what is written comes last.
// A factor f is element f%8 of V14 or V15. (To this assembler a>>2&1 is a>>(2&1), so everything is in parentheses.)
#define FACTOR(f) ((14+(f)>>3)<<16 | ((f)&3)<<20 | (((f)>>2)&1)<<11)
#define SMULL(f, n, d)      WORD $(0x0F40A000 | FACTOR(f) | (n)<<5 | (d))       // smull d.4s, n.4h, f
#define SMULL2(f, n, d)     WORD $(0x4F40A000 | FACTOR(f) | (n)<<5 | (d))       // smull2 d.4s, n.8h, f
#define SMLAL(f, n, d)      WORD $(0x0F402000 | FACTOR(f) | (n)<<5 | (d))       // smlal d.4s, n.4h, f
#define SMLAL2(f, n, d)     WORD $(0x4F402000 | FACTOR(f) | (n)<<5 | (d))       // smlal2 d.4s, n.8h, f
#define RSHRN(by, n, d)     WORD $(0x0F008C00 | (32-by)<<16 | (n)<<5 | (d))     // rshrn d.4h, n.4s, #by
#define RSHRN2(by, n, d)    WORD $(0x4F008C00 | (32-by)<<16 | (n)<<5 | (d))     // rshrn2 d.8h, n.4s, #by
#define SRSHR(by, n, d)     WORD $(0x4F002400 | (32-by)<<16 | (n)<<5 | (d))     // srshr d.8h, n.8h, #by
#define SXTL(n, d)          WORD $(0x0F10A400 | (n)<<5 | (d))                   // sxtl d.4s, n.4h
#define SXTL2(n, d)         WORD $(0x4F10A400 | (n)<<5 | (d))                   // sxtl2 d.4s, n.8h
#define SCVTF(n, d)         WORD $(0x4E21D800 | (n)<<5 | (d))                   // scvtf d.4s, n.4s
#define FMUL(m, n, d)       WORD $(0x6E20DC00 | (m)<<16 | (n)<<5 | (d))         // fmul d.4s, n.4s, m.4s
#define FCVTNS(n, d)        WORD $(0x4E21A800 | (n)<<5 | (d))                   // fcvtns d.4s, n.4s: ties to even

// TIMES makes and PLUS adds the products of the eight values of n with a factor: four in d, four in the register behind.
#define TIMES(f, n, d) \
	SMULL(f, n, d)      \
	SMULL2(f, n, d+1)
#define PLUS(f, n, d) \
	SMLAL(f, n, d)      \
	SMLAL2(f, n, d+1)

// ROUND rounds eight such sums to 16 bits in d.
#define ROUND(shift, n, d) \
	RSHRN(shift, n, d)      \
	RSHRN2(shift, n+1, d)

// POINTS is points of forward.go, of eight columns at once: V0 to V7 become V16 to V23. V16 and V20 are left as the sums that
// are to be shifted to the left by 13 and to the right by shift.
#define POINTS(shift) \
	VADD V7.H8, V0.H8, V16.H8   /* a0 */ \
	VSUB V7.H8, V0.H8, V7.H8    /* b3 */ \
	VADD V6.H8, V1.H8, V17.H8   \
	VSUB V6.H8, V1.H8, V6.H8    /* b2 */ \
	VADD V5.H8, V2.H8, V18.H8   \
	VSUB V5.H8, V2.H8, V5.H8    /* b1 */ \
	VADD V4.H8, V3.H8, V19.H8   /* a3 */ \
	VSUB V4.H8, V3.H8, V4.H8    /* b0 */ \
	VADD V19.H8, V16.H8, V0.H8  /* e0 */ \
	VSUB V19.H8, V16.H8, V3.H8  /* e3 */ \
	VADD V18.H8, V17.H8, V1.H8  /* e1 */ \
	VSUB V18.H8, V17.H8, V2.H8  /* e2 */ \
	VADD V1.H8, V0.H8, V16.H8   /* f0 */ \
	VSUB V1.H8, V0.H8, V20.H8   /* f4 */ \
	TIMES(p4433, 2, 24)         \
	PLUS(p10703, 3, 24)         \
	TIMES(p4433, 3, 26)         \
	PLUS(m10704, 2, 26)         \
	ROUND(shift, 24, 18)        /* f2 */ \
	ROUND(shift, 26, 22)        /* f6 */ \
	VADD V6.H8, V4.H8, V0.H8    /* b0 + b2 */ \
	VADD V7.H8, V5.H8, V1.H8    /* b1 + b3 */ \
	TIMES(m6436, 0, 24)         /* z3, for f7 and f3 */ \
	PLUS(p9633, 1, 24)          \
	TIMES(p9633, 0, 26)         /* z4, for f5 and f1 */ \
	PLUS(p6437, 1, 26)          \
	VMOV V24.B16, V28.B16       \
	VMOV V25.B16, V29.B16       \
	PLUS(m4927, 4, 24)          \
	PLUS(m7373, 7, 24)          \
	PLUS(p4177, 6, 28)          \
	PLUS(m20995, 5, 28)         \
	ROUND(shift, 24, 23)        /* f7 */ \
	ROUND(shift, 28, 19)        /* f3 */ \
	VMOV V26.B16, V28.B16       \
	VMOV V27.B16, V29.B16       \
	PLUS(m4176, 5, 26)          \
	PLUS(m20995, 6, 26)         \
	PLUS(p4926, 7, 28)          \
	PLUS(m7373, 4, 28)          \
	ROUND(shift, 26, 21)        /* f5 */ \
	ROUND(shift, 28, 17)        /* f1 */

// ROW loads eight samples.
#define ROW(y) \
	VLD1.P (R1)(R2), [y.B8] \
	VUXTL  y.B8, y.H8

// CROSS transposes two by two: c takes the even elements of a and of b, in turn, and d the odd ones.
#define CROSS(type, a, b, c, d) \
	VTRN1 b.type, a.type, c.type \
	VTRN2 b.type, a.type, d.type

// DIVIDE divides eight coefficients by their row of the table, and rounds. y and n are the same register.
#define DIVIDE(y, n) \
	VLD1.P 32(R3), [V26.S4, V27.S4] \
	SXTL(n, 24)                     \
	SXTL2(n, 25)                    \
	SCVTF(24, 24)                   \
	SCVTF(25, 25)                   \
	FMUL(26, 24, 24)                \
	FMUL(27, 25, 25)                \
	FCVTNS(24, 24)                  \
	FCVTNS(25, 25)                  \
	VUZP1  V25.H8, V24.H8, y.H8

// SET makes all bits of a coefficient ones, or zeros where it is zero.
#define SET(y) VCMTST y.H8, y.H8, y.H8

// func forwardFast(coef *[64]int16, samples *byte, stride int, factors *[64]float32) uint64
TEXT ·forwardFast(SB), NOSPLIT, $0-40
	MOVD coef+0(FP), R0
	MOVD samples+8(FP), R1
	MOVD stride+16(FP), R2
	MOVD factors+24(FP), R3
	MOVD $factors<>(SB), R4
	VLD1 (R4), [V14.H8, V15.H8]
	ROW(V0)
	ROW(V1)
	ROW(V2)
	ROW(V3)
	ROW(V4)
	ROW(V5)
	ROW(V6)
	ROW(V7)
	POINTS(11)
	VSHL $2, V16.H8, V16.H8
	VSHL $2, V20.H8, V20.H8
	MOVD $4096, R4                 // samples are around zero: of all sums only the first knows
	VDUP R4, V24.H8
	VSUB V24.H8, V16.H8, V16.H8

	// Columns become rows.
	CROSS(H8, V16, V17, V0, V1)
	CROSS(H8, V18, V19, V2, V3)
	CROSS(H8, V20, V21, V4, V5)
	CROSS(H8, V22, V23, V6, V7)
	CROSS(S4, V0, V2, V16, V18)
	CROSS(S4, V1, V3, V17, V19)
	CROSS(S4, V4, V6, V20, V22)
	CROSS(S4, V5, V7, V21, V23)
	CROSS(D2, V16, V20, V0, V4)
	CROSS(D2, V17, V21, V1, V5)
	CROSS(D2, V18, V22, V2, V6)
	CROSS(D2, V19, V23, V3, V7)
	POINTS(15)
	SRSHR(2, 16, 16)
	SRSHR(2, 20, 20)

	DIVIDE(V16, 16)
	DIVIDE(V17, 17)
	DIVIDE(V18, 18)
	DIVIDE(V19, 19)
	DIVIDE(V20, 20)
	DIVIDE(V21, 21)
	DIVIDE(V22, 22)
	DIVIDE(V23, 23)
	VST1.P [V16.H8, V17.H8, V18.H8, V19.H8], 64(R0)
	VST1   [V20.H8, V21.H8, V22.H8, V23.H8], (R0)

	// One bit for each that is not zero.
	SET(V16)
	SET(V17)
	SET(V18)
	SET(V19)
	SET(V20)
	SET(V21)
	SET(V22)
	SET(V23)
	VUZP1 V17.B16, V16.B16, V16.B16
	VUZP1 V19.B16, V18.B16, V18.B16
	VUZP1 V21.B16, V20.B16, V20.B16
	VUZP1 V23.B16, V22.B16, V22.B16
	MOVD  $0x8040201008040201, R4
	VDUP  R4, V24.D2
	VAND  V24.B16, V16.B16, V16.B16
	VAND  V24.B16, V18.B16, V18.B16
	VAND  V24.B16, V20.B16, V20.B16
	VAND  V24.B16, V22.B16, V22.B16
	VADDP V18.B16, V16.B16, V16.B16
	VADDP V22.B16, V20.B16, V20.B16
	VADDP V20.B16, V16.B16, V16.B16
	VADDP V16.B16, V16.B16, V16.B16
	VMOV  V16.D[0], R4
	MOVD  R4, ret+32(FP)
	RET
