#include "textflag.h"

// Each constant eight times.
#define EIGHT(name, twice) \
	DATA name<>+0(SB)/8, $twice  \
	DATA name<>+8(SB)/8, $twice  \
	DATA name<>+16(SB)/8, $twice \
	DATA name<>+24(SB)/8, $twice \
	GLOBL name<>(SB), RODATA|NOPTR, $32

EIGHT(f4433, 0x0000115100001151) // 4433
EIGHT(f6270, 0x0000187e0000187e) // 6270
EIGHT(f15137, 0x00003b2100003b21) // 15137
EIGHT(f9633, 0x000025a1000025a1) // 9633
EIGHT(m7373, 0xffffe333ffffe333) // -7373
EIGHT(m20995, 0xffffadfdffffadfd) // -20995
EIGHT(m16069, 0xffffc13bffffc13b) // -16069
EIGHT(m3196, 0xfffff384fffff384) // -3196
EIGHT(f2446, 0x0000098e0000098e) // 2446
EIGHT(f16819, 0x000041b3000041b3) // 16819
EIGHT(f25172, 0x0000625400006254) // 25172
EIGHT(f12299, 0x0000300b0000300b) // 12299
EIGHT(round11, 0x0000040000000400) // 1024
EIGHT(round15, 0x0000400000004000) // 16384
EIGHT(middle, 0x0000008000000080) // 128

// POINTS is points of forward.go, of eight columns at once: Y0 to Y7 become Y8 Y7 Y3 Y6 Y9 Y5 Y2 Y4.
#define POINTS(shift, round) \
	VPADDD  Y7, Y0, Y8       \
	VPSUBD  Y7, Y0, Y7       \
	VPADDD  Y6, Y1, Y9       \
	VPSUBD  Y6, Y1, Y6       \
	VPADDD  Y5, Y2, Y10      \
	VPSUBD  Y5, Y2, Y5       \
	VPADDD  Y4, Y3, Y11      \
	VPSUBD  Y4, Y3, Y4       \
	VPADDD  Y11, Y8, Y0      \
	VPSUBD  Y11, Y8, Y3      \
	VPADDD  Y10, Y9, Y1      \
	VPSUBD  Y10, Y9, Y2      \
	VPADDD  Y1, Y0, Y8       \
	VPSUBD  Y1, Y0, Y9       \
	VPSLLD  $13, Y8, Y8      \
	VPSLLD  $13, Y9, Y9      \
	VPADDD  round<>(SB), Y8, Y8     \
	VPADDD  round<>(SB), Y9, Y9     \
	VPADDD  Y3, Y2, Y10      \
	VPMULLD f4433<>(SB), Y10, Y10   \
	VPADDD  round<>(SB), Y10, Y10   \
	VPMULLD f6270<>(SB), Y3, Y3     \
	VPADDD  Y10, Y3, Y3      \
	VPMULLD f15137<>(SB), Y2, Y2    \
	VPSUBD  Y2, Y10, Y2      \
	VPADDD  Y7, Y4, Y10      \
	VPADDD  Y6, Y5, Y11      \
	VPADDD  Y6, Y4, Y12      \
	VPADDD  Y7, Y5, Y13      \
	VPADDD  Y13, Y12, Y0     \
	VPMULLD f9633<>(SB), Y0, Y0     \
	VPADDD  round<>(SB), Y0, Y0     \
	VPMULLD m7373<>(SB), Y10, Y10   \
	VPMULLD m20995<>(SB), Y11, Y11  \
	VPMULLD m16069<>(SB), Y12, Y12  \
	VPADDD  Y0, Y12, Y12     \
	VPMULLD m3196<>(SB), Y13, Y13   \
	VPADDD  Y0, Y13, Y13     \
	VPMULLD f2446<>(SB), Y4, Y4     \
	VPMULLD f16819<>(SB), Y5, Y5    \
	VPMULLD f25172<>(SB), Y6, Y6    \
	VPMULLD f12299<>(SB), Y7, Y7    \
	VPADDD  Y10, Y4, Y4      \
	VPADDD  Y12, Y4, Y4      \
	VPADDD  Y11, Y5, Y5      \
	VPADDD  Y13, Y5, Y5      \
	VPADDD  Y11, Y6, Y6      \
	VPADDD  Y12, Y6, Y6      \
	VPADDD  Y10, Y7, Y7      \
	VPADDD  Y13, Y7, Y7      \
	VPSRAD  $shift, Y8, Y8   \
	VPSRAD  $shift, Y7, Y7   \
	VPSRAD  $shift, Y3, Y3   \
	VPSRAD  $shift, Y6, Y6   \
	VPSRAD  $shift, Y9, Y9   \
	VPSRAD  $shift, Y5, Y5   \
	VPSRAD  $shift, Y2, Y2   \
	VPSRAD  $shift, Y4, Y4

