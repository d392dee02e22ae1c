package jpegscale

import (
	"bytes"
	"encoding/binary"
)

// Markers (T.81 table B.1).
const (
	sof0 = 0xC0 // baseline
	sof1 = 0xC1 // extended sequential
	sof2 = 0xC2 // progressive
	dht  = 0xC4
	jpg  = 0xC8
	dac  = 0xCC
	rst0 = 0xD0
	rst7 = 0xD7
	soi  = 0xD8
	eoi  = 0xD9
	sos  = 0xDA
	dqt  = 0xDB
	dnl  = 0xDC
	dri  = 0xDD
)

// readHeader reads all segments before the first scan.
func (p *Picture) readHeader() error {
	if len(p.src) < 4 || p.src[0] != 0xFF || p.src[1] != soi {
		return damaged("no start of a picture")
	}
	at, err := p.readSegments(2)
	if err != nil {
		return err
	}
	if len(p.Components) == 0 {
		return damaged("a scan without a frame")
	}
	p.scans = at
	return nil
}

// readSegments reads segments from at on and answers where the next scan's parameters begin, or a *Damage that says Truncated
// when none comes.
func (p *Picture) readSegments(at int) (int, error) {
	for {
		marker, body := p.marker(at)
		if body < 0 || marker == eoi {
			return 0, &Damage{Reason: "the file ends before the picture does", Truncated: true}
		}
		if marker >= rst0 && marker <= soi || marker == 1 {
			at = body // markers without a segment
			continue
		}
		segment, next, err := p.segment(body)
		if err != nil {
			return 0, err
		}
		switch {
		case marker == sos:
			return body, nil
		case marker == dht:
			err = p.readCodes(segment)
		case marker == dqt:
			err = p.readQuantisation(segment)
		case marker == dri:
			if len(segment) != 2 {
				return 0, damaged("a restart interval of %d bytes", len(segment))
			}
			p.interval = int(binary.BigEndian.Uint16(segment))
		case marker == dnl || marker == dac:
			return 0, &Unsupported{"a picture with arithmetic code or a late number of lines"}
		case marker >= sof0 && marker <= 0xCF && marker != jpg:
			err = p.readFrame(marker, segment)
		}
		if err != nil {
			return 0, err
		}
		at = next
	}
}

// marker answers the next marker from at on, and where what follows it begins; -1 when there is none. What stands between
// segments is skipped.
func (p *Picture) marker(at int) (byte, int) {
	for at < len(p.src) {
		i := bytes.IndexByte(p.src[at:], 0xFF)
		if i < 0 || at+i+1 >= len(p.src) {
			break
		}
		at += i + 1
		if m := p.src[at]; m != 0 && m != 0xFF {
			return m, at + 1
		}
	}
	return 0, -1
}

// segment answers what a segment holds behind its length, and where the next begins.
func (p *Picture) segment(at int) (body []byte, next int, err error) {
	if at+2 > len(p.src) {
		return nil, 0, &Damage{Reason: "the file ends in a segment", Truncated: true}
	}
	size := int(binary.BigEndian.Uint16(p.src[at:]))
	if size < 2 {
		return nil, 0, damaged("a segment of %d bytes", size)
	}
	if at+size > len(p.src) {
		return nil, 0, &Damage{Reason: "the file ends in a segment", Truncated: true}
	}
	return p.src[at+2 : at+size], at + size, nil
}

// readQuantisation reads tables in zig-zag order (T.81 B.2.4.1).
func (p *Picture) readQuantisation(b []byte) error {
	for len(b) > 0 {
		wide, id := int(b[0]>>4), b[0]&15
		size := 64 << wide
		if wide > 1 || id > 3 || len(b) < 1+size {
			return damaged("a malformed quantisation table")
		}
		for i := range 64 {
			if wide == 0 {
				p.quant[id][i] = uint16(b[1+i])
			} else {
				p.quant[id][i] = binary.BigEndian.Uint16(b[1+2*i:])
			}
			if p.quant[id][i] == 0 {
				return damaged("a quantisation by zero")
			}
		}
		p.known[id] = true
		b = b[1+size:]
	}
	return nil
}

// readFrame reads the size and the components (T.81 B.2.2).
func (p *Picture) readFrame(marker byte, b []byte) error {
	switch {
	case marker > sof2:
		return &Unsupported{"a lossless, hierarchical or arithmetic-coded picture"}
	case len(p.Components) > 0:
		return &Unsupported{"a file with several frames"}
	case len(b) < 6 || len(b) < 6+3*int(b[5]):
		return damaged("a malformed frame")
	case b[0] != 8:
		return &Unsupported{"a picture with more than 8 bits for a colour"}
	case b[5] != 1 && b[5] != 3:
		return &Unsupported{"a picture that is neither grey nor of three components"}
	}
	p.Progressive = marker == sof2
	p.Height, p.Width = int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:]))
	if p.Width == 0 || p.Height == 0 {
		return damaged("a picture of %d × %d", p.Width, p.Height)
	}
	components := make([]Component, b[5])
	p.H, p.V = 1, 1
	for i := range components {
		c := &components[i]
		c.id, c.H, c.V, c.quant = b[6+3*i], int(b[7+3*i]>>4), int(b[7+3*i]&15), b[8+3*i]
		if c.H < 1 || c.H > 4 || c.V < 1 || c.V > 4 || c.quant > 3 {
			return damaged("a malformed component")
		}
		for _, other := range components[:i] {
			if other.id == c.id {
				return damaged("two components of the same name")
			}
		}
		p.H, p.V = max(p.H, c.H), max(p.V, c.V)
	}
	if len(components) == 1 { // its factors mean nothing: there are no other components
		components[0].H, components[0].V, p.H, p.V = 1, 1, 1, 1
	}
	p.units = grid{over(p.Width, 8*p.H), over(p.Height, 8*p.V)}
	for i := range components {
		c := &components[i]
		if p.H%c.H != 0 || p.V%c.V != 0 {
			return &Unsupported{"a picture whose components do not divide one another"}
		}
		c.Width, c.Height = over(p.Width*c.H, p.H), over(p.Height*c.V, p.V)
		c.blocks = grid{over(c.Width, 8), over(c.Height, 8)}
		c.padded = grid{p.units.w * c.H, p.units.h * c.V}
	}
	p.Components = components
	return nil
}

func over(a, b int) int { return (a + b - 1) / b }
