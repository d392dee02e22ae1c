#include "textflag.h"

// The transforms of 5, 6 and 8 points on each axis. Eight columns are transformed at once, a row of the block in each register, then
// eight rows; arithmetic is that of points in inverse.go, in 32 bits that wrap as Go's do. Of 5 and 6 points the lanes and registers behind
// hold anything, and nobody looks at them.

// Each constant eight times.
#define EIGHT(name, twice) \
	DATA name<>+0(SB)/8, $twice  \
	DATA name<>+8(SB)/8, $twice  \
	DATA name<>+16(SB)/8, $twice \
	DATA name<>+24(SB)/8, $twice \
	GLOBL name<>(SB), RODATA|NOPTR, $32

EIGHT(w9373, 0x0000249d0000249d) // 9373
EIGHT(w3580, 0x00000dfc00000dfc) // 3580
EIGHT(w11585, 0x00002d4100002d41) // 11585
EIGHT(w11018, 0x00002b0a00002b0a) // 11018
EIGHT(w6810, 0x00001a9a00001a9a) // 6810
EIGHT(w5793, 0x000016a1000016a1) // 5793
EIGHT(w10033, 0x0000273100002731) // 10033
EIGHT(w2998, 0x00000bb600000bb6) // 2998
EIGHT(w4433, 0x0000115100001151) // 4433
EIGHT(w6270, 0x0000187e0000187e) // 6270
EIGHT(w15137, 0x00003b2100003b21) // 15137
EIGHT(w9633, 0x000025a1000025a1) // 9633
EIGHT(m7373, 0xffffe333ffffe333) // -7373
EIGHT(m20995, 0xffffadfdffffadfd) // -20995
EIGHT(m16069, 0xffffc13bffffc13b) // -16069
EIGHT(m3196, 0xfffff384fffff384) // -3196
EIGHT(w2446, 0x0000098e0000098e) // 2446
EIGHT(w16819, 0x000041b3000041b3) // 16819
EIGHT(w25172, 0x0000625400006254) // 25172
EIGHT(w12299, 0x0000300b0000300b) // 12299
EIGHT(half10, 0x0000040000000400) // 1024
EIGHT(half12, 0x0000100000001000) // 4096
EIGHT(half17, 0x0002000000020000) // 131072
EIGHT(sixteen, 0x0000001000000010) // 16
EIGHT(grey, 0x0000008000000080) // 128

// Bytes of four columns become those of four rows, in each half of a register.
DATA turned<>+0(SB)/8, $0x0d0905010c080400
DATA turned<>+8(SB)/8, $0x0f0b07030e0a0602
DATA turned<>+16(SB)/8, $0x0d0905010c080400
DATA turned<>+24(SB)/8, $0x0f0b07030e0a0602
GLOBL turned<>(SB), RODATA|NOPTR, $32

// FIVE is five: Y0 to Y4 become Y8 to Y12.
#define FIVE \
	VPSLLD  $13, Y0, Y0 \
	VPADDD  half12<>(SB), Y0, Y0 \
	VPSUBD  Y4, Y2, Y5 \
	VPMULLD w11585<>(SB), Y5, Y5 \
	VPSUBD  Y5, Y0, Y10 \
	VPMULLD w9373<>(SB), Y2, Y6 \
	VPMULLD w3580<>(SB), Y4, Y7 \
	VPADDD  Y7, Y6, Y6 \
	VPADDD  Y0, Y6, Y6 \
	VPMULLD w3580<>(SB), Y2, Y7 \
	VPMULLD w9373<>(SB), Y4, Y5 \
	VPADDD  Y5, Y7, Y7 \
	VPSUBD  Y7, Y0, Y7 \
	VPMULLD w11018<>(SB), Y1, Y5 \
	VPMULLD w6810<>(SB), Y3, Y4 \
	VPADDD  Y4, Y5, Y5 \
	VPMULLD w6810<>(SB), Y1, Y1 \
	VPMULLD w11018<>(SB), Y3, Y3 \
	VPSUBD  Y3, Y1, Y1 \
	VPADDD  Y5, Y6, Y8 \
	VPSUBD  Y5, Y6, Y12 \
	VPADDD  Y1, Y7, Y9 \
	VPSUBD  Y1, Y7, Y11 \
	VPSRAD  $13, Y8, Y8 \
	VPSRAD  $13, Y9, Y9 \
	VPSRAD  $13, Y10, Y10 \
	VPSRAD  $13, Y11, Y11 \
	VPSRAD  $13, Y12, Y12

