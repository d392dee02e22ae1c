package jpegscale

// code is a Huffman code (T.81 Annex C): prefix bits to symbols. What the inner loops look up is made of it on first use.
type code struct {
	// For each length of up to 16 bits: the first prefix behind those of this length, aligned to 16 bits; and what to add to
	// a prefix of this length to get its symbol's place.
	limit   [18]uint32
	offset  [17]int32
	symbols [256]byte

	short [1 << shortBits]uint16 // by the next bits: length << 8 | symbol; 0 for a longer prefix
	ac    *acTables
}

const shortBits = 9

// readCodes reads the tables of one segment (T.81 B.2.4.2).
func (p *Picture) readCodes(b []byte) error {
	for len(b) > 0 {
		if len(b) < 17 || b[0]>>4 > 1 || b[0]&15 > 3 {
			return damaged("a malformed Huffman table")
		}
		n := 0
		for _, count := range b[1:17] {
			n += int(count)
		}
		if n > 256 || len(b) < 17+n {
			return damaged("a malformed Huffman table")
		}
		c, err := newCode(b[1:17], b[17:17+n])
		if err != nil {
			return err
		}
		if b[0]>>4 == 0 {
			p.dc[b[0]&3] = c
		} else {
			p.ac[b[0]&3] = c
		}
		b = b[17+n:]
	}
	return nil
}

func newCode(counts, symbols []byte) (*code, error) {
	c := new(code)
	copy(c.symbols[:], symbols)
	prefix, place := uint32(0), 0
	for i, count := range counts {
		length := i + 1
		c.offset[length] = int32(place) - int32(prefix)
		if prefix+uint32(count) > 1<<length {
			return nil, damaged("a Huffman table with more codes than there is room for")
		}
		if length <= shortBits {
			for j := range uint32(count) {
				entry := uint16(length)<<8 | uint16(symbols[place+int(j)])
				first := (prefix + j) << (shortBits - length)
				for k := range uint32(1) << (shortBits - length) {
					c.short[first+k] = entry
				}
			}
		}
		prefix += uint32(count)
		place += int(count)
		c.limit[length] = prefix << (16 - length)
		prefix <<= 1
	}
	c.limit[17] = 1 << 16
	return c, nil
}

// find answers the length and the symbol of the prefix that the next 16 bits begin with; length 17 when there is none.
func (c *code) find(next uint32) (length int, symbol byte) {
	if e := c.short[next>>(16-shortBits)]; e != 0 {
		return int(e >> 8), byte(e)
	}
	length = shortBits + 1
	for next >= c.limit[length] {
		length++
	}
	if length > 16 {
		return 17, 0
	}
	return length, c.symbols[byte(int32(next>>(16-length))+c.offset[length])]
}

// acTables are for the coefficients of sequential pictures, where a symbol is a run of zeros and the size of the value that
// follows the prefix in as many bits (T.81 F.1.2.2).
type acTables struct {
	whole [1 << wholeBits]uint32
	skip  [1 << skipBits]uint16
}

const (
	wholeBits = 10
	skipBits  = 12

	// An entry of whole: how many bits to go on (of prefix and value), how many coefficients, and the value. With more, only
	// the prefix was in the window, and the size of the value stands in its place. 0: not even the prefix was.
	wholeAdvance = 8
	wholeValue   = 16
	wholeMore    = 1 << 7

	// An entry of skip: how many bits to go on, and how many coefficients. It covers as many symbols as have their prefix in the
	// window. The end of a block goes on by pastEnd; where not even one prefix is in the window, it goes on further than that.
	skipAdvance = 6
	skipNothing = 0xFF << skipAdvance

	pastEnd = 128 // coefficients that the end of a block goes on: further than any run
)

// coefficients answers the tables for sequential pictures.
func (c *code) coefficients() *acTables {
	if c.ac == nil {
		c.ac = new(acTables)
		c.fillWhole(&c.ac.whole)
		c.fillSkip(&c.ac.skip)
	}
	return c.ac
}

// The largest sizes of values that there are in pictures of 8 bits (T.81 tables F.1 and F.2). Larger ones are a sign of damage.
const (
	mostDC = 11
	mostAC = 10
)

// step answers what an AC symbol means: how many coefficients to go on and the size of the value behind the prefix.
func step(symbol byte) (advance, size int) {
	run, size := int(symbol>>4), int(symbol&15)
	switch {
	case size > 0 || run == 15:
		return run + 1, size
	default:
		return pastEnd, 0
	}
}

func (c *code) fillWhole(table *[1 << wholeBits]uint32) {
	for i := range table {
		length, symbol := c.find(uint32(i) << (16 - wholeBits))
		if length > wholeBits {
			continue
		}
		advance, size := step(symbol)
		if size > mostAC {
			continue // found out when it comes
		}
		e := uint32(advance) << wholeAdvance
		if length+size <= wholeBits {
			bits := uint64(i) << (64 - wholeBits + length)
			e |= uint32(length+size) | uint32(uint16(extend(bits, size)))<<wholeValue
		} else {
			e |= uint32(length) | wholeMore | uint32(size)<<wholeValue
		}
		table[i] = e
	}
}

func (c *code) fillSkip(table *[1 << skipBits]uint16) {
	for i := range table {
		bits, advance := 0, 0
		for bits < skipBits && advance < pastEnd {
			length, symbol := c.find(uint32(i) << (16 - skipBits + bits) & 0xFFFF)
			a, size := step(symbol)
			if bits+length > skipBits || size > mostAC || a < pastEnd && advance+a > 63 {
				break
			}
			bits, advance = bits+length+size, advance+a
		}
		if bits == 0 {
			table[i] = skipNothing
		} else {
			table[i] = uint16(bits) | uint16(advance)<<skipAdvance
		}
	}
}

// extend answers the value that size bits at the top of bits stand for (T.81 F.2.2.1, EXTEND): those that begin with 0 are
// negative. Size 0 is 0.
func extend(bits uint64, size int) int32 {
	v := int32(bits >> 1 >> (63 - size))
	if size > 0 && int64(bits) >= 0 {
		v += -1<<size + 1
	}
	return v
}
