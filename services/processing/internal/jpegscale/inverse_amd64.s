#include "textflag.h"

// Each constant four times.
#define FOUR(name, twice) \
	DATA name<>+0(SB)/8, $twice \
	DATA name<>+8(SB)/8, $twice \
	GLOBL name<>(SB), RODATA|NOPTR, $16

FOUR(half11, 0x0000040000000400) // 1024
FOUR(half18, 0x0002000000020000) // 131072
FOUR(c1, 0x000029cf000029cf) // 10703
FOUR(c3, 0x0000115100001151) // 4433
FOUR(middle, 0x0000008000000080) // 128
FOUR(c1c3, 0x115129cf115129cf)
FOUR(c3c1, 0xd6311151d6311151) // 4433, -10703

// func inverse4Fast(dst *byte, stride int, b *block)
TEXT ·inverse4Fast(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ stride+8(FP), DX
	MOVQ b+16(FP), SI

	// Columns: four at once.
	VPMOVSXWD 0(SI), X0
	VPMOVSXWD 32(SI), X2
	VMOVQ     16(SI), X1
	VMOVQ     48(SI), X3
	VPUNPCKLWD X3, X1, X1          // rows 1 and 3, in turn
	VPMADDWD c1c3<>(SB), X1, X4
	VPMADDWD c3c1<>(SB), X1, X5
	VPADDD   half11<>(SB), X4, X4
	VPADDD   half11<>(SB), X5, X5
	VPSRAD   $11, X4, X4           // o0
	VPSRAD   $11, X5, X5           // o1
	VPADDD   X2, X0, X6
	VPSUBD   X2, X0, X7
	VPSLLD   $2, X6, X6            // e0
	VPSLLD   $2, X7, X7            // e1
	VPADDD   X4, X6, X0
	VPADDD   X5, X7, X1
	VPSUBD   X5, X7, X2
	VPSUBD   X4, X6, X3

	// The block is left empty.
	VPXOR   Y8, Y8, Y8
	VMOVDQU Y8, 0(SI)
	VMOVDQU Y8, 32(SI)
	VMOVDQU Y8, 64(SI)
	VMOVDQU Y8, 96(SI)

	// Rows become columns.
	VPUNPCKLDQ X1, X0, X4
	VPUNPCKHDQ X1, X0, X5
	VPUNPCKLDQ X3, X2, X6
	VPUNPCKHDQ X3, X2, X7
	VPUNPCKLQDQ X6, X4, X0
	VPUNPCKHQDQ X6, X4, X1
	VPUNPCKLQDQ X7, X5, X2
	VPUNPCKHQDQ X7, X5, X3

	VPSLLD   $13, X0, X0
	VPSLLD   $13, X2, X2
	VPADDD   half18<>(SB), X0, X0
	VPADDD   X2, X0, X6            // e0
	VPSUBD   X2, X0, X7            // e1
	VPMULLD  c1<>(SB), X1, X4
	VPMULLD  c3<>(SB), X3, X5
	VPADDD   X5, X4, X4            // o0
	VPMULLD  c3<>(SB), X1, X1
	VPMULLD  c1<>(SB), X3, X3
	VPSUBD   X3, X1, X5            // o1
	VPADDD   X4, X6, X0
	VPADDD   X5, X7, X1
	VPSUBD   X5, X7, X2
	VPSUBD   X4, X6, X3
	VPSRAD   $18, X0, X0
	VPSRAD   $18, X1, X1
	VPSRAD   $18, X2, X2
	VPSRAD   $18, X3, X3
	VMOVDQU  middle<>(SB), X8
	VPADDD   X8, X0, X0
	VPADDD   X8, X1, X1
	VPADDD   X8, X2, X2
	VPADDD   X8, X3, X3

	// Columns become rows, of bytes.
	VPACKSSDW X1, X0, X0           // columns 0 and 1, four samples each
	VPACKSSDW X3, X2, X2
	VPACKUSWB X2, X0, X0           // all four
	VPSHUFB  turn<>(SB), X0, X0
	VMOVD    X0, (DI)
	VPEXTRD  $1, X0, (DI)(DX*1)
	LEAQ     (DI)(DX*2), DI
	VPEXTRD  $2, X0, (DI)
	VPEXTRD  $3, X0, (DI)(DX*1)
	VZEROUPPER
	RET

DATA turn<>+0(SB)/8, $0x0d0905010c080400
DATA turn<>+8(SB)/8, $0x0f0b07030e0a0602
GLOBL turn<>(SB), RODATA|NOPTR, $16
