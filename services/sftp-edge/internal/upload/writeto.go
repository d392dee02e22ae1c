package upload

import "io"

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
