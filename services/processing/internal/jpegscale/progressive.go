package jpegscale

import (
	"context"
	"math/bits"
)

// A progressive picture comes in scans, each with some coefficients of all blocks, or one more bit of them (T.81 Annex G). The
// coefficients of a component are kept until its last scan.

// coefficients are those of a component's blocks: the values of those that matter at its scale, and which ones are not zero of
// all others, for the scans that refine them have a bit for each of those.
type coefficients struct {
	keep    int
	values  []int16 // keep for each block, in zig-zag order
	nonzero []uint64
}

// progressive decodes all scans, and then transforms.
func (d *decoder) progressive(ctx context.Context) error {
	all := make([]coefficients, len(d.Components))
	for i := range all {
		o := &d.outputs[i]
		n := o.padded.w * o.padded.h
		all[i] = coefficients{keep: o.keep, values: make([]int16, n*o.keep), nonzero: make([]uint64, n)}
	}
	err := d.scansOf(ctx, all)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for i := range all {
		if err := all[i].transform(ctx, &d.outputs[i]); err != nil {
			return err
		}
	}
	if d.damage != nil {
		return d.damage
	}
	return err
}

// scansOf reads all scans that matter. The first with something wrong is the last: what was read is a picture of less detail.
func (d *decoder) scansOf(ctx context.Context, all []coefficients) error {
	matter := d.matters(all)
	for n, at := 0, d.scans; ; n++ {
		s, err := d.readScan(at)
		if err != nil {
			return err
		}
		if err := s.check(); err != nil {
			return err
		}
		next := s.data
		if n >= len(matter) || matter[n] {
			v := progressive{scan: s, to: make([]*coefficients, len(s.of)), width: make([]int, len(s.of)), dc: make([]int32, len(s.of))}
			for i, of := range s.of {
				v.to[i], v.width[i] = &all[of.index], d.Components[of.index].padded.w
			}
			if next, err = d.visit(ctx, s, &v); err != nil || d.damage != nil {
				return err
			}
		}
		if at, err = d.nextScan(next); at < 0 || err != nil {
			return err
		}
	}
}

// nextScan answers where the next scan's parameters are, or -1 at the end of the picture.
func (d *decoder) nextScan(at int) (int, error) {
	for {
		marker, body := d.marker(at)
		switch {
		case body < 0:
			return -1, nil // no end marker, but the scans were whole: visit would have said so
		case marker == eoi:
			return -1, nil
		case marker >= rst0 && marker <= rst7:
			at = body
		default:
			return d.readSegments(body - 2)
		}
	}
}

// matters answers which scans have to be read: those with coefficients that are kept, and those that tell which others are not
// zero, where a scan that is read needs to know.
func (d *decoder) matters(all []coefficients) []bool {
	type part struct {
		of   []int
		band uint64
		high uint
	}
	look := *d.Picture // reading tables must change nothing
	look.Components = append([]Component(nil), d.Components...)
	probe := decoder{Picture: &look}
	var scans []part
	for at := d.scans; at >= 0; {
		s, err := probe.readScan(at)
		if err != nil {
			break
		}
		p := part{band: band(s.first, s.last), high: s.high}
		for _, of := range s.of {
			p.of = append(p.of, of.index)
		}
		scans = append(scans, p)
		if at, err = probe.nextScan(s.data); err != nil {
			break
		}
	}
	needed := make([]uint64, len(all))
	for i := range needed {
		needed[i] = band(0, all[i].keep-1)
	}
	matter := make([]bool, len(scans))
	for n := len(scans) - 1; n >= 0; n-- {
		for _, of := range scans[n].of {
			matter[n] = matter[n] || scans[n].band&needed[of] != 0
		}
		if matter[n] && scans[n].high > 0 {
			for _, of := range scans[n].of {
				needed[of] |= scans[n].band
			}
		}
	}
	return matter
}

// band answers a set of coefficients.
func band(first, last int) uint64 { return ^uint64(0) << (first & 63) & (^uint64(0) >> (63 - last&63)) }

// check holds a scan's parameters against T.81 G.1.1.1.1.
func (s *scan) check() error {
	switch {
	case s.last > 63 || s.first > s.last || s.first == 0 && s.last != 0 || s.first > 0 && s.interleaved,
		s.low > 13 || s.high > 13 || s.high > 0 && s.low != s.high-1:
		return damaged("a malformed progressive scan")
	}
	for _, of := range s.of {
		if s.first == 0 && s.high == 0 && of.dc == nil || s.first > 0 && of.ac == nil {
			return damaged("a missing Huffman table")
		}
	}
	return nil
}

// transform makes samples of the coefficients.
func (c *coefficients) transform(ctx context.Context, o *output) error {
	var coef block
	zone := band(0, o.keep-1)
	for y := range o.padded.h {
		if err := ctx.Err(); err != nil {
			return err
		}
		for x := range o.padded.w {
			i := y*o.padded.w + x
			values := c.values[i*c.keep : (i+1)*c.keep]
			coef[0] = saturated(int32(values[0]) * int32(o.table[0]))
			set := c.nonzero[i] & zone &^ 1
			if set == 0 {
				o.flat(x, y, coef[0])
				continue
			}
			for ; set != 0; set &= set - 1 {
				k := bits.TrailingZeros64(set)
				coef[natural[k]] = int16(int32(values[k]) * int32(o.table[k]))
			}
			o.inverse(o.at(x, y), o.plane.Stride, &coef)
		}
	}
	return nil
}

