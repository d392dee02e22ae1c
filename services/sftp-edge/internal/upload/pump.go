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
	if u.choice != nil || !u.partReady() {
		return
	}
	if u.pumping {
		u.notify()
	} else if u.begun || u.window.have.end(0) > u.cfg.Part {
		u.startPump()
	}
}

func (u *Upload) startPump() {
	if u.pumping {
		return
	}
	begun := u.begun
	u.pumping, u.begun = true, true
	u.work.Go(func() { u.handOn(begun) })
}

// handOn takes parts out of the window, in order, hashes them and sends them off, until the file ends or fails.
func (u *Upload) handOn(begun bool) {
	if !begun {
		if err := u.object.Begin(u.ctx); err != nil {
			u.Fail(stored(err))
			return
		}
	}
	for {
		body, n := u.next()
		if body == nil {
			return
		}
		crc := u.digest.add(body)
		if body.size == u.cfg.Part {
			u.remember(n)
		}
		u.work.Go(func() { u.send(n, body, crc) })
	}
}

// remember keeps the digest at the end of a part, so that the upload can be resumed there.
func (u *Upload) remember(part int) {
	sum, err := u.digest.save()
	if err != nil {
		return // then it is resumed from an earlier part
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.marks = append(u.marks, mark{part: part, sum: sum})
}

// next waits for the next part and for a free place on the way to the bucket. It answers nil at the end.
func (u *Upload) next() (body *pieces, number int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for u.failed == nil {
		rest := u.window.reach() - u.window.start
		switch {
		case u.pausing && !u.partReady() && u.loaded(), u.closing && !u.pausing && rest == 0:
			return nil, 0
		case u.inFlight < u.cfg.InFlight && (u.partReady() || u.closing && !u.pausing):
			if len(u.tail) > 0 || u.spilling {
				if err := u.unspill(); err != nil {
					u.fail(err)
				}
				continue
			}
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
	err := u.object.Part(ctx, n, body, crc)
	cancel()
	u.arrived(body, err)
	if err == nil {
		u.advance(n)
	}
}

func (u *Upload) arrived(body *pieces, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.inFlight--
	u.release(body.slabs)
	switch {
	case fault.Is(err, fault.NotFound): // the bucket has forgotten the parts
		u.fail(rotten())
	case err != nil:
		u.fail(stored(err))
	default:
		u.notify()
	}
}

// stored gives a failure of the bucket words for the sender.
func stored(err error) error {
	return fault.Wrap(err, fault.Unavailable, "the file could not be stored; try again in a minute")
}
