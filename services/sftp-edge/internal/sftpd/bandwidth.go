package sftpd

import (
	"context"
	"sync"

	"golang.org/x/time/rate"
)

// burst is what a share lets through at once: a quarter of a second, but never less than a packet or two.
const minBurst = 64 << 10

// bandwidth gives each user a share of so many bytes a second, all the user's connections together.
type bandwidth struct {
	rate int64 // 0 = no limit

	mu     sync.Mutex
	shares map[string]*share
}

// share is one user's, each way. A nil share is without limit.
type share struct {
	in, out *rate.Limiter
	holders int // guarded by the bandwidth
}

func newBandwidth(bytesPerSecond int64) *bandwidth {
	return &bandwidth{rate: bytesPerSecond, shares: make(map[string]*share)}
}

// join answers the user's share; the caller calls leave once.
func (b *bandwidth) join(user string) (*share, func()) {
	if b.rate == 0 {
		return nil, func() {}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.shares[user]
	if s == nil {
		burst := int(max(b.rate/4, minBurst))
		s = &share{in: rate.NewLimiter(rate.Limit(b.rate), burst), out: rate.NewLimiter(rate.Limit(b.rate), burst)}
		b.shares[user] = s
	}
	s.holders++
	return s, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		s.holders--
		if s.holders == 0 {
			delete(b.shares, user)
		}
	}
}

// fit cuts b to what may pass at once.
func (s *share) fit(b []byte) []byte {
	if s == nil {
		return b
	}
	return b[:min(len(b), s.in.Burst())]
}

// received waits until n bytes that came are paid for, or ctx ends.
func (s *share) received(ctx context.Context, n int) {
	if s != nil && n > 0 {
		_ = s.in.WaitN(ctx, n) // it fails only when the connection is over
	}
}

// sent waits until n bytes may go, or ctx ends.
func (s *share) sent(ctx context.Context, n int) {
	if s != nil && n > 0 {
		_ = s.out.WaitN(ctx, n)
	}
}
