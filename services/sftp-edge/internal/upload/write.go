package upload

import (
	"time"

	"filmgate.dev/pkg/fault"
)

// WriteAt takes a copy of p. An error poisons the upload.
func (u *Upload) WriteAt(p []byte, off int64) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	reserved, err := u.admit(off, int64(len(p)))
	if err == nil && len(p) > 0 {
		if err = u.put(p, off, reserved); err == nil {
			u.shed()
			return len(p), nil
		}
		reserved = 0
	}
	u.giveBack(reserved * u.cfg.Slab)
	if err != nil && !u.closing {
		u.fail(err)
	}
	return 0, err
}

// Take is WriteAt where nothing has to be waited for, stored or refused first. Else it takes nothing and answers false:
// WriteAt then says why.
func (u *Upload) Take(p []byte, off int64) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	n := int64(len(p))
	if n == 0 || u.refusal(off, n) != nil || !u.reachable(off, n) || u.shedding() > 0 {
		return false
	}
	slabs := int64(u.window.lacking(off, n))
	if !u.tryRoom(slabs) {
		return false
	}
	err := u.put(p, off, slabs)
	if err != nil {
		u.fail(err)
	}
	return err == nil
}

// put writes p, for which so many slabs are reserved, into the window.
func (u *Upload) put(p []byte, off, reserved int64) error {
	u.window.write(p, off, func() []byte { reserved--; return u.budget.slab() })
	u.touched, u.written = true, time.Now()
	u.giveBack(reserved * u.cfg.Slab)
	if err := u.decide(false); err != nil {
		return err
	}
	u.pump()
	return nil
}

// refusal answers why n bytes at off can never be taken, if so.
func (u *Upload) refusal(off, n int64) error {
	switch {
	case u.failed != nil:
		return u.failed
	case u.closing:
		return fault.New(fault.Invalid, "the file is closed")
	case off < 0 || n > u.cfg.Part || off > maxParts*u.cfg.Part-n:
		return fault.New(fault.Invalid, "a file may have at most %d GiB", maxParts*u.cfg.Part>>30)
	case n > 0 && off < max(u.covered(), u.prefix):
		return fault.New(fault.Invalid, "byte %d was written again after it had been stored; send the file again from its start", off)
	case len(u.window.have) > maxSpans:
		return fault.New(fault.Invalid, "the file arrives in too many scattered pieces")
	}
	return nil
}

// admit waits until n bytes at off may enter the window, and answers the slabs reserved for them.
func (u *Upload) admit(off, n int64) (reserved int64, err error) {
	var gap *time.Timer
	for {
		if err := u.refusal(off, n); err != nil {
			return reserved, err
		}
		switch {
		case u.reachable(off, n):
			need := int64(u.window.lacking(off, n)) - reserved
			if need <= 0 {
				return reserved, nil
			}
			got, err := u.makeRoom(need)
			if err != nil {
				return reserved, err
			}
			reserved += got
		case u.choice == nil && u.partReady():
			u.startPump()
			gap = nil
			u.await(nil)
		case !u.loaded():
			gap = nil
			u.await(nil)
		default:
			if gap == nil {
				gap = time.NewTimer(u.cfg.GapWait)
				defer gap.Stop()
			}
			if !u.await(gap.C) {
				return reserved, u.gapError(off)
			}
		}
	}
}

// reachable reports whether bytes may stand at off: near enough to what is missing.
func (u *Upload) reachable(off, n int64) bool {
	if u.choice != nil && off >= u.choice.Size && off+n <= u.choice.Size+undecided+u.cfg.Slack {
		return true
	}
	return off+n <= u.window.start+u.cfg.Part+u.cfg.Slack || off <= u.window.reach() && !u.partReady()
}

func (u *Upload) gapError(off int64) error {
	if u.choice != nil {
		return fault.New(fault.Invalid, "byte %d arrived, but the file goes on at %d; resume it there or send it again from its start", off, u.choice.Size)
	}
	return fault.New(fault.Invalid, "bytes are missing at %d while byte %d arrived; send the file again from its start", u.window.reach(), off)
}

// makeRoom takes memory for so many slabs, or has what arrived stored early, and then takes none: the caller looks again.
func (u *Upload) makeRoom(slabs int64) (got int64, err error) {
	if u.tryRoom(slabs) {
		return slabs, nil
	}
	if u.isSlow() && u.spillOwn() {
		return 0, nil
	}
	if err := u.obtain(slabs * u.cfg.Slab); err != nil {
		if u.failed == nil && u.spillOwn() {
			return 0, nil
		}
		return 0, err
	}
	return slabs, nil
}

func (u *Upload) tryRoom(slabs int64) bool {
	n := slabs * u.cfg.Slab
	if n > u.spare && !u.share.try(n-u.spare) {
		return false
	}
	u.spare -= min(n, u.spare)
	return true
}

// spillOwn stores whole slabs early, if there are any that wait for nothing but the rest of their part.
func (u *Upload) spillOwn() bool {
	if u.spilling || u.choice != nil || u.partReady() || !u.loaded() {
		return false
	}
	n := u.wholeSlabs()
	if n == 0 {
		return false
	}
	u.spill(n)
	return true
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
