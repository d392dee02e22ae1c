package baseline

import (
	"encoding/binary"
	"math/bits"
)

// word is a Huffman code's prefix: length << 16 | bits.
type word uint32

// put writes a prefix.
func (e *encoder) put(w word) { e.write(uint64(w&0xFFFF), int(w>>16)) }

// write writes n bits, at most 32.
func (e *encoder) write(v uint64, n int) {
	if e.n+n > 64 {
		e.drain()
	}
	e.n += n
	e.acc |= v << (64 - e.n)
}

// drain writes the whole bytes that wait, each 0xFF with a zero behind (T.81 F.1.2.3).
func (e *encoder) drain() {
	whole := e.n / 8
	// A byte is 0xFF where its complement is zero.
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	if inverse := ^e.acc; (inverse-ones)&^inverse&tops == 0 {
		e.out = binary.BigEndian.AppendUint64(e.out, e.acc)
		e.out = e.out[:len(e.out)-8+whole]
	} else {
		for i := range whole {
			b := byte(e.acc >> (56 - 8*i))
			if e.out = append(e.out, b); b == 0xFF {
				e.out = append(e.out, 0)
			}
		}
	}
	e.acc <<= 8 * whole
	e.n -= 8 * whole
}

// flush writes what is left, filled up with ones.
func (e *encoder) flush() {
	if fill := -e.n & 7; fill > 0 {
		e.write(1<<fill-1, fill)
	}
	e.drain()
}

// block transforms, quantises and writes a block (T.81 F.1.2).
func (e *encoder) block(c *component, samples []byte, stride int) {
	var coef [64]int16
	var set uint64 // which are not zero, in zig-zag order
	for left := forward(&coef, samples, stride, c.tables); left != 0; left &= left - 1 {
		set |= 1 << zigzag[bits.TrailingZeros64(left)]
	}
	diff := int32(coef[0]) - c.before
	c.before = int32(coef[0])
	size, value := magnitude(diff)
	e.put(c.dc[size])
	e.write(value, size)
	last := 0
	for set &^= 1; set != 0; set &= set - 1 {
		k := bits.TrailingZeros64(set)
		run := k - last - 1
		last = k
		for ; run > 15; run -= 16 {
			e.put(c.ac[0xF0])
		}
		size, value := magnitude(int32(coef[columns[k]&63]))
		w := c.ac[(run<<4|size)&0xFF]
		e.write(uint64(w&0xFFFF)<<size|value, int(w>>16)+size)
	}
	if last < 63 {
		e.put(c.ac[0])
	}
}

// magnitude answers a value's size in bits, and those bits: of one less, where it is negative (T.81 F.1.2.1.1).
func magnitude(v int32) (size int, value uint64) {
	sign := v >> 31
	size = bits.Len32(uint32((v ^ sign) - sign))
	return size, uint64(v+sign) & (1<<size - 1)
}

// The codes of T.81 K.3: how many prefixes of each length there are, and the symbols in their order.
var (
	dcLumaCounts   = [16]byte{0, 1, 5, 1, 1, 1, 1, 1, 1}
	dcChromaCounts = [16]byte{0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1}
	dcSymbols      = []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}
	acLumaCounts   = [16]byte{0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7D}
	acLumaSymbols  = []byte("" +
		"\x01\x02\x03\x00\x04\x11\x05\x12\x21\x31\x41\x06\x13\x51\x61\x07\x22\x71\x14\x32\x81\x91\xA1\x08\x23\x42\xB1\xC1\x15\x52\xD1\xF0" +
		"\x24\x33\x62\x72\x82\x09\x0A\x16\x17\x18\x19\x1A\x25\x26\x27\x28\x29\x2A\x34\x35\x36\x37\x38\x39\x3A\x43\x44\x45\x46\x47\x48\x49" +
		"\x4A\x53\x54\x55\x56\x57\x58\x59\x5A\x63\x64\x65\x66\x67\x68\x69\x6A\x73\x74\x75\x76\x77\x78\x79\x7A\x83\x84\x85\x86\x87\x88\x89" +
		"\x8A\x92\x93\x94\x95\x96\x97\x98\x99\x9A\xA2\xA3\xA4\xA5\xA6\xA7\xA8\xA9\xAA\xB2\xB3\xB4\xB5\xB6\xB7\xB8\xB9\xBA\xC2\xC3\xC4\xC5" +
		"\xC6\xC7\xC8\xC9\xCA\xD2\xD3\xD4\xD5\xD6\xD7\xD8\xD9\xDA\xE1\xE2\xE3\xE4\xE5\xE6\xE7\xE8\xE9\xEA\xF1\xF2\xF3\xF4\xF5\xF6\xF7\xF8\xF9\xFA")
	acChromaCounts  = [16]byte{0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77}
	acChromaSymbols = []byte("" +
		"\x00\x01\x02\x03\x11\x04\x05\x21\x31\x06\x12\x41\x51\x07\x61\x71\x13\x22\x32\x81\x08\x14\x42\x91\xA1\xB1\xC1\x09\x23\x33\x52\xF0" +
		"\x15\x62\x72\xD1\x0A\x16\x24\x34\xE1\x25\xF1\x17\x18\x19\x1A\x26\x27\x28\x29\x2A\x35\x36\x37\x38\x39\x3A\x43\x44\x45\x46\x47\x48" +
		"\x49\x4A\x53\x54\x55\x56\x57\x58\x59\x5A\x63\x64\x65\x66\x67\x68\x69\x6A\x73\x74\x75\x76\x77\x78\x79\x7A\x82\x83\x84\x85\x86\x87" +
		"\x88\x89\x8A\x92\x93\x94\x95\x96\x97\x98\x99\x9A\xA2\xA3\xA4\xA5\xA6\xA7\xA8\xA9\xAA\xB2\xB3\xB4\xB5\xB6\xB7\xB8\xB9\xBA\xC2\xC3" +
		"\xC4\xC5\xC6\xC7\xC8\xC9\xCA\xD2\xD3\xD4\xD5\xD6\xD7\xD8\xD9\xDA\xE2\xE3\xE4\xE5\xE6\xE7\xE8\xE9\xEA\xF2\xF3\xF4\xF5\xF6\xF7\xF8\xF9\xFA")

	dcLuma, dcChroma = words(dcLumaCounts, dcSymbols), words(dcChromaCounts, dcSymbols)
	acLuma, acChroma = words(acLumaCounts, acLumaSymbols), words(acChromaCounts, acChromaSymbols)
)

// words answers a code's prefixes by symbol (T.81 Annex C).
func words(counts [16]byte, symbols []byte) (all [256]word) {
	prefix, place := uint32(0), 0
	for i, count := range counts {
		for range count {
			all[symbols[place]] = word(uint32(i+1)<<16 | prefix)
			prefix++
			place++
		}
		prefix <<= 1
	}
	return all
}

// codes answers the segment that tells the four codes.
func codes() (b []byte) {
	for i, c := range []struct {
		counts  [16]byte
		symbols []byte
	}{{dcLumaCounts, dcSymbols}, {acLumaCounts, acLumaSymbols}, {dcChromaCounts, dcSymbols}, {acChromaCounts, acChromaSymbols}} {
		b = append(b, byte(i&1<<4|i>>1))
		b = append(b, c.counts[:]...)
		b = append(b, c.symbols...)
	}
	return b
}
