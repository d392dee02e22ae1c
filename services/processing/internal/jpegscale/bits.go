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

// segments are what stands between the restarts of a scan, one after another, without stuffing. Only one is held at a time: a file may
// have millions, and each has its slack.
type segments struct {
	src    []byte
	at     int // of the bytes behind those that were read
	buffer []byte
	reader bitReader
	read   int  // segments
	ended  bool // a marker other than a restart stands at at, or the file ends there
	// outOfOrder reports whether restarts are not numbered as they should be (T.81 E.1.4).
	outOfOrder bool
}

// next answers the next segment, which is there until the following call, or nil behind the last.
func (s *segments) next() *bitReader {
	if s.ended {
		return nil
	}
	into, src, at := s.buffer[:0], s.src, s.at
	for {
		i := bytes.IndexByte(src[at:], 0xFF)
		if i < 0 || at+i+1 >= len(src) { // the file ends here
			into = append(into, src[at:]...)
			at, s.ended = len(src), true
			break
		}
		into = append(into, src[at:at+i]...)
		at += i
		marker := src[at+1]
		if marker == 0 { // the 0xFF is data
			into = append(into, 0xFF)
			at += 2
			continue
		}
		if marker == 0xFF { // fill before a marker
			for at++; at+1 < len(src) && src[at+1] == 0xFF; {
				at++
			}
			continue
		}
		if s.ended = marker < rst0 || marker > rst7; !s.ended {
			s.outOfOrder = s.outOfOrder || int(marker-rst0) != s.read%8
			at += 2
		}
		break
	}
	s.at, s.read = at, s.read+1
	s.buffer = append(into, zeros[:]...)
	s.reader = bitReader{data: s.buffer}
	return &s.reader
}

// skip passes over what is left.
func (s *segments) skip() {
	for !s.ended {
		i := bytes.IndexByte(s.src[s.at:], 0xFF)
		if i < 0 || s.at+i+1 >= len(s.src) {
			s.at, s.ended = len(s.src), true
			return
		}
		switch marker := s.src[s.at+i+1]; {
		case marker == 0 || marker >= rst0 && marker <= rst7:
			s.at += i + 2
		case marker == 0xFF:
			s.at += i + 1
		default:
			s.at, s.ended = s.at+i, true
		}
	}
}

var zeros [slack]byte
