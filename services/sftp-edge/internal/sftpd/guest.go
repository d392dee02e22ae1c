package sftpd

import (
	"context"
	"sync"

	"golang.org/x/time/rate"

	"filmgate.dev/pkg/fault"
)

// guests are the users that have sessions on this edge: what a user may do at once is counted over all connections.
type guests struct {
	mu   sync.Mutex
	byID map[string]*guest
}

// guest is one user.
type guest struct {
	requests *rate.Limiter // beyond it, requests wait
	rows     *rate.Limiter // beyond it, what was done is only in the log
	refusals *rate.Limiter // beyond it, what was refused is only in the log

	sessions int // guarded by the guests

	mu      sync.Mutex
	uploads int
}

const (
	requestsBurst = 4 // seconds' worth of requests that a user may send at once

	// A busy user uploads some thirty photos a second. A hostile one must not fill the audit.
	rowsPerSecond, rowsBurst         = 50, 5000
	refusalsPerSecond, refusalsBurst = 1, 200
)

// join counts a session in. The second result counts it out.
func (v *guests) join(user string, perSecond int) (*guest, func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	one, ok := v.byID[user]
	if !ok {
		one = &guest{
			requests: rate.NewLimiter(rate.Limit(perSecond), requestsBurst*perSecond),
			rows:     rate.NewLimiter(rowsPerSecond, rowsBurst), refusals: rate.NewLimiter(refusalsPerSecond, refusalsBurst),
		}
		if v.byID == nil {
			v.byID = make(map[string]*guest)
		}
		v.byID[user] = one
	}
	one.sessions++
	return one, func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		if one.sessions--; one.sessions == 0 {
			delete(v.byID, user)
		}
	}
}

// slow holds a request back while its user sends too many. Reads and writes are not counted, because they are as small as
// the client likes; nor is CLOSE, which has its OPEN. Nothing is refused.
func (v *guest) slow(ctx context.Context, op string) {
	switch op {
	case "read", "write", "close":
	default:
		_ = v.requests.Wait(ctx) // an error is the end of ctx, and the request's own business
	}
}

// begin counts an upload in.
func (v *guest) begin(most int) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.uploads >= most {
		return fault.New(fault.Unavailable, "you are uploading %d files at once already, over all your connections; let some finish first", v.uploads)
	}
	v.uploads++
	return nil
}

func (v *guest) end() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.uploads--
}
