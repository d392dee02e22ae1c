#include "textflag.h"

// Instructions that Go's assembler has no names for. Operands are numbers of registers, in Go's order: what is written comes last.
#define SMLAL(m, n, d)       WORD $(0x0E608000 | (m)<<16 | (n)<<5 | (d))         // smlal d.4s, n.4h, m.4h
#define SMLAL2(m, n, d)      WORD $(0x4E608000 | (m)<<16 | (n)<<5 | (d))         // smlal2 d.4s, n.8h, m.8h
#define SMLALI(i, m, n, d)   WORD $(0x0F402000 | (i)<<20 | (m)<<16 | (n)<<5 | (d)) // smlal d.4s, n.4h, m.h[i]; i < 4, m < 16
#define SMLAL2I(i, m, n, d)  WORD $(0x4F402000 | (i)<<20 | (m)<<16 | (n)<<5 | (d)) // smlal2 d.4s, n.8h, m.h[i]
#define SQSHRUN14(n, d)      WORD $(0x2F128400 | (n)<<5 | (d))                   // sqshrun d.4h, n.4s, #14
#define SQSHRUN14_2(n, d)    WORD $(0x6F128400 | (n)<<5 | (d))                   // sqshrun2 d.8h, n.4s, #14
#define UQXTN(n, d)          WORD $(0x2E214800 | (n)<<5 | (d))                   // uqxtn d.8b, n.8h
#define UQXTN2(n, d)         WORD $(0x6E214800 | (n)<<5 | (d))                   // uqxtn2 d.16b, n.8h

// TAPS adds the products of 16 samples from R7+first on with 16 weights from R10 on to sum, in four parts.
#define TAPS(at, sum) \
	MOVW   at(R3), R11                \
	ADD    R7, R11                    \
	VLD1   (R11), [V16.B16]           \
	VLD1.P (R10)(R6), [V18.H8, V19.H8] \
	VUXTL2 V16.B16, V17.H8            \
	VUXTL  V16.B8, V16.H8             \
	SMLAL(18, 16, sum)                \
	SMLAL2(18, 16, sum)               \
	SMLAL(19, 17, sum)                \
	SMLAL2(19, 17, sum)

// func horizontalFast(dst *byte, n int, row *byte, first *int32, weights *int16, taps int)
TEXT ·horizontalFast(SB), NOSPLIT, $0-48
	MOVD  dst+0(FP), R0
	MOVD  n+8(FP), R1
	MOVD  row+16(FP), R2
	MOVD  first+24(FP), R3
	MOVD  weights+32(FP), R4
	MOVD  taps+40(FP), R5
	LSL   $1, R5, R6               // bytes of weights of a sample
	VMOVS $8192, V31               // sums begin with half of one, in one of their four parts

eight:
	VMOV V31.B16, V0.B16
	VMOV V31.B16, V1.B16
	VMOV V31.B16, V2.B16
	VMOV V31.B16, V3.B16
	VMOV V31.B16, V4.B16
	VMOV V31.B16, V5.B16
	VMOV V31.B16, V6.B16
	VMOV V31.B16, V7.B16
	MOVD R2, R7                    // the row, from this tap on
	MOVD R4, R8                    // the first sample's weights, from this tap on
	MOVD R5, R9                    // taps left

sixteen:
	MOVD R8, R10
	TAPS(0, 0)
	TAPS(4, 1)
	TAPS(8, 2)
	TAPS(12, 3)
	TAPS(16, 4)
	TAPS(20, 5)
	TAPS(24, 6)
	TAPS(28, 7)
	ADD  $16, R7
	ADD  $32, R8
	SUBS $16, R9
	BNE  sixteen

	VADDP V1.S4, V0.S4, V0.S4
	VADDP V3.S4, V2.S4, V2.S4
	VADDP V5.S4, V4.S4, V4.S4
	VADDP V7.S4, V6.S4, V6.S4
	VADDP V2.S4, V0.S4, V0.S4      // samples 0 to 3
	VADDP V6.S4, V4.S4, V4.S4      // and 4 to 7
	SQSHRUN14(0, 0)
	SQSHRUN14_2(4, 0)
	UQXTN(0, 0)
	VST1.P [V0.B8], 8(R0)

	ADD  $32, R3
	ADD  R6<<3, R4
	SUBS $8, R1
	BNE  eight
	RET

// WEIGH adds the products of the 16 samples in V16 with a weight to the sums.
#define WEIGH(weight) \
	VUXTL2 V16.B16, V17.H8  \
	VUXTL  V16.B8, V16.H8   \
	SMLALI(weight, 4, 16, 0)  \
	SMLAL2I(weight, 4, 16, 1) \
	SMLALI(weight, 4, 17, 2)  \
	SMLAL2I(weight, 4, 17, 3)

// func verticalFast(dst *byte, n int, rows **byte, weights *int16, taps int)
TEXT ·verticalFast(SB), NOSPLIT, $0-40
	MOVD dst+0(FP), R0
	MOVD n+8(FP), R1
	MOVD rows+16(FP), R2
	MOVD weights+24(FP), R3
	MOVD taps+32(FP), R4
	MOVD $0, R5                    // the column
	MOVD $8192, R6                 // sums begin with half of one
	VDUP R6, V31.S4

columns:
	VMOV V31.B16, V0.B16
	VMOV V31.B16, V1.B16
	VMOV V31.B16, V2.B16
	VMOV V31.B16, V3.B16
	MOVD R2, R7
	MOVD R3, R8
	MOVD R4, R9                    // rows left

pair:
	LDP.P   16(R7), (R10, R11)
	VLD1R.P 4(R8), [V4.S4]         // two weights
	ADD     R5, R10
	ADD     R5, R11
	VLD1    (R10), [V16.B16]
	WEIGH(0)
	VLD1    (R11), [V16.B16]
	WEIGH(1)
	SUBS    $2, R9
	BNE     pair

	SQSHRUN14(0, 0)
	SQSHRUN14_2(1, 0)
	SQSHRUN14(2, 2)
	SQSHRUN14_2(3, 2)
	UQXTN(0, 0)
	UQXTN2(2, 0)
	VST1.P [V0.B16], 16(R0)

	ADD $16, R5
	CMP R1, R5
	BLT columns
	RET
