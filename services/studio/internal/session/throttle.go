package session

import (
	"math"
	"sync"
	"time"

	"filmgate.dev/pkg/fault"
)

const (
	// Failures per e-mail address, or per client address, before the form asks for patience.
	maxFailures = 10
	window      = 5 * time.Minute
	// maxCounted bounds the addresses counted at once.
	maxCounted = 10_000
)

// throttle bounds how often a password may be guessed through the form of this replica. job-status counts SFTP logins only.
type throttle struct {
	mu     sync.Mutex
	counts map[string]count
}

type count struct {
	failures int
	until    time.Time
}

func newThrottle() *throttle { return &throttle{counts: map[string]count{}} }

// check refuses when one of the keys has failed too often.
func (t *throttle) check(now time.Time, keys ...string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, key := range keys {
		c, ok := t.counts[key]
		if ok && c.failures >= maxFailures && now.Before(c.until) {
			minutes := int(math.Ceil(c.until.Sub(now).Minutes()))
			return fault.New(fault.Unavailable, "Too many failed attempts. Try again in %d min.", minutes)
		}
	}
	return nil
}

// add counts a failure for every key; the window begins with the first one.
func (t *throttle) add(now time.Time, keys ...string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, key := range keys {
		c, ok := t.counts[key]
		if !ok || !now.Before(c.until) {
			t.makeRoom(now)
			c = count{until: now.Add(window)}
		}
		c.failures++
		t.counts[key] = c
	}
}

func (t *throttle) makeRoom(now time.Time) {
	if len(t.counts) < maxCounted {
		return
	}
	for key, c := range t.counts {
		if !now.Before(c.until) {
			delete(t.counts, key)
		}
	}
	// Still full: somebody sends from very many addresses. Forgetting a few of them at random keeps the memory bounded.
	for key := range t.counts {
		if len(t.counts) < maxCounted {
			return
		}
		delete(t.counts, key)
	}
}