// SIX is six: Y0 to Y5 become Y8 to Y13.
#define SIX \
	VPSLLD  $13, Y0, Y0 \
	VPADDD  half12<>(SB), Y0, Y0 \
	VPMULLD w5793<>(SB), Y4, Y4 \
	VPMULLD w10033<>(SB), Y2, Y2 \
	VPADDD  Y4, Y0, Y6 \
	VPADDD  Y2, Y6, Y7 \
	VPSUBD  Y2, Y6, Y14 \
	VPSLLD  $1, Y4, Y4 \
	VPSUBD  Y4, Y0, Y15 \
	VPADDD  Y5, Y1, Y6 \
	VPMULLD w2998<>(SB), Y6, Y6 \
	VPADDD  Y3, Y1, Y2 \
	VPSLLD  $13, Y2, Y2 \
	VPADDD  Y6, Y2, Y2 \
	VPSUBD  Y3, Y5, Y4 \
	VPSLLD  $13, Y4, Y4 \
	VPADDD  Y6, Y4, Y4 \
	VPSUBD  Y3, Y1, Y1 \
	VPSUBD  Y5, Y1, Y1 \
	VPSLLD  $13, Y1, Y1 \
	VPADDD  Y2, Y7, Y8 \
	VPSUBD  Y2, Y7, Y13 \
	VPADDD  Y1, Y15, Y9 \
	VPSUBD  Y1, Y15, Y12 \
	VPADDD  Y4, Y14, Y10 \
	VPSUBD  Y4, Y14, Y11 \
	VPSRAD  $13, Y8, Y8 \
	VPSRAD  $13, Y9, Y9 \
	VPSRAD  $13, Y10, Y10 \
	VPSRAD  $13, Y11, Y11 \
	VPSRAD  $13, Y12, Y12 \
	VPSRAD  $13, Y13, Y13

// POINTS8 is eight: Y0 to Y7 become Y8 to Y15.
#define POINTS8(round, shift) \
	VPADDD  Y4, Y0, Y8 \
	VPSUBD  Y4, Y0, Y9 \
	VPSLLD  $13, Y8, Y8 \
	VPSLLD  $13, Y9, Y9 \
	VPADDD  round<>(SB), Y8, Y8 \
	VPADDD  round<>(SB), Y9, Y9 \
	VPADDD  Y6, Y2, Y10 \
	VPMULLD w4433<>(SB), Y10, Y10 \
	VPMULLD w6270<>(SB), Y2, Y2 \
	VPADDD  Y10, Y2, Y2 \
	VPMULLD w15137<>(SB), Y6, Y6 \
	VPSUBD  Y6, Y10, Y6 \
	VPADDD  Y2, Y8, Y0 \
	VPSUBD  Y2, Y8, Y4 \
	VPADDD  Y6, Y9, Y2 \
	VPSUBD  Y6, Y9, Y6 \
	VPADDD  Y1, Y7, Y8 \
	VPADDD  Y3, Y5, Y9 \
	VPADDD  Y3, Y7, Y10 \
	VPADDD  Y1, Y5, Y11 \
	VPADDD  Y11, Y10, Y12 \
	VPMULLD w9633<>(SB), Y12, Y12 \
	VPMULLD m7373<>(SB), Y8, Y8 \
	VPMULLD m20995<>(SB), Y9, Y9 \
	VPMULLD m16069<>(SB), Y10, Y10 \
	VPADDD  Y12, Y10, Y10 \
	VPMULLD m3196<>(SB), Y11, Y11 \
	VPADDD  Y12, Y11, Y11 \
	VPMULLD w2446<>(SB), Y7, Y7 \
	VPADDD  Y8, Y7, Y7 \
	VPADDD  Y10, Y7, Y7 \
	VPMULLD w16819<>(SB), Y5, Y5 \
	VPADDD  Y9, Y5, Y5 \
	VPADDD  Y11, Y5, Y5 \
	VPMULLD w25172<>(SB), Y3, Y3 \
	VPADDD  Y9, Y3, Y3 \
	VPADDD  Y10, Y3, Y3 \
	VPMULLD w12299<>(SB), Y1, Y1 \
	VPADDD  Y8, Y1, Y1 \
	VPADDD  Y11, Y1, Y1 \
	VPADDD  Y1, Y0, Y8 \
	VPSUBD  Y1, Y0, Y15 \
	VPADDD  Y3, Y2, Y9 \
	VPSUBD  Y3, Y2, Y14 \
	VPADDD  Y5, Y6, Y10 \
	VPSUBD  Y5, Y6, Y13 \
	VPADDD  Y7, Y4, Y11 \
	VPSUBD  Y7, Y4, Y12 \
	VPSRAD  $shift, Y8, Y8 \
	VPSRAD  $shift, Y9, Y9 \
	VPSRAD  $shift, Y10, Y10 \
	VPSRAD  $shift, Y11, Y11 \
	VPSRAD  $shift, Y12, Y12 \
	VPSRAD  $shift, Y13, Y13 \
	VPSRAD  $shift, Y14, Y14 \
	VPSRAD  $shift, Y15, Y15

