package upload

import (
	"context"

	"filmgate.dev/pkg/fault"
)

// obtain takes n bytes of memory: of what is spare, then of what others leave. It unlocks while it waits.
func (u *Upload) obtain(n int64) error {
	spare := min(n, u.spare)
	u.spare -= spare
	if n -= spare; n == 0 || u.share.try(n) {
		return nil
	}
	u.mu.Unlock()
	err := u.grow(n)
	u.mu.Lock()
	if err != nil {
		u.giveBack(spare)
	}
	return err
}

func (u *Upload) grow(n int64) error {
	ctx, cancel := context.WithTimeout(u.ctx, u.cfg.MemoryWait)
	defer cancel()
	if u.share.Grow(ctx, n) != nil {
		return fault.New(fault.Unavailable, "the server is busy; try again in a minute")
	}
	return nil
}

// giveBack returns n bytes that no slab takes any more; the upload keeps its floor.
func (u *Upload) giveBack(n int64) { u.setSpare(u.spare + n) }

// setSpare settles what the upload keeps beside its slabs: as much of n as its floor allows.
func (u *Upload) setSpare(n int64) {
	before := u.spare
	u.spare = min(n, max(0, u.floor-int64(len(u.window.slabs))*u.cfg.Slab))
	u.share.Shrink(max(n, before) - u.spare)
}

func (u *Upload) release(slabs [][]byte) {
	u.budget.recycle(slabs)
	u.giveBack(int64(len(slabs)) * u.cfg.Slab)
}

// end gives back all memory, once nothing of the upload runs any more.
func (u *Upload) end() {
	u.cancel()
	u.mu.Lock()
	defer u.mu.Unlock()
	u.floor = 0
	u.release(u.window.clear())
}
