package upload

import (
	"context"
	"time"

	"filmgate.dev/pkg/fault"
)

// abortWait bounds the tidying up after a failure.
const abortWait = 5 * time.Second

// Finish makes the file durable, whole and checked, and says what it is. After an error nothing of it stays in the bucket.
func (u *Upload) Finish(ctx context.Context) (Result, error) {
	defer u.cancel()
	result, err := u.finish(ctx)
	if err == nil {
		return result, nil
	}
	u.Fail(err)
	u.work.Wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortWait)
	defer cancel()
	_ = u.object.Abort(ctx) // what stays is named by nobody; parts are swept with their record
	return Result{}, err
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
	u.work.Wait()
	if err := u.settled(); err != nil {
		return Result{}, err
	}
	if err := u.object.Complete(ctx, u.digest.crc); err != nil {
		return Result{}, stored(err)
	}
	return u.digest.result(), nil
}

func (u *Upload) finishSmall(ctx context.Context) (Result, error) {
	u.mu.Lock()
	body := u.window.take(u.window.reach())
	u.release(u.window.clear())
	u.mu.Unlock()
	defer u.release(body.slabs)
	crc := u.digest.add(body)
	if err := u.object.Put(ctx, body, crc); err != nil {
		return Result{}, stored(err)
	}
	return u.digest.result(), nil
}

// close ends the writing and settles the size.
func (u *Upload) close() (pumping bool, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	defer u.notify()
	if u.failed != nil {
		return false, u.failed
	}
	u.closing = true
	reach := u.window.reach()
	switch {
	case u.declared > reach && u.window.whole():
		return false, fault.New(fault.Invalid, "only %d of %d bytes arrived; send the file again", reach, u.declared)
	case u.declared > 0 && u.declared < u.window.start:
		return false, fault.New(fault.Invalid, "the file cannot be made shorter any more; send it again")
	case u.declared > 0 && u.declared < reach:
		u.window.have = u.window.have.truncate(u.declared) // 0 is a client that emptied the file before it wrote
	}
	if !u.window.whole() {
		return false, fault.New(fault.Invalid, "bytes are missing at %d; send the file again from its start", u.window.reach())
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
