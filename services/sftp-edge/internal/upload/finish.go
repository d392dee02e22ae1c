package upload

import (
	"context"
	"errors"
	"time"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/services/sftp-edge/internal/failpoint"
)

// abortWait bounds the tidying up after a failure.
const abortWait = 5 * time.Second

// Finish makes the file durable, whole and checked, and says what it is. After an error nothing of it stays in the bucket
// but what it can be resumed from.
func (u *Upload) Finish(ctx context.Context) (Result, error) {
	if !u.conclude() {
		return Result{}, ErrTaken
	}
	defer u.end()
	result, err := u.finish(ctx)
	if err == nil {
		return result, nil
	}
	u.Fail(err)
	u.work.Wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortWait)
	defer cancel()
	_ = u.giveUp(ctx) // what stays is swept with its record, or named by nobody
	return Result{}, err
}

func (u *Upload) savedBytes() int64 { return u.saved.Bytes(u.cfg.Part) }

// conclude makes its caller the one who ends the upload; false when somebody does already.
func (u *Upload) conclude() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	first := !u.concluded
	u.concluded = true
	return first
}

// giveUp decides what stays of an upload that failed: nothing, unless its client may find it useful.
func (u *Upload) giveUp(ctx context.Context) error {
	u.mu.Lock()
	for u.spilling || u.saving { // neither lasts, because the failure soon ends their requests
		u.await(nil)
	}
	end := u.remains()
	u.mu.Unlock()
	return end(ctx)
}

func (u *Upload) remains() (end func(context.Context) error) {
	if c := u.choice; c != nil { // nothing was decided: what was there is as it was
		if c.Object == nil {
			return func(context.Context) error { return nil }
		}
		return c.Object.Leave
	}
	switch {
	case errors.Is(u.failed, errRotten):
	case errors.Is(u.failed, ErrTaken):
		return u.object.Leave
	case u.sealed && !fault.Is(u.failed, fault.Invalid): // whoever finds it finishes it
		return u.object.Leave
	case u.resumed && u.prefix == 0 && !u.sealed:
		return u.object.Leave
	case fault.Is(u.failed, fault.Unavailable) && u.savedBytes() > 0 && !u.dropped:
		return u.object.Leave
	}
	return u.object.Abort
}

func (u *Upload) finish(ctx context.Context) (Result, error) {
	stop := context.AfterFunc(ctx, func() {
		u.Fail(fault.New(fault.Unavailable, "the file could not be stored in time; try again in a minute"))
	})
	defer stop()
	pumping, err := u.close()
	if err != nil {
		return Result{}, err
	}
	if !pumping {
		return u.finishSmall(ctx)
	}
	err = u.cfg.step(ctx, "parts", func(context.Context) error {
		u.work.Wait()
		return u.settled()
	})
	if err != nil {
		return Result{}, err
	}
	result := u.digest.result()
	if err := u.seal(ctx, result); err != nil {
		return Result{}, err
	}
	err = u.cfg.step(ctx, "complete", func(ctx context.Context) error { return u.object.Complete(ctx, u.digest.crc) })
	if fault.Is(err, fault.NotFound) {
		return Result{}, rotten()
	}
	if err != nil {
		return Result{}, stored(err)
	}
	failpoint.Here("object stored")
	return result, nil
}

func (u *Upload) finishSmall(ctx context.Context) (Result, error) {
	body, err := u.takeAll()
	if err != nil {
		return Result{}, err
	}
	defer func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.release(body.slabs)
	}()
	var (
		crc    uint32
		result Result
	)
	_ = u.cfg.step(ctx, "hash", func(context.Context) error { // which cannot fail
		crc = u.digest.add(body)
		result = u.digest.result()
		return nil
	})
	if err := u.seal(ctx, result); err != nil {
		return Result{}, err
	}
	failpoint.Here("before put")
	err = u.cfg.step(ctx, "put", func(ctx context.Context) error { return u.object.Put(ctx, body, crc) })
	if err != nil {
		return Result{}, stored(err)
	}
	failpoint.Here("object stored")
	return result, nil
}

// takeAll answers a whole small file.
func (u *Upload) takeAll() (*pieces, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if err := u.unspill(); err != nil {
		return nil, err
	}
	body := u.window.take(u.window.reach())
	u.release(u.window.clear())
	return body, nil
}

func (u *Upload) seal(ctx context.Context, r Result) error {
	var kept bool
	err := u.cfg.step(ctx, "seal", func(ctx context.Context) (err error) {
		kept, err = u.object.Seal(ctx, r)
		return err
	})
	if fault.Is(err, fault.Conflict) {
		return ErrTaken
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.sealed = kept && err == nil
	return err
}

// close ends the writing and settles the size.
func (u *Upload) close() (pumping bool, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	defer u.notify()
	if u.failed == nil {
		if err := u.decide(true); err != nil {
			return false, err
		}
	}
	for u.failed == nil && !u.loaded() {
		u.await(nil)
	}
	if u.failed != nil {
		return false, u.failed
	}
	u.closing = true
	reach := u.window.reach()
	switch {
	case u.declared > reach && u.window.whole():
		return false, fault.New(fault.Invalid, "only %d of %d bytes arrived; send the file again", reach, u.declared)
	case u.declared > 0 && u.declared < max(u.covered(), u.prefix):
		return false, fault.New(fault.Invalid, "the file cannot be made shorter any more; send it again")
	case u.declared > 0 && u.declared < reach:
		u.window.have = u.window.have.truncate(u.declared) // 0 is a client that emptied the file before it wrote
	}
	if !u.window.whole() {
		return false, fault.New(fault.Invalid, "bytes are missing at %d; send the file again from its start", u.window.reach())
	}
	if u.begun {
		u.startPump()
	}
	return u.pumping, nil
}

// settled gives back what is left of the memory and answers why the upload failed, if it did.
func (u *Upload) settled() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.release(u.window.clear()) // cut off by the announced size
	return u.failed
}
