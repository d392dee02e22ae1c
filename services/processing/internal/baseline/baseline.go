// Package baseline writes planes as a baseline JPEG (ITU-T T.81), with the colours at half size (4:2:0).
//
// It takes samples as they are: nothing is converted on the way.
package baseline

import (
	"context"
	"encoding/binary"
	"fmt"

	"filmgate.dev/services/processing/internal/plane"
)

// Picture is luma and, at half of its width and height, rounded up, the two chromas.
type Picture struct{ Y, Cb, Cr plane.Plane }

// Options are how a picture is written.
type Options struct {
	Quality int    // 1 to 100, as libjpeg counts
	Segment []byte // a whole segment to be put in, such as EXIF; may be nil
}

// Check says why a picture cannot be written.
func Check(p Picture, o Options) error {
	w, h := p.Y.Width, p.Y.Height
	for _, c := range []plane.Plane{p.Cb, p.Cr} {
		if c.Width != (w+1)/2 || c.Height != (h+1)/2 {
			return fmt.Errorf("baseline: a chroma of %d × %d for a luma of %d × %d", c.Width, c.Height, w, h)
		}
	}
	if w < 1 || h < 1 || w > 65535 || h > 65535 || o.Quality < 1 || o.Quality > 100 {
		return fmt.Errorf("baseline: %d × %d in quality %d cannot be written", w, h, o.Quality)
	}
	return nil
}

// Encode answers the picture as a file. It stops with ctx.
func Encode(ctx context.Context, p Picture, o Options) ([]byte, error) {
	if err := Check(p, o); err != nil {
		return nil, err
	}
	w, h := p.Y.Width, p.Y.Height
	e := encoder{out: make([]byte, 0, w*h/4+4096)}
	tables := [2]quantisation{newQuantisation(&luma, o.Quality), newQuantisation(&chroma, o.Quality)}
	e.header(w, h, &tables, o.Segment)
	components := [3]component{
		{plane: p.Y, size: 2, tables: &tables[0], dc: &dcLuma, ac: &acLuma},
		{plane: p.Cb, size: 1, tables: &tables[1], dc: &dcChroma, ac: &acChroma},
		{plane: p.Cr, size: 1, tables: &tables[1], dc: &dcChroma, ac: &acChroma},
	}
	for y := range (h + 15) / 16 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for x := range (w + 15) / 16 {
			for i := range components {
				e.unit(&components[i], x, y)
			}
		}
	}
	e.flush()
	return append(e.out, 0xFF, 0xD9), nil // end of image
}

// component is a colour while it is written.
type component struct {
	plane  plane.Plane
	size   int // blocks of a unit on each axis
	tables *quantisation
	dc, ac *[256]word
	before int32 // the DC coefficient of the block before
}

type encoder struct {
	out  []byte
	acc  uint64 // bits that are not out yet, at the top
	n    int    // how many
	edge [64]byte
}

// unit writes the blocks of one unit. Those that lie wholly outside of the picture are as flat and as bright as the one
// before: they cost the least, and nobody sees them.
func (e *encoder) unit(c *component, x, y int) {
	for by := y * c.size; by < (y+1)*c.size; by++ {
		for bx := x * c.size; bx < (x+1)*c.size; bx++ {
			if 8*bx >= c.plane.Width || 8*by >= c.plane.Height {
				e.put(c.dc[0])
				e.put(c.ac[0])
				continue
			}
			samples, stride := c.plane.Pix[8*by*c.plane.Stride+8*bx:], c.plane.Stride
			if 8*bx+8 > c.plane.Width || 8*by+8 > c.plane.Height {
				samples, stride = e.complete(c.plane, 8*bx, 8*by), 8
			}
			e.block(c, samples, stride)
		}
	}
}

// complete answers the samples of a block at the right or the lower edge. Behind it the last ones go on.
func (e *encoder) complete(p plane.Plane, x, y int) []byte {
	for j := range 8 {
		row := p.Row(min(y+j, p.Height-1))
		for i := range 8 {
			e.edge[8*j+i] = row[min(x+i, p.Width-1)]
		}
	}
	return e.edge[:]
}

// header writes all segments before the data.
func (e *encoder) header(w, h int, tables *[2]quantisation, segment []byte) {
	e.out = append(e.out, 0xFF, 0xD8) // start of image
	e.segment(0xE0, []byte("JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"))
	e.out = append(e.out, segment...)
	var quant []byte
	for i := range tables {
		quant = append(quant, byte(i))
		quant = append(quant, tables[i].values[:]...)
	}
	e.segment(0xDB, quant)
	frame := []byte{8, 0, 0, 0, 0, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1}
	binary.BigEndian.PutUint16(frame[1:], uint16(h))
	binary.BigEndian.PutUint16(frame[3:], uint16(w))
	e.segment(0xC0, frame)
	e.segment(0xC4, codes())
	e.segment(0xDA, []byte{3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0})
}

func (e *encoder) segment(marker byte, body []byte) {
	e.out = append(e.out, 0xFF, marker)
	e.out = binary.BigEndian.AppendUint16(e.out, uint16(2+len(body)))
	e.out = append(e.out, body...)
}
