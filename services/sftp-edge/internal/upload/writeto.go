package upload

import "io"

// Clone answers the same bytes with a cursor of their own, at the beginning.
func (p *pieces) Clone() io.Reader { return &pieces{slabs: p.slabs, skip: p.skip, size: p.size} }

// WriteTo writes what has not been read yet, slab by slab: nobody copies it on its way to the bucket.
func (p *pieces) WriteTo(w io.Writer) (written int64, err error) {
	for err == nil && p.at < p.size {
		slab, at := int64(len(p.slabs[0])), p.at+p.skip
		from := p.slabs[at/slab][at%slab:]
		var n int
		n, err = w.Write(from[:min(int64(len(from)), p.size-p.at)])
		p.at, written = p.at+int64(n), written+int64(n)
	}
	return written, err
}