// TURN makes columns of rows: Y8 to Y15 become Y0 to Y7.
#define TURN \
	VPUNPCKLDQ Y9, Y8, Y0 \
	VPUNPCKHDQ Y9, Y8, Y1 \
	VPUNPCKLDQ Y11, Y10, Y2 \
	VPUNPCKHDQ Y11, Y10, Y3 \
	VPUNPCKLDQ Y13, Y12, Y4 \
	VPUNPCKHDQ Y13, Y12, Y5 \
	VPUNPCKLDQ Y15, Y14, Y6 \
	VPUNPCKHDQ Y15, Y14, Y7 \
	VPUNPCKLQDQ Y2, Y0, Y8 \
	VPUNPCKHQDQ Y2, Y0, Y9 \
	VPUNPCKLQDQ Y3, Y1, Y10 \
	VPUNPCKHQDQ Y3, Y1, Y11 \
	VPUNPCKLQDQ Y6, Y4, Y12 \
	VPUNPCKHQDQ Y6, Y4, Y13 \
	VPUNPCKLQDQ Y7, Y5, Y14 \
	VPUNPCKHQDQ Y7, Y5, Y15 \
	VPERM2I128 $0x20, Y12, Y8, Y0 \
	VPERM2I128 $0x20, Y13, Y9, Y1 \
	VPERM2I128 $0x20, Y14, Y10, Y2 \
	VPERM2I128 $0x20, Y15, Y11, Y3 \
	VPERM2I128 $0x31, Y12, Y8, Y4 \
	VPERM2I128 $0x31, Y13, Y9, Y5 \
	VPERM2I128 $0x31, Y14, Y10, Y6 \
	VPERM2I128 $0x31, Y15, Y11, Y7

// LOAD loads a row of coefficients, with the bits of fraction that are kept between the axes.
#define LOAD(at, y) \
	VPMOVSXWD at(SI), y \
	VPSLLD    $2, y, y

// FINISH takes what is left of the fraction off, and an eighth.
#define FINISH(y) \
	VPADDD sixteen<>(SB), y, y \
	VPSRAD $5, y, y

// PACK makes bytes of samples around zero, the columns Y8 to Y15: rows 0 and 1 in X0, 2 and 3 in X1, and so on.
#define PACK \
	VPADDD    grey<>(SB), Y8, Y8 \
	VPADDD    grey<>(SB), Y9, Y9 \
	VPADDD    grey<>(SB), Y10, Y10 \
	VPADDD    grey<>(SB), Y11, Y11 \
	VPADDD    grey<>(SB), Y12, Y12 \
	VPADDD    grey<>(SB), Y13, Y13 \
	VPADDD    grey<>(SB), Y14, Y14 \
	VPADDD    grey<>(SB), Y15, Y15 \
	VPACKSSDW Y9, Y8, Y8 \
	VPACKSSDW Y11, Y10, Y10 \
	VPACKSSDW Y13, Y12, Y12 \
	VPACKSSDW Y15, Y14, Y14 \
	VPACKUSWB Y10, Y8, Y8 \
	VPACKUSWB Y14, Y12, Y12 \
	VPSHUFB   turned<>(SB), Y8, Y8 \
	VPSHUFB   turned<>(SB), Y12, Y12 \
	VPUNPCKLDQ Y12, Y8, Y0 \
	VPUNPCKHDQ Y12, Y8, Y1 \
	VEXTRACTI128 $1, Y0, X2 \
	VEXTRACTI128 $1, Y1, X3