// progressive reads a part of the coefficients of each block.
type progressive struct {
	scan
	to    []*coefficients
	width []int // of a row, in blocks
	dc    []int32
	run   uint32 // blocks to come without anything new
}

func (p *progressive) restart() {
	clear(p.dc)
	p.run = 0
}

func (p *progressive) lost(int, int, int) {}

// pass answers how many blocks from one on, at most so many, have nothing in them: in plain pictures that is most of them.
func (p *progressive) pass(x, y, most int) int {
	n := min(int(p.run), most)
	switch {
	case p.first == 0:
		return 0
	case p.high > 0: // there is a bit for each coefficient that is not zero
		i, band := y*p.width[0]+x, band(p.first, p.last)
		for j, set := range p.to[0].nonzero[i : i+n] {
			if set&band != 0 {
				n = j
				break
			}
		}
	}
	p.run -= uint32(n) //nolint:gosec // no more than it was
	return n
}

func (p *progressive) block(b *bitReader, of, x, y int) bool {
	c := p.to[of]
	i := y*p.width[of] + x
	values := c.values[i*c.keep : (i+1)*c.keep]
	switch {
	case p.first > 0 && p.high == 0:
		return p.bandFirst(b, p.of[of].ac, values, &c.nonzero[i])
	case p.first > 0:
		return p.bandRefined(b, p.of[of].ac, values, &c.nonzero[i])
	case p.high > 0: // DC, one more bit
		values[0] |= int16(b.take(1) << p.low)
		return true
	}
	diff, ok := b.difference(p.of[of].dc)
	p.dc[of] += diff
	values[0] = saturated(p.dc[of] << p.low)
	return ok
}

// bandFirst reads the first bits of some coefficients (T.81 G.1.2.2).
func (p *progressive) bandFirst(b *bitReader, c *code, values []int16, nonzero *uint64) bool {
	if p.run > 0 {
		p.run--
		return true
	}
	for k := p.first; k <= p.last; k++ {
		symbol, ok := b.symbol(c)
		if !ok {
			return false
		}
		run, size := int(symbol>>4), int(symbol&15)
		if size == 0 {
			if run < 15 {
				p.run = 1<<run + b.take(run) - 1
				return true
			}
			k += 15
			continue
		}
		if k += run; k > p.last || size > mostAC {
			return false
		}
		v := extend(b.acc, size)
		b.acc <<= size
		b.n -= size
		*nonzero |= 1 << k
		if k < len(values) {
			values[k] = int16(v << p.low)
		}
	}
	return true
}

// bandRefined reads one more bit of some coefficients (T.81 G.1.2.3): of each that was not zero before, and the signs of those that
// become so.
func (p *progressive) bandRefined(b *bitReader, c *code, values []int16, nonzero *uint64) bool {
	k := p.first
	for k <= p.last && p.run == 0 {
		symbol, ok := b.symbol(c)
		if !ok {
			return false
		}
		run, size := int(symbol>>4), int(symbol&15)
		var v int16
		switch {
		case size == 0 && run < 15:
			p.run = 1<<run + b.take(run)
			continue
		case size == 1:
			v = -1 << p.low
			if b.take(1) == 1 {
				v = 1 << p.low
			}
		case size > 1:
			return false
		}
		// The run counts coefficients that are zero still; between them stand the bits of the others.
		zero := band(k, p.last) &^ *nonzero
		for ; run > 0 && zero != 0; run-- {
			zero &= zero - 1
		}
		end := p.last + 1
		if zero != 0 {
			end = bits.TrailingZeros64(zero)
		}
		p.correct(b, values, *nonzero&band(k, p.last)&(1<<end-1))
		if v != 0 {
			if end > p.last {
				return false
			}
			*nonzero |= 1 << end
			if end < len(values) {
				values[end] = v
			}
		}
		k = end + 1
	}
	if p.run > 0 {
		p.run--
		if k <= p.last {
			p.correct(b, values, *nonzero&band(k, p.last))
		}
	}
	return true
}

// correct reads a bit for each coefficient of a set.
func (p *progressive) correct(b *bitReader, values []int16, set uint64) {
	for set != 0 {
		k := bits.TrailingZeros64(set)
		if k >= len(values) { // those that are not kept only have to be passed
			for n := bits.OnesCount64(set); n > 0; n -= 32 {
				b.take(min(n, 32))
			}
			return
		}
		set &= set - 1
		if b.take(1) == 0 || values[k]&(1<<p.low) != 0 {
			continue
		}
		if values[k] > 0 {
			values[k] += 1 << p.low
		} else {
			values[k] -= 1 << p.low
		}
	}
}
