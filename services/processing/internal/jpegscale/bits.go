package jpegscale

import (
	"bytes"
	"encoding/binary"
)

// slack is how many zero bytes follow a segment's own, so that a block can be read without asking for its end after each
// symbol: 64 symbols of at most 32 bits, and what the accumulator takes ahead.
const slack = 64*4 + 16

// bitReader takes bits out of one segment of entropy-coded data: what stands between two restarts, without the zeros that were
// stuffed behind each 0xFF (T.81 F.1.2.3). Bits behind the end are zeros.
type bitReader struct {
	data []byte // with slack
	pos  int    // of the byte that is taken next
	acc  uint64 // the next bits, beginning at the top
	n    int    // how many of acc are valid
}

// refill makes at least 56 bits valid.
func (b *bitReader) refill() {
	b.acc |= binary.BigEndian.Uint64(b.data[b.pos:]) >> b.n
	b.pos += (63 - b.n) >> 3
	b.n |= 56
}

// over reports whether more bits were taken than there were.
func (b *bitReader) over() bool { return 8*b.pos-b.n > 8*(len(b.data)-slack) }

// take answers the next n bits, at most 32.
func (b *bitReader) take(n int) uint32 {
	if b.n < 32 {
		b.refill()
	}
	v := uint32(b.acc >> 1 >> (63 - n))
	b.acc <<= n
	b.n -= n
	return v
}

// symbol answers the next symbol of c, or false where the bits are none.
func (b *bitReader) symbol(c *code) (byte, bool) {
	if b.n < 32 {
		b.refill()
	}
	length, symbol := c.find(uint32(b.acc >> 48))
	if length > 16 {
		return 0, false
	}
	b.acc <<= length
	b.n -= length
	return symbol, true
}

// difference answers the next difference of DC coefficients (T.81 F.2.2.1).
func (b *bitReader) difference(c *code) (int32, bool) {
	size, ok := b.symbol(c)
	if !ok || size > mostDC {
		return 0, false
	}
	v := extend(b.acc, int(size)) // of the at least 16 bits that are left
	b.acc <<= size
	b.n -= int(size)
	return v, true
}

// segments copies the entropy-coded data from at on out of src, without stuffing. It answers one segment for each restart
// interval, each with its slack, the buffer that holds them, where the marker behind them stands, and whether the restarts
// are numbered as they should be (T.81 E.1.4).
func segments(src []byte, at int, into []byte) (all []bitReader, buffer []byte, next int, inOrder bool) {
	if cap(into) < len(src)-at+slack { // with no restarts, which is nearly always, it never grows
		into = make([]byte, 0, len(src)-at+slack)
	}
	into = into[:0]
	begin := 0
	inOrder = true
	var bounds []int
	end := func() {
		bounds = append(bounds, begin, len(into))
		into = append(into, zeros[:]...)
		begin = len(into)
	}
	for next = -1; next < 0; {
		i := bytes.IndexByte(src[at:], 0xFF)
		if i < 0 || at+i+1 >= len(src) { // the file ends here
			into = append(into, src[at:]...)
			next = len(src)
			break
		}
		into = append(into, src[at:at+i]...)
		at += i
		switch marker := src[at+1]; {
		case marker == 0: // the 0xFF is data
			into = append(into, 0xFF)
			at += 2
		case marker == 0xFF: // fill before a marker
			at++
		case marker >= rst0 && marker <= rst7:
			inOrder = inOrder && int(marker-rst0) == len(bounds)/2%8
			end()
			at += 2
		default:
			next = at
		}
	}
	end()
	all = make([]bitReader, 0, len(bounds)/2)
	for i := 0; i < len(bounds); i += 2 {
		all = append(all, bitReader{data: into[bounds[i] : bounds[i+1]+slack]})
	}
	return all, into, next, inOrder
}

var zeros [slack]byte
