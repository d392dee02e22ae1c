package upload

import (
	"context"

	"filmgate.dev/pkg/fault"
)

// least is how many bytes are worth keeping: what is shown is one less.
const least = 2

// ErrEnding refuses to break off what is being finished already.
var ErrEnding = fault.New(fault.Conflict, "the file is just being stored; try again in a minute")

// Suspend breaks the upload off: everything that arrived without a gap is stored, and whoever comes next can go on from
// there. It answers how many bytes that are; with none, nothing stays. A single one is as good as none: one byte less than
// there is is shown.
func (u *Upload) Suspend(ctx context.Context) (int64, error) {
	if !u.conclude() {
		return 0, ErrEnding
	}
	defer u.end()
	stop := context.AfterFunc(ctx, func() {
		u.Fail(fault.New(fault.Unavailable, "what arrived of the file could not be stored in time"))
	})
	kept, err := u.suspend()
	stop()
	if err == nil && kept > 0 {
		return kept, nil
	}
	if err == nil {
		err = fault.New(fault.Invalid, "nothing arrived of the file")
	}
	u.Fail(err)
	u.work.Wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortWait)
	defer cancel()
	return 0, u.giveUp(ctx)
}

func (u *Upload) suspend() (int64, error) {
	if err := u.pause(); err != nil {
		return 0, err
	}
	u.work.Wait()
	u.mu.Lock()
	defer u.mu.Unlock()
	for u.failed == nil && u.spilling {
		u.await(nil)
	}
	rest := u.window.reach() - u.covered()
	if u.window.reach() < least {
		return 0, u.failed
	}
	if u.failed == nil && u.savedBytes() > 0 { // before anything is written, it must still be ours
		if err := u.save(false); err != nil {
			return 0, err
		}
	}
	if u.failed == nil && rest > 0 {
		u.spill(rest)
	}
	if u.failed != nil {
		return 0, u.failed
	}
	kept := u.covered()
	if kept == 0 {
		return 0, nil
	}
	return kept, u.save(true)
}

// pause lets nothing more in, and leaves what has no gap before it.
func (u *Upload) pause() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	defer u.notify()
	if u.failed != nil {
		return u.failed
	}
	if u.choice != nil && !u.touched {
		return fault.New(fault.Unavailable, "the upload was interrupted")
	}
	if err := u.decide(true); err != nil {
		return err
	}
	u.closing, u.pausing = true, true
	u.window.have = u.window.have.truncate(max(u.window.reach(), u.prefix))
	if u.partReady() && (u.begun || u.window.reach()-u.window.start > u.cfg.Part) {
		u.startPump()
	}
	return nil
}
