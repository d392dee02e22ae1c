package upload

import (
	"context"
	"hash/crc32"
	"io"
	"time"

	"filmgate.dev/pkg/fault"
)

// undecided is how many bytes are kept until it is known whether a client goes on or begins anew. Packets of one client are
// handled by several goroutines, so that the first to arrive says nothing; the one at offset 0 is never this far behind.
const undecided = 2 << 20

// decide settles, as soon as it can, whether the client goes on from what is there. A byte at 0 is a new beginning; a row
// of bytes that starts at the end of what is there goes on.
func (u *Upload) decide(atOnce bool) error {
	c := u.choice
	if c == nil {
		return nil
	}
	have := u.window.have
	switch {
	case len(have) > 0 && have[0].lo == 0, atOnce && !u.touched && u.declared == 0: // a byte at 0, or a file emptied
		u.choice = nil
		u.notify()
		return nil
	case !atOnce && have.from(c.Size)-c.Size < undecided:
		return nil
	case len(have) > 0 && have[0].lo != c.Size:
		return u.gapError(have[0].lo)
	}
	u.choice, u.resumed, u.from = nil, true, c.Size
	defer u.notify()
	if c.Prefix != nil {
		u.prefix = c.Size
		u.work.Go(func() { u.load(c) })
		return nil
	}
	u.object = c.Object // first: if it is of no use, it is this one that is given up
	digest, err := restore(c.From.Sum, int64(c.From.Parts)*u.cfg.Part)
	if err != nil {
		return err
	}
	u.digest = digest
	u.begun, u.parts, u.saved, u.tail, u.pieces = c.From.Begun, c.From.Parts, c.From, c.From.Tail, c.From.Next
	u.durable = Checkpoint{Parts: c.From.Parts, Sum: c.From.Sum}
	u.window.start = int64(c.From.Parts) * u.cfg.Part
	u.release(u.window.forget(u.covered()))
	u.window.have = u.window.have.add(span{u.window.start, u.covered()})
	return nil
}

// loaded reports whether everything that is read from the bucket is there.
func (u *Upload) loaded() bool { return u.window.reach() >= u.prefix }

// load reads the file that the client goes on from, as if the client had sent it.
func (u *Upload) load(c *Choice) {
	if err := u.copyPrefix(c); err != nil {
		u.Fail(stored(err))
	}
}

func (u *Upload) copyPrefix(c *Choice) error {
	ctx, cancel := context.WithCancel(u.ctx)
	defer cancel()
	watchdog := time.AfterFunc(spillWait, cancel)
	defer watchdog.Stop()
	body, err := c.Prefix(ctx)
	if err != nil {
		return err
	}
	defer body.Close()
	sum := uint32(0)
	buf := make([]byte, min(c.Size, u.cfg.Slab))
	for off := int64(0); off < c.Size; {
		watchdog.Reset(spillWait)
		n, err := io.ReadFull(body, buf[:min(c.Size-off, int64(len(buf)))])
		if err != nil {
			return err
		}
		watchdog.Stop() // what follows waits for its own sake
		sum = crc32.Update(sum, castagnoli, buf[:n])
		if off+int64(n) == c.Size && sum != c.PrefixCRC32C { // before the last of it counts
			return fault.New(fault.Unavailable, "the file that is there is damaged; send it again from its start")
		}
		if err := u.place(buf[:n], off); err != nil {
			return err
		}
		off += int64(n)
	}
	return nil
}

// place writes bytes that come from the bucket and not from the client.
func (u *Upload) place(p []byte, off int64) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	n, reserved := int64(len(p)), int64(0)
	for u.failed == nil && off+n > u.window.start+u.cfg.Part+u.cfg.Slack {
		u.startPump()
		u.await(nil)
	}
	for u.failed == nil {
		need := int64(u.window.lacking(off, n)) - reserved
		if need <= 0 {
			break
		}
		if err := u.obtain(need * u.cfg.Slab); err != nil {
			u.giveBack(reserved * u.cfg.Slab)
			return err
		}
		reserved += need
	}
	if u.failed == nil {
		u.window.write(p, off, func() []byte { reserved--; return u.budget.slab() })
		u.pump()
		u.notify()
	}
	u.giveBack(reserved * u.cfg.Slab)
	return u.failed
}
