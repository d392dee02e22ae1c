package upload

import (
	"context"
	"errors"
	"hash/crc32"
	"io"
	"time"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
)

const (
	// slow is the rate, in bytes per second, below which an upload gives its memory up to others when it is short.
	slow = 1 << 20
	// spillSlabs is how many slabs such an upload fills before it does.
	spillSlabs = 4
	// spillWait bounds the way of a piece to the bucket: the client waits behind it.
	spillWait = time.Minute
)

// covered answers the end of what is stored, in parts or as a tail: it cannot be written again.
func (u *Upload) covered() int64 {
	end := u.window.start
	for _, piece := range u.tail {
		end += piece.Bytes
	}
	return end
}

// isSlow reports whether the client has sent less than the rate at which memory is worth holding.
func (u *Upload) isSlow() bool {
	return float64(u.window.reach()-u.from) < slow*time.Since(u.opened).Seconds()
}

// shed moves the whole slabs that have arrived to the bucket when memory is short and the client slow: a file on its way for
// minutes shall not hold megabytes all the while. A part that is complete goes its own way.
func (u *Upload) shed() {
	if n := u.shedding(); n > 0 {
		u.spill(n)
	}
}

// shedding answers how many bytes shed would move.
func (u *Upload) shedding() int64 {
	n := u.wholeSlabs()
	if n < spillSlabs*u.cfg.Slab || u.spilling || u.choice != nil || !u.loaded() || u.partReady() || !u.budget.tight() || !u.isSlow() {
		return 0
	}
	return n
}

// wholeSlabs answers how many bytes behind the tail fill slabs to their end.
func (u *Upload) wholeSlabs() int64 {
	reach := u.window.reach()
	return max(0, reach-reach%u.cfg.Slab-u.covered())
}

// Relax gives up the memory of an upload that nobody has written to for so long.
func (u *Upload) Relax(idle time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.failed != nil || u.closing || u.spilling || u.choice != nil || !u.loaded() || time.Since(u.written) < idle || u.partReady() {
		return
	}
	n := u.wholeSlabs()
	if u.window.whole() { // else later bytes stand in the last slab
		n = u.window.reach() - u.covered()
	}
	if n > 0 {
		u.spill(n)
	}
	if !u.closing {
		u.floor = 0
		u.setSpare(0)
	}
}

// spill stores the next n bytes behind the tail as one more piece of it. A failure poisons the upload: its bytes are gone.
func (u *Upload) spill(n int64) {
	u.spilling = true
	defer u.notify()
	defer func() { u.spilling = false }()
	body, freed := u.window.spill(u.covered(), n)
	piece := files.Piece{Number: u.pieces, Bytes: n}
	u.pieces++
	u.tail = append(u.tail, piece)
	u.mu.Unlock()
	body.each(func(b []byte) { piece.CRC32C = crc32.Update(piece.CRC32C, castagnoli, b) })
	ctx, cancel := context.WithTimeout(u.ctx, spillWait)
	err := u.object.Spill(ctx, piece, body)
	cancel()
	u.mu.Lock()
	u.release(freed)
	if err != nil {
		u.fail(stored(err))
		return
	}
	u.tail[len(u.tail)-1] = piece
	u.spilling = false
	if u.failed != nil || u.pausing || int64(u.durable.Parts)*u.cfg.Part != u.window.start {
		return // something before it is still on its way: it will be remembered with that
	}
	_ = u.save(false) // if it fails, the record is a little behind
}

// unspill reads the tail back into the window, before it becomes part of a part.
func (u *Upload) unspill() error {
	for u.spilling {
		u.await(nil)
	}
	if len(u.tail) == 0 || u.failed != nil {
		return u.failed
	}
	off, end := u.window.start, u.covered()
	reserved := int64(0)
	for {
		need := int64(u.window.lacking(off, end-off)) - reserved
		if need <= 0 {
			break
		}
		if err := u.obtain(need * u.cfg.Slab); err != nil {
			u.giveBack(reserved * u.cfg.Slab)
			return err
		}
		reserved += need
	}
	take := func() []byte { reserved--; return u.budget.slab() }
	defer func() { u.giveBack(reserved * u.cfg.Slab) }()
	for _, piece := range u.tail {
		if err := u.readBack(piece, off, take); err != nil {
			return err
		}
		off += piece.Bytes
	}
	u.tail = nil
	return u.failed
}

func (u *Upload) readBack(piece files.Piece, off int64, take func() []byte) error {
	u.mu.Unlock()
	ctx, cancel := context.WithTimeout(u.ctx, spillWait)
	defer cancel()
	body, err := u.object.Tail(ctx, piece)
	u.mu.Lock()
	if fault.Is(err, fault.NotFound) {
		return rotten()
	}
	if err != nil {
		return stored(err)
	}
	defer body.Close()
	sum := uint32(0)
	buf := make([]byte, min(piece.Bytes, u.cfg.Slab))
	for left := piece.Bytes; left > 0; {
		u.mu.Unlock()
		n, err := io.ReadFull(body, buf[:min(left, int64(len(buf)))])
		u.mu.Lock()
		if u.failed != nil {
			return u.failed
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return rotten()
		}
		if err != nil {
			return stored(err)
		}
		sum = crc32.Update(sum, castagnoli, buf[:n])
		u.window.write(buf[:n], off, take)
		off, left = off+int64(n), left-int64(n)
	}
	if sum != piece.CRC32C {
		return rotten()
	}
	return nil
}

// errRotten says that nobody can go on with what is stored.
var errRotten = errors.New("the stored beginning is gone or damaged")

func rotten() error {
	return fault.Wrap(errRotten, fault.Invalid, "what had been stored of the file is gone or damaged; send it again from its start")
}
