#include "textflag.h"

// Sums begin with half of one, and are rounded off by 14 bits.
DATA half<>+0(SB)/4, $8192
GLOBL half<>(SB), RODATA|NOPTR, $4

// Where the four samples of each half of a register are after two packings.
DATA order<>+0(SB)/4, $0
DATA order<>+4(SB)/4, $4
DATA order<>+8(SB)/4, $1
DATA order<>+12(SB)/4, $5
DATA order<>+16(SB)/4, $2
DATA order<>+20(SB)/4, $6
DATA order<>+24(SB)/4, $3
DATA order<>+28(SB)/4, $7
GLOBL order<>(SB), RODATA|NOPTR, $32

// TAPS adds the products of 16 samples from SI+offset on with 16 weights from R9 on to sum, in pairs.
#define TAPS(at, sum, tmp) \
	MOVLQSX    at(DX), AX             \
	LEAQ       (SI)(AX*1), AX         \
	VPMOVZXBW  (AX)(CX*1), tmp        \
	VPMADDWD   (R9)(CX*2), tmp, tmp   \
	VPADDD     tmp, sum, sum          \
	ADDQ       R10, R9

// func horizontalFast(dst *byte, n int, row *byte, first *int32, weights *int16, taps int)
TEXT ·horizontalFast(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ n+8(FP), BX
	MOVQ row+16(FP), SI
	MOVQ first+24(FP), DX
	MOVQ weights+32(FP), R8
	MOVQ taps+40(FP), R11
	MOVQ R11, R10
	SHLQ $1, R10                   // bytes of weights of a sample
	VPBROADCASTD half<>(SB), Y15

eight:
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	VPXOR Y2, Y2, Y2
	VPXOR Y3, Y3, Y3
	VPXOR Y4, Y4, Y4
	VPXOR Y5, Y5, Y5
	VPXOR Y6, Y6, Y6
	VPXOR Y7, Y7, Y7
	XORQ  CX, CX

sixteen:
	MOVQ R8, R9
	TAPS(0, Y0, Y8)
	TAPS(4, Y1, Y9)
	TAPS(8, Y2, Y10)
	TAPS(12, Y3, Y11)
	TAPS(16, Y4, Y8)
	TAPS(20, Y5, Y9)
	TAPS(24, Y6, Y10)
	TAPS(28, Y7, Y11)
	ADDQ $16, CX
	CMPQ CX, R11
	JLT  sixteen

	// Eight sums of eight parts: in each half of a register 0 1 2 3, and 4 5 6 7.
	VPHADDD Y1, Y0, Y0
	VPHADDD Y3, Y2, Y2
	VPHADDD Y5, Y4, Y4
	VPHADDD Y7, Y6, Y6
	VPHADDD Y2, Y0, Y0
	VPHADDD Y6, Y4, Y4
	VPERM2I128 $0x20, Y4, Y0, Y1
	VPERM2I128 $0x31, Y4, Y0, Y2
	VPADDD  Y2, Y1, Y0
	VPADDD  Y15, Y0, Y0
	VPSRAD  $14, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VPACKSSDW X1, X0, X0
	VPACKUSWB X0, X0, X0
	VMOVQ   X0, (DI)

	ADDQ $8, DI
	ADDQ $32, DX
	LEAQ (R8)(R10*8), R8
	SUBQ $8, BX
	JNZ  eight
	VZEROUPPER
	RET

// func verticalFast(dst *byte, n int, rows **byte, weights *int16, taps int)
TEXT ·verticalFast(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ n+8(FP), BX
	MOVQ rows+16(FP), SI
	MOVQ weights+24(FP), DX
	MOVQ taps+32(FP), R11
	XORQ CX, CX                    // the column
	VPBROADCASTD half<>(SB), Y15

columns:
	VMOVDQA Y15, Y0
	VMOVDQA Y15, Y1
	XORQ    AX, AX                 // the row

pair:
	MOVQ (SI)(AX*8), R8
	MOVQ 8(SI)(AX*8), R9
	VPBROADCASTD (DX)(AX*2), Y14   // two weights
	VMOVDQU (R8)(CX*1), X2
	VMOVDQU (R9)(CX*1), X3
	VPUNPCKLBW X3, X2, X4
	VPUNPCKHBW X3, X2, X5
	VPMOVZXBW X4, Y4
	VPMOVZXBW X5, Y5
	VPMADDWD Y14, Y4, Y4
	VPMADDWD Y14, Y5, Y5
	VPADDD  Y4, Y0, Y0
	VPADDD  Y5, Y1, Y1
	ADDQ    $2, AX
	CMPQ    AX, R11
	JLT     pair

	VPSRAD  $14, Y0, Y0
	VPSRAD  $14, Y1, Y1
	VPACKSSDW Y1, Y0, Y0           // 0-3 8-11 | 4-7 12-15
	VPACKUSWB Y0, Y0, Y0
	VMOVDQU order<>(SB), Y2
	VPERMD  Y0, Y2, Y0             // 0-3 4-7 8-11 12-15
	VMOVDQU X0, (DI)(CX*1)
	ADDQ    $16, CX
	CMPQ    CX, BX
	JLT     columns
	VZEROUPPER
	RET
