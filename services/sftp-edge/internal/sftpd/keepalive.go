package sftpd

import (
	"sync"
	"time"
)

const (
	slowReply  = 5 * time.Second  // from then on a waiting client is told that we live (R32)
	stillThere = 30 * time.Second // otherwise this is how often a silent one is asked
	lookEvery  = time.Second
)

// pending knows since when a connection has been waiting for replies.
type pending struct {
	mu    sync.Mutex
	count int
	since time.Time
}

func (p *pending) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count == 0 {
		p.since = time.Now()
	}
	p.count++
}

func (p *pending) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count--
}

func (p *pending) slow() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count > 0 && time.Since(p.since) >= slowReply
}

// keepAlive asks the client for a sign of life: often while it waits for a reply, so that it sees one of ours, and now
// and then otherwise, so that a dead peer is noticed.
func (c *connection) keepAlive() {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	asked := time.Now()
	for {
		select {
		case <-c.over:
			return
		case <-tick.C:
		}
		due := stillThere
		if c.pending.slow() {
			due = slowReply
		}
		if time.Since(asked) < due {
			continue
		}
		asked = time.Now()
		if _, _, err := c.ssh.SendRequest("keepalive@openssh.com", true, nil); err != nil {
			return
		}
	}
}
