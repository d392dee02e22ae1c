package upload

import (
	"context"
	"time"

	"filmgate.dev/pkg/fault"
)

// partWait bounds the transfer of one part: the client waits behind it.
const partWait = 2 * time.Minute

// pump sees to it that complete parts are handed on. A file that may still turn out to fit into one part is kept whole.
func (u *Upload) pump() {
	if !u.partReady() {
		return
	}
	if u.pumping {
		u.notify()
	} else if u.window.have.end(0) > u.cfg.Part {
		u.startPump()
	}
}

func (u *Upload) startPump() {
	if u.pumping {
		return
	}
	u.pumping = true
	u.work.Go(u.handOn)
}

// handOn takes parts out of the window, in order, hashes them and sends them off, until the file ends or fails.
func (u *Upload) handOn() {
	if err := u.object.Begin(u.ctx); err != nil {
		u.Fail(stored(err))
		return
	}
	for {
		body, n := u.next()
		if body == nil {
			return
		}
		crc := u.digest.add(body)
		u.work.Go(func() { u.send(n, body, crc) })
	}
}

// next waits for the next part and for a free place on the way to the bucket. It answers nil at the end.
func (u *Upload) next() (body *pieces, number int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for u.failed == nil {
		rest := u.window.reach() - u.window.start
		switch {
		case u.closing && rest == 0:
			return nil, 0
		case u.inFlight < u.cfg.InFlight && (u.partReady() || u.closing):
			u.inFlight++
			u.parts++
			body = u.window.take(min(rest, u.cfg.Part))
			u.notify()
			return body, u.parts
		}
		u.await(nil)
	}
	return nil, 0
}

func (u *Upload) send(n int, body *pieces, crc uint32) {
	ctx, cancel := context.WithTimeout(u.ctx, partWait)
	defer cancel()
	err := u.object.Part(ctx, n, body, crc)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.inFlight--
	u.release(body.slabs)
	if err != nil {
		u.fail(stored(err))
		return
	}
	u.notify()
}

// stored gives a failure of the bucket words for the sender.
func stored(err error) error {
	return fault.Wrap(err, fault.Unavailable, "the file could not be stored; try again in a minute")
}
