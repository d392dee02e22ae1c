package sftpd

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// flow is a connection that the other side writes to, or reads from, as fast as it may.
func flow(t *testing.T, b *bandwidth, user string, reads bool) (passed *atomic.Int64, end func()) {
	ours, theirs := net.Pipe()
	share, leave := b.join(user)
	over, cancel := context.WithCancel(t.Context())
	p := &patient{Conn: ours}
	if err := p.start(patience{dead: time.Minute, stall: time.Minute, share: share, over: over}); err != nil {
		t.Fatal(err)
	}
	passed = &atomic.Int64{}
	move := func(f func([]byte) (int, error), count bool) {
		buffer := make([]byte, 256<<10) // as much as SSH moves at once
		for {
			n, err := f(buffer)
			if count {
				passed.Add(int64(n))
			}
			if err != nil {
				return
			}
		}
	}
	if reads {
		go move(p.Read, true)
		go move(theirs.Write, false)
	} else {
		go move(p.Write, false)
		go move(theirs.Read, true)
	}
	return passed, func() { cancel(); ours.Close(); theirs.Close(); leave() }
}

// Two connections of a user share the user's bandwidth, and slow down nobody else, in either direction.
func TestBandwidthIsSharedByAUsersConnections(t *testing.T) {
	const rate, seconds = 1 << 20, 60
	for name, reads := range map[string]bool{"uploads": true, "downloads": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBandwidth(rate)
				one, endOne := flow(t, b, "anna", reads)
				two, endTwo := flow(t, b, "anna", reads)
				other, endOther := flow(t, b, "olga", reads)
				time.Sleep(seconds * time.Second)
				synctest.Wait()
				a, c, o := one.Load(), two.Load(), other.Load()
				near := func(what string, got int64, share float64) {
					t.Helper()
					if ratio := float64(got) / (share * rate * seconds); ratio < 0.97 || ratio > 1.03 {
						t.Errorf("%s: %d bytes in %d s, which is %.2f of what it should be", what, got, seconds, ratio)
					}
				}
				near("both together", a+c, 1)
				near("one of them", a, 0.5)
				near("another user", o, 1)
				endOne()
				endTwo()
				endOther()
				synctest.Wait()
				if len(b.shares) != 0 {
					t.Error("shares are kept for ever")
				}
			})
		})
	}
}

func TestNoBandwidthIsNoLimit(t *testing.T) {
	share, leave := newBandwidth(0).join("anna")
	defer leave()
	if b := make([]byte, 1<<20); share != nil || len(share.fit(b)) != len(b) {
		t.Error("there is a limit")
	}
}
