package upload

import "io"

// window is the part of a file that is in memory: everything received from start on. What lies before start was handed
// on and never comes back.
type window struct {
	slab  int64 // bytes per slab
	start int64 // a multiple of the part size
	slabs map[int64][]byte
	have  spans
}

func newWindow(slab int64) window {
	return window{slab: slab, slabs: make(map[int64][]byte)}
}

// lacking answers how many slabs must be added before n bytes fit at off.
func (w *window) lacking(off, n int64) int {
	count := 0
	for i := off / w.slab; i*w.slab < off+n; i++ {
		if w.slabs[i] == nil {
			count++
		}
	}
	return count
}

// write copies p to off, taking new slabs from take.
func (w *window) write(p []byte, off int64, take func() []byte) {
	w.have = w.have.add(span{off, off + int64(len(p))})
	for len(p) > 0 {
		i := off / w.slab
		if w.slabs[i] == nil {
			w.slabs[i] = take()
		}
		n := copy(w.slabs[i][off-i*w.slab:], p)
		p, off = p[n:], off+int64(n)
	}
}

// reach answers the first byte that is not there.
func (w *window) reach() int64 { return w.have.from(w.start) }

// whole reports whether everything received stands in one row.
func (w *window) whole() bool { return w.have.end(w.start) == w.reach() }

// take hands on the first n bytes. The window then starts behind them; n is the part size, or what is left.
func (w *window) take(n int64) *pieces {
	taken := &pieces{size: n}
	for i := w.start / w.slab; i*w.slab < w.start+n; i++ {
		taken.slabs = append(taken.slabs, w.slabs[i])
		delete(w.slabs, i)
	}
	w.start += n
	w.have = w.have.cut(w.start)
	return taken
}

// spill answers the n bytes from lo on, which stay part of the file but leave memory, and the slabs that are free once they are
// stored. Nothing else may stand in these slabs.
func (w *window) spill(lo, n int64) (body *pieces, freed [][]byte) {
	body = &pieces{skip: lo % w.slab, size: n}
	for i := lo / w.slab; i*w.slab < lo+n; i++ {
		body.slabs = append(body.slabs, w.slabs[i])
		freed = append(freed, w.slabs[i])
		delete(w.slabs, i)
	}
	return body, freed
}

// forget drops the bytes before hi, which are stored already, and answers the slabs that held nothing else.
func (w *window) forget(hi int64) (freed [][]byte) {
	w.have = w.have.cut(hi)
	for i, slab := range w.slabs {
		if (i+1)*w.slab <= hi || len(w.have) == 0 {
			freed = append(freed, slab)
			delete(w.slabs, i)
		}
	}
	return freed
}

// clear gives back every slab.
func (w *window) clear() [][]byte {
	var slabs [][]byte
	for _, slab := range w.slabs {
		slabs = append(slabs, slab)
	}
	w.slabs, w.have = make(map[int64][]byte), nil
	return slabs
}

// pieces is bytes in order, spread over slabs. It reads like a file, so that a failed request can be sent again.
type pieces struct {
	slabs [][]byte
	skip  int64 // bytes of the first slab that are not meant
	size  int64
	at    int64
}

// each calls f with the bytes in order.
func (p *pieces) each(f func([]byte)) {
	left, skip := p.size, p.skip
	for _, slab := range p.slabs {
		n := min(left, int64(len(slab))-skip)
		f(slab[skip : skip+n])
		left, skip = left-n, 0
	}
}

func (p *pieces) Read(b []byte) (int, error) {
	if p.at >= p.size {
		return 0, io.EOF
	}
	n, err := p.ReadAt(b, p.at)
	p.at += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

func (p *pieces) ReadAt(b []byte, off int64) (int, error) {
	total := 0
	for len(b) > 0 && off < p.size {
		slab, at := int64(len(p.slabs[0])), off+p.skip
		from := p.slabs[at/slab][at%slab:]
		n := copy(b, from[:min(int64(len(from)), p.size-off)])
		if n == 0 {
			return total, io.ErrUnexpectedEOF
		}
		b, off, total = b[n:], off+int64(n), total+n
	}
	if len(b) > 0 {
		return total, io.EOF
	}
	return total, nil
}

func (p *pieces) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += p.at
	case io.SeekEnd:
		offset += p.size
	}
	if offset < 0 {
		return 0, io.ErrUnexpectedEOF
	}
	p.at = offset
	return offset, nil
}
