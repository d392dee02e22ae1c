package jpegscale

import (
	"context"
	"encoding/binary"
)

// decoder decodes one picture.
type decoder struct {
	*Picture
	outputs []output
	buffer  []byte // of a scan's data; used again by the next
	damage  *Damage
}

// scan is what the segment before entropy-coded data says (T.81 B.2.3).
type scan struct {
	of          []scanned
	first, last int // coefficients, in zig-zag order
	high, low   uint
	units       grid // in the order of the data
	interleaved bool
	data        int // where it begins
}

// scanned is a component's part of a scan.
type scanned struct {
	index  int
	dc, ac *code
}

// readScan reads the parameters of the scan whose segment begins at at.
func (d *decoder) readScan(at int) (scan, error) {
	b, next, err := d.segment(at)
	if err != nil {
		return scan{}, err
	}
	if len(b) < 1 || b[0] < 1 || int(b[0]) > len(d.Components) || len(b) != 4+2*int(b[0]) {
		return scan{}, damaged("a malformed scan")
	}
	s := scan{data: next}
	for i := range int(b[0]) {
		of := scanned{index: -1}
		for j := range d.Components {
			if d.Components[j].id == b[1+2*i] {
				of.index = j
			}
		}
		for _, other := range s.of {
			if other.index == of.index {
				of.index = -1
			}
		}
		tables := b[2+2*i]
		if of.index < 0 || tables>>4 > 3 || tables&15 > 3 {
			return scan{}, damaged("a scan of no component")
		}
		of.dc, of.ac = d.dc[tables>>4], d.ac[tables&15]
		s.of = append(s.of, of)
		if c := &d.Components[of.index]; !c.defined {
			if !d.known[c.quant] {
				return scan{}, damaged("a missing quantisation table")
			}
			c.table, c.defined = d.quant[c.quant], true
		}
	}
	b = b[1+2*len(s.of):]
	s.first, s.last, s.high, s.low = int(b[0]), int(b[1]), uint(b[2]>>4), uint(b[2]&15)
	s.interleaved = len(s.of) > 1
	s.units = d.units
	if !s.interleaved {
		s.units = d.Components[s.of[0].index].blocks
	}
	return s, nil
}

// visitor takes the blocks of a scan in the order of the data.
type visitor interface {
	// restart comes before each interval.
	restart()
	// block reads one block of the scan's component of that index. It answers false where the data is none.
	block(b *bitReader, of, x, y int) bool
	// lost comes instead of block for what is left of an interval after it answered false.
	lost(of, x, y int)
}

// visit has v read the whole scan. Damage ends with the next restart. It answers where the marker behind the scan stands.
func (d *decoder) visit(ctx context.Context, s scan, v visitor) (next int, err error) {
	if d.interval == 0 && cap(d.buffer) < len(d.src)-s.data+slack { // it is all one segment: the buffer never has to grow
		d.buffer = make([]byte, 0, len(d.src)-s.data+slack)
	}
	all := segments{src: d.src, at: s.data, buffer: d.buffer}
	total := s.units.w * s.units.h
	interval := d.interval
	if interval == 0 {
		interval = total
	}
	bands, _ := v.(*progressive)
	var hurt *Damage
	for begin := 0; begin < total; begin += interval {
		end := min(begin+interval, total)
		b := all.next()
		if b != nil {
			v.restart()
		}
		intact := b != nil
		for unit := begin; unit < end; unit++ {
			x, y := unit%s.units.w, unit/s.units.w
			if x == 0 || unit == begin {
				if err := ctx.Err(); err != nil {
					return 0, err
				}
			}
			if bands != nil && intact {
				if n := bands.pass(x, y, min(end-unit, s.units.w-x)); n > 0 {
					unit += n - 1
					continue
				}
			}
			intact = d.unit(s, v, b, x, y, intact)
		}
		if (!intact || b.over()) && hurt == nil {
			hurt = broken(all.ended && all.at == len(d.src))
		}
	}
	if b := all.next(); b != nil && len(b.data) > slack {
		all.outOfOrder = true // data that is of no interval
	}
	all.skip()
	d.buffer = all.buffer
	if all.outOfOrder {
		hurt = broken(false)
	}
	if d.damage == nil {
		d.damage = hurt
	}
	return all.at, nil
}

// unit reads the blocks of one unit of a scan (T.81 A.2).
func (d *decoder) unit(s scan, v visitor, b *bitReader, x, y int, intact bool) bool {
	one := func(of, x, y int) {
		if intact = intact && !b.over() && v.block(b, of, x, y); !intact {
			v.lost(of, x, y)
		}
	}
	if !s.interleaved {
		one(0, x, y)
		return intact
	}
	for i, of := range s.of {
		c := &d.Components[of.index]
		for below := range c.V {
			for right := range c.H {
				one(i, x*c.H+right, y*c.V+below)
			}
		}
	}
	return intact
}

func broken(truncated bool) *Damage {
	if truncated {
		return &Damage{Reason: "the data ends before the picture does", Truncated: true}
	}
	return &Damage{Reason: "the data is damaged"}
}