// ROW loads eight samples, around zero.
#define ROW(y) \
	VPMOVZXBD (SI), y       \
	VPSUBD    Y15, y, y     \
	ADDQ      DX, SI

// DIVIDE divides a row of coefficients by its row of the table, and rounds.
#define DIVIDE(at, y) \
	VCVTDQ2PS y, y          \
	VMULPS    at(R8), y, y  \
	VCVTPS2DQ y, y

// func forwardFast(coef *[64]int16, samples *byte, stride int, factors *[64]float32) uint64
TEXT ·forwardFast(SB), NOSPLIT, $0-40
	MOVQ coef+0(FP), DI
	MOVQ samples+8(FP), SI
	MOVQ stride+16(FP), DX
	MOVQ factors+24(FP), R8
	VMOVDQU middle<>(SB), Y15
	ROW(Y0)
	ROW(Y1)
	ROW(Y2)
	ROW(Y3)
	ROW(Y4)
	ROW(Y5)
	ROW(Y6)
	ROW(Y7)
	POINTS(11, round11)

	// Columns become rows.
	VPUNPCKLDQ Y7, Y8, Y0
	VPUNPCKHDQ Y7, Y8, Y1
	VPUNPCKLDQ Y6, Y3, Y10
	VPUNPCKHDQ Y6, Y3, Y11
	VPUNPCKLDQ Y5, Y9, Y12
	VPUNPCKHDQ Y5, Y9, Y13
	VPUNPCKLDQ Y4, Y2, Y14
	VPUNPCKHDQ Y4, Y2, Y15
	VPUNPCKLQDQ Y10, Y0, Y2
	VPUNPCKHQDQ Y10, Y0, Y3
	VPUNPCKLQDQ Y11, Y1, Y4
	VPUNPCKHQDQ Y11, Y1, Y5
	VPUNPCKLQDQ Y14, Y12, Y6
	VPUNPCKHQDQ Y14, Y12, Y7
	VPUNPCKLQDQ Y15, Y13, Y8
	VPUNPCKHQDQ Y15, Y13, Y9
	VPERM2I128 $0x20, Y6, Y2, Y0
	VPERM2I128 $0x20, Y7, Y3, Y1
	VPERM2I128 $0x31, Y6, Y2, Y10
	VPERM2I128 $0x31, Y7, Y3, Y11
	VPERM2I128 $0x20, Y8, Y4, Y2
	VPERM2I128 $0x20, Y9, Y5, Y3
	VPERM2I128 $0x31, Y8, Y4, Y6
	VPERM2I128 $0x31, Y9, Y5, Y7
	VMOVDQA Y10, Y4
	VMOVDQA Y11, Y5
	POINTS(15, round15)

	DIVIDE(0, Y8)
	DIVIDE(32, Y7)
	DIVIDE(64, Y3)
	DIVIDE(96, Y6)
	DIVIDE(128, Y9)
	DIVIDE(160, Y5)
	DIVIDE(192, Y2)
	DIVIDE(224, Y4)
	VPACKSSDW Y7, Y8, Y8
	VPACKSSDW Y6, Y3, Y3
	VPACKSSDW Y5, Y9, Y9
	VPACKSSDW Y4, Y2, Y2
	VPERMQ $0xD8, Y8, Y8
	VPERMQ $0xD8, Y3, Y3
	VPERMQ $0xD8, Y9, Y9
	VPERMQ $0xD8, Y2, Y2
	VMOVDQU Y8, (DI)
	VMOVDQU Y3, 32(DI)
	VMOVDQU Y9, 64(DI)
	VMOVDQU Y2, 96(DI)

	// One bit for each that is not zero.
	VPACKSSWB Y3, Y8, Y8
	VPACKSSWB Y2, Y9, Y9
	VPERMQ $0xD8, Y8, Y8
	VPERMQ $0xD8, Y9, Y9
	VPXOR Y0, Y0, Y0
	VPCMPEQB Y0, Y8, Y8
	VPCMPEQB Y0, Y9, Y9
	VPMOVMSKB Y8, AX
	VPMOVMSKB Y9, BX
	SHLQ $32, BX
	ORQ  BX, AX
	NOTQ AX
	MOVQ AX, ret+32(FP)
	VZEROUPPER
	RET
