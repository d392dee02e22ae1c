#include "textflag.h"

// Instructions that Go's assembler has no names for. Operands are numbers of registers, in Go's order: what is written comes last.
#define SADDL(m, n, d)     WORD $(0x0E600000 | (m)<<16 | (n)<<5 | (d))             // saddl d.4s, n.4h, m.4h
#define SSUBL(m, n, d)     WORD $(0x0E602000 | (m)<<16 | (n)<<5 | (d))             // ssubl d.4s, n.4h, m.4h
#define SMULL(i, m, n, d)  WORD $(0x0F40A000 | (i)<<20 | (m)<<16 | (n)<<5 | (d))   // smull d.4s, n.4h, m.h[i]; i < 4, m < 16
#define SMLAL(i, m, n, d)  WORD $(0x0F402000 | (i)<<20 | (m)<<16 | (n)<<5 | (d))   // smlal d.4s, n.4h, m.h[i]
#define SMLSL(i, m, n, d)  WORD $(0x0F406000 | (i)<<20 | (m)<<16 | (n)<<5 | (d))   // smlsl d.4s, n.4h, m.h[i]
#define MUL(i, m, n, d)    WORD $(0x4F808000 | (i)<<21 | (m)<<16 | (n)<<5 | (d))   // mul d.4s, n.4s, m.s[i]; i < 2
#define MLA(i, m, n, d)    WORD $(0x6F800000 | (i)<<21 | (m)<<16 | (n)<<5 | (d))   // mla d.4s, n.4s, m.s[i]
#define MLS(i, m, n, d)    WORD $(0x6F804000 | (i)<<21 | (m)<<16 | (n)<<5 | (d))   // mls d.4s, n.4s, m.s[i]
#define SRSHR11(n, d)      WORD $(0x4F352400 | (n)<<5 | (d))                       // srshr d.4s, n.4s, #11
#define SSHR2(n, d)        WORD $(0x4F1E0400 | (n)<<5 | (d))                       // sshr d.8h, n.8h, #2
#define SQXTUN(n, d)       WORD $(0x2E212800 | (n)<<5 | (d))                       // sqxtun d.8b, n.8h

// func inverse4Fast(dst *byte, stride int, b *block)
TEXT ·inverse4Fast(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD stride+8(FP), R1
	MOVD b+16(FP), R2
	VMOVD $0x00001151000029CF, V8  // 10703 and 4433, as 32 bits at 0 and 1, or as 16 at 0 and 2

	// Columns: four at once.
	FMOVD 0(R2), F0
	FMOVD 16(R2), F1
	FMOVD 32(R2), F2
	FMOVD 48(R2), F3
	SMULL(0, 8, 1, 4)
	SMLAL(2, 8, 3, 4)
	SMULL(2, 8, 1, 5)
	SMLSL(0, 8, 3, 5)
	SRSHR11(4, 4)                  // o0
	SRSHR11(5, 5)                  // o1
	SADDL(2, 0, 6)
	SSUBL(2, 0, 7)
	VSHL $2, V6.S4, V6.S4          // e0
	VSHL $2, V7.S4, V7.S4          // e1
	VADD V4.S4, V6.S4, V0.S4
	VADD V5.S4, V7.S4, V1.S4
	VSUB V5.S4, V7.S4, V2.S4
	VSUB V4.S4, V6.S4, V3.S4

	// The block is left empty.
	VEOR  V9.B16, V9.B16, V9.B16
	FSTPQ (F9, F9), 0(R2)
	FSTPQ (F9, F9), 32(R2)
	FSTPQ (F9, F9), 64(R2)
	FSTPQ (F9, F9), 96(R2)

	// Rows become columns.
	VTRN1 V1.S4, V0.S4, V4.S4
	VTRN2 V1.S4, V0.S4, V5.S4
	VTRN1 V3.S4, V2.S4, V6.S4
	VTRN2 V3.S4, V2.S4, V7.S4
	VTRN1 V6.D2, V4.D2, V0.D2
	VTRN1 V7.D2, V5.D2, V1.D2
	VTRN2 V6.D2, V4.D2, V2.D2
	VTRN2 V7.D2, V5.D2, V3.D2

	// In 32 bits that may overflow, as they do in Go.
	MUL(0, 8, 1, 4)
	MLA(1, 8, 3, 4)                // o0
	MUL(1, 8, 1, 5)
	MLS(0, 8, 3, 5)                // o1
	MOVD $131072, R3               // half of one
	VDUP R3, V9.S4
	VSHL $13, V0.S4, V0.S4
	VSHL $13, V2.S4, V2.S4
	VADD V9.S4, V0.S4, V0.S4
	VADD V2.S4, V0.S4, V6.S4       // e0
	VSUB V2.S4, V0.S4, V7.S4       // e1
	VADD V4.S4, V6.S4, V0.S4
	VADD V5.S4, V7.S4, V1.S4
	VSUB V5.S4, V7.S4, V2.S4
	VSUB V4.S4, V6.S4, V3.S4

	// Of each sum the upper 16 bits, and of those all but two. Columns become rows, of bytes.
	VTRN2 V1.H8, V0.H8, V0.H8      // columns 0 and 1 in turn
	VTRN2 V3.H8, V2.H8, V2.H8
	SSHR2(0, 0)
	SSHR2(2, 2)
	MOVD  $128, R3
	VDUP  R3, V9.H8
	VADD  V9.H8, V0.H8, V0.H8
	VADD  V9.H8, V2.H8, V2.H8
	SQXTUN(0, 0)
	SQXTUN(2, 2)
	VZIP1 V2.H8, V0.H8, V0.H8
	VST1.P V0.S[0], (R0)(R1)
	VST1.P V0.S[1], (R0)(R1)
	VST1.P V0.S[2], (R0)(R1)
	VST1   V0.S[3], (R0)
	RET