// sequential decodes a picture whose blocks come whole, in one scan or in one for each component.
func (d *decoder) sequential(ctx context.Context) error {
	done := make([]bool, len(d.Components))
	for at, left := d.scans, len(done); left > 0; {
		s, err := d.readScan(at)
		if err != nil {
			return d.incomplete(err, done)
		}
		v := sequential{scan: s, parts: make([]part, len(s.of))}
		for i, of := range s.of {
			if of.dc == nil || of.ac == nil {
				return d.incomplete(damaged("a missing Huffman table"), done)
			}
			v.parts[i] = part{output: &d.outputs[of.index], dc: of.dc, ac: of.ac, tables: of.ac.coefficients()}
			if !done[of.index] {
				done[of.index], left = true, left-1
			}
		}
		next, err := d.visit(ctx, s, &v)
		if err != nil {
			return err
		}
		if left > 0 {
			if at, err = d.readSegments(next); err != nil {
				return d.incomplete(err, done)
			}
		}
	}
	if d.damage != nil {
		return d.damage
	}
	return nil
}

// incomplete paints the components grey that no scan was found for.
func (d *decoder) incomplete(err error, done []bool) error {
	for i := range d.outputs {
		if !done[i] {
			for y := range d.outputs[i].padded.h {
				d.outputs[i].grey(0, y)
			}
		}
	}
	return err
}

// sequential reads whole blocks.
type sequential struct {
	scan
	parts []part
	coef  [256]int16 // a block, and the slot behind it; as long as an index of 8 bits may reach
}

// part is what a sequential scan has of one component.
type part struct {
	*output
	dc, ac *code
	tables *acTables
	before int32 // the DC coefficient of the block before
}

func (s *sequential) restart() {
	for i := range s.parts {
		s.parts[i].before = 0
	}
}

func (s *sequential) lost(of, x, y int) { s.parts[of].flat(x, y, 0) }

// block reads one block, and transforms it. It is where a decoder spends its time.
func (s *sequential) block(b *bitReader, of, x, y int) bool {
	p := &s.parts[of]
	table, tables, keep := &p.table, p.tables, p.keep
	data, pos, acc, n := b.data, b.pos, b.acc, b.n

	acc |= binary.BigEndian.Uint64(data[pos:]) >> (n & 63)
	pos += (63 - n) >> 3
	n |= 56
	length, size := p.dc.find(uint32(acc >> 48))
	if length > 16 || size > mostDC {
		return false
	}
	acc <<= length & 63
	p.before += extend(acc, int(size))
	acc <<= size & 63
	n -= length + int(size)
	dc := saturated(p.before * int32(table[0]))
	k := 1
	for k < keep {
		if n < 32 {
			acc |= binary.BigEndian.Uint64(data[pos:]) >> (n & 63)
			pos += (63 - n) >> 3
			n |= 56
		}
		e := tables.whole[acc>>(64-wholeBits)]
		length := int(e & (wholeMore - 1))
		k += int(e >> wholeAdvance & 0xFF)
		value := int32(e) >> wholeValue
		acc <<= length & 63
		n -= length
		if e&wholeMore != 0 || e == 0 {
			size := int(value)
			if e == 0 {
				long, symbol := p.ac.find(uint32(acc >> 48))
				if long > 16 {
					return s.broken()
				}
				var advance int
				if advance, size = step(symbol); size > mostAC {
					return s.broken()
				}
				k += advance
				acc <<= long & 63
				n -= long
			}
			value = extend(acc, size)
			acc <<= size & 63
			n -= size
		}
		// Without a question whether there is a value, which would be answered wrong too often: the end of a block puts nothing into
		// the slot.
		place := (k - 1) & 0xFF
		s.coef[target[place]] = int16(value * int32(table[place&63]))
	}
	only := k == 1 || k == 1+pastEnd // nothing but the DC coefficient
	if k > 64 && k <= pastEnd {
		return s.broken() // a run out of the block
	}
	for k < 64 {
		acc |= binary.BigEndian.Uint64(data[pos:]) >> (n & 63)
		pos += (63 - n) >> 3
		n |= 56
		e := tables.skip[acc>>(64-skipBits)]
		next := k + int(e>>skipAdvance)
		if next < 64 { // bits for another entry are left
			acc <<= e & (1<<skipAdvance - 1)
			n -= int(e & (1<<skipAdvance - 1))
			k = next
			e = tables.skip[acc>>(64-skipBits)]
			next = k + int(e>>skipAdvance)
		}
		length := int(e & (1<<skipAdvance - 1))
		if next > 64 && (next < pastEnd || next >= pastEnd+64) {
			// One symbol: its prefix is longer than the window, or the window reaches into the next block.
			long, symbol := p.ac.find(uint32(acc >> 48))
			if long > 16 {
				return s.broken()
			}
			advance, size := step(symbol)
			if next = k + advance; size > mostAC || next > 64 && next < pastEnd {
				return s.broken()
			}
			length = long + size
		}
		acc <<= length & 63
		n -= length
		k = next
	}
	b.pos, b.acc, b.n = pos, acc, n
	if only {
		p.flat(x, y, dc)
		return true
	}
	s.coef[0] = dc
	p.inverse(p.at(x, y), p.plane.Stride, (*block)(s.coef[:64]))
	return true
}

// broken leaves no coefficient behind.
func (s *sequential) broken() bool {
	clear(s.coef[:])
	return false
}
