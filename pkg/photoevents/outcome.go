package photoevents

import (
	"errors"
	"math/rand/v2"
	"time"
)

// Permanent marks an error that no retry will cure. The event is given up at once, and Filmgate's operators see it.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanent{err}
}

type permanent struct{ error }

func (p *permanent) Unwrap() error { return p.error }

// RetryAfter marks an error with the time after which to try again, instead of the usual waits.
func RetryAfter(err error, wait time.Duration) error {
	if err == nil {
		return nil
	}
	return &retryAfter{err, wait}
}

type retryAfter struct {
	error
	wait time.Duration
}

func (r *retryAfter) Unwrap() error { return r.error }

// wait answers how long after its nth delivery an event comes again.
func wait(err error, delivered int) time.Duration {
	if r, ok := errors.AsType[*retryAfter](err); ok {
		return r.wait
	}
	waits := [...]time.Duration{500 * time.Millisecond, 2 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute}
	return jitter(waits[min(max(delivered, 1), len(waits))-1])
}

// jitter spreads d by 20 % both ways, so that what failed together is not tried again together.
func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}