// CLEAR leaves the block empty.
#define CLEAR \
	VPXOR   Y15, Y15, Y15 \
	VMOVDQU Y15, 0(SI) \
	VMOVDQU Y15, 32(SI) \
	VMOVDQU Y15, 64(SI) \
	VMOVDQU Y15, 96(SI)

// ROW5 and ROW6 store as many samples of the row that R8 holds, and go on to the next.
#define ROW5 \
	MOVL R8, (DI)   \
	SHRQ $32, R8    \
	MOVB R8, 4(DI)  \
	ADDQ DX, DI

#define ROW6 \
	MOVL R8, (DI)   \
	SHRQ $32, R8    \
	MOVW R8, 4(DI)  \
	ADDQ DX, DI

#define ARGUMENTS \
	MOVQ dst+0(FP), DI    \
	MOVQ stride+8(FP), DX \
	MOVQ b+16(FP), SI

// func inverse5Fast(dst *byte, stride int, b *block)
TEXT ·inverse5Fast(SB), NOSPLIT, $0-24
	ARGUMENTS
	LOAD(0, Y0)
	LOAD(16, Y1)
	LOAD(32, Y2)
	LOAD(48, Y3)
	LOAD(64, Y4)
	CLEAR
	FIVE
	TURN
	FIVE
	FINISH(Y8)
	FINISH(Y9)
	FINISH(Y10)
	FINISH(Y11)
	FINISH(Y12)
	PACK
	VMOVQ X0, R8
	ROW5
	VPEXTRQ $1, X0, R8
	ROW5
	VMOVQ X1, R8
	ROW5
	VPEXTRQ $1, X1, R8
	ROW5
	VMOVQ X2, R8
	ROW5
	VZEROUPPER
	RET

// func inverse6Fast(dst *byte, stride int, b *block)
TEXT ·inverse6Fast(SB), NOSPLIT, $0-24
	ARGUMENTS
	LOAD(0, Y0)
	LOAD(16, Y1)
	LOAD(32, Y2)
	LOAD(48, Y3)
	LOAD(64, Y4)
	LOAD(80, Y5)
	CLEAR
	SIX
	TURN
	SIX
	FINISH(Y8)
	FINISH(Y9)
	FINISH(Y10)
	FINISH(Y11)
	FINISH(Y12)
	FINISH(Y13)
	PACK
	VMOVQ X0, R8
	ROW6
	VPEXTRQ $1, X0, R8
	ROW6
	VMOVQ X1, R8
	ROW6
	VPEXTRQ $1, X1, R8
	ROW6
	VMOVQ X2, R8
	ROW6
	VPEXTRQ $1, X2, R8
	ROW6
	VZEROUPPER
	RET

// func inverse8Fast(dst *byte, stride int, b *block)
TEXT ·inverse8Fast(SB), NOSPLIT, $0-24
	ARGUMENTS
	VPMOVSXWD 0(SI), Y0
	VPMOVSXWD 16(SI), Y1
	VPMOVSXWD 32(SI), Y2
	VPMOVSXWD 48(SI), Y3
	VPMOVSXWD 64(SI), Y4
	VPMOVSXWD 80(SI), Y5
	VPMOVSXWD 96(SI), Y6
	VPMOVSXWD 112(SI), Y7
	CLEAR
	POINTS8(half10, 11)
	TURN
	POINTS8(half17, 18)
	PACK
	VMOVQ X0, (DI)
	ADDQ DX, DI
	VPEXTRQ $1, X0, (DI)
	ADDQ DX, DI
	VMOVQ X1, (DI)
	ADDQ DX, DI
	VPEXTRQ $1, X1, (DI)
	ADDQ DX, DI
	VMOVQ X2, (DI)
	ADDQ DX, DI
	VPEXTRQ $1, X2, (DI)
	ADDQ DX, DI
	VMOVQ X3, (DI)
	ADDQ DX, DI
	VPEXTRQ $1, X3, (DI)
	VZEROUPPER
	RET
