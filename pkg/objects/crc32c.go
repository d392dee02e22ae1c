package objects

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"math/bits"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// CRC32C answers the checksum that accompanies every object.
func CRC32C(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// CombineCRC32C answers the checksum of a followed by b from the checksums of both and the length of b, in time that grows
// with the logarithm of the length.
func CombineCRC32C(a, b uint32, lenB int64) uint32 {
	return multiply(a, shift(lenB)) ^ b
}

// In the field of polynomials over two elements, bit-reversed as CRC has them, the highest bit is x^0. Appending n zero
// bytes to a message multiplies its checksum by x^(8n); the inversions at both ends of a CRC cancel out.

// multiply answers a times b modulo the Castagnoli polynomial.
func multiply(a, b uint32) uint32 {
	var product uint32
	for ; a != 0; a <<= 1 {
		if a&(1<<31) != 0 {
			product ^= b
		}
		b = timesX(b)
	}
	return product
}

func timesX(b uint32) uint32 {
	if b&1 != 0 {
		return b>>1 ^ crc32.Castagnoli
	}
	return b >> 1
}

// shift answers x^(8n), by squaring.
func shift(n int64) uint32 {
	power := uint32(1) << (31 - 8) // x^8
	result := uint32(1) << 31      // x^0
	for i := range bits.Len64(uint64(n)) {
		if n>>i&1 != 0 {
			result = multiply(result, power)
		}
		power = multiply(power, power)
	}
	return result
}

// encodeCRC32C writes a checksum as S3 has it.
func encodeCRC32C(sum uint32) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}

// decodeCRC32C reads a checksum; what is absent, or is a checksum of checksums ("…-3"), is none.
func decodeCRC32C(s string) (sum uint32, ok bool) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(b) != 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(b), true
}
