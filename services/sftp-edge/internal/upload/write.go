package upload

import (
	"context"
	"time"

	"filmgate.dev/pkg/fault"
)

// WriteAt takes a copy of p. An error poisons the upload.
func (u *Upload) WriteAt(p []byte, off int64) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	reserved, err := u.admit(off, int64(len(p)))
	if err == nil && len(p) > 0 {
		u.window.write(p, off, func() []byte { reserved--; return u.budget.slab() })
		u.touched = true
		u.share.Shrink(reserved * u.cfg.Slab)
		u.pump()
		return len(p), nil
	}
	u.share.Shrink(reserved * u.cfg.Slab)
	if err != nil && !u.closing {
		u.fail(err)
	}
	return 0, err
}

// admit waits until n bytes at off may enter the window, and answers the slabs reserved for them.
func (u *Upload) admit(off, n int64) (reserved int64, err error) {
	var gap *time.Timer
	for {
		start := u.window.start
		switch {
		case u.failed != nil:
			return reserved, u.failed
		case u.closing:
			return reserved, fault.New(fault.Invalid, "the file is closed")
		case off < 0 || n > u.cfg.Part || off > maxParts*u.cfg.Part-n:
			return reserved, fault.New(fault.Invalid, "a file may have at most %d GiB", maxParts*u.cfg.Part>>30)
		case n > 0 && off < start:
			return reserved, fault.New(fault.Invalid, "byte %d was written again after it had been stored; send the file again from its start", off)
		case len(u.window.have) > maxSpans:
			return reserved, fault.New(fault.Invalid, "the file arrives in too many scattered pieces")
		}
		if off+n > start+u.cfg.Part+u.cfg.Slack {
			if u.partReady() {
				u.startPump()
				gap = nil
				u.await(nil)
				continue
			}
			if gap == nil {
				gap = time.NewTimer(u.cfg.GapWait)
				defer gap.Stop()
			}
			if !u.await(gap.C) {
				return reserved, fault.New(fault.Invalid, "bytes are missing at %d while byte %d arrived; send the file again from its start", u.window.reach(), off)
			}
			continue
		}
		need := int64(u.window.lacking(off, n)) - reserved
		if need <= 0 {
			return reserved, nil
		}
		u.mu.Unlock()
		err := u.grow(need * u.cfg.Slab)
		u.mu.Lock()
		if err != nil {
			return reserved, err
		}
		reserved += need
	}
}

func (u *Upload) grow(n int64) error {
	ctx, cancel := context.WithTimeout(u.ctx, u.cfg.MemoryWait)
	defer cancel()
	if u.share.Grow(ctx, n) != nil {
		return fault.New(fault.Unavailable, "the server is busy; try again in a minute")
	}
	return nil
}

// await unlocks until something changed; it answers false if stop came first.
func (u *Upload) await(stop <-chan time.Time) bool {
	changed := u.changed
	u.mu.Unlock()
	defer u.mu.Lock()
	select {
	case <-changed:
		return true
	case <-stop:
		return false
	}
}

// partReady reports whether the window's first part is there.
func (u *Upload) partReady() bool { return u.window.reach()-u.window.start >= u.cfg.Part }
