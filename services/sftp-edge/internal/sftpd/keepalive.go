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

// pending knows since when a connection has been waiting for replies, and when it last asked for anything.
type pending struct {
	mu    sync.Mutex
	count int
	since time.Time
	asked time.Time
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
	p.asked = time.Now()
}

// hear notes that the client asks for something, whoever answers it.
func (p *pending) hear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = time.Now()
}

func (p *pending) slow() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count > 0 && time.Since(p.since) >= slowReply
}

// quiet answers how long the client has wanted nothing. One that waits for us wants something.
func (p *pending) quiet() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count > 0 {
		return 0
	}
	return time.Since(p.asked)
}

// keepAlive asks the client for a sign of life: often while it waits for a reply, so that it sees one of ours, and now
// and then otherwise, so that a dead peer is noticed. It also ends a connection that nobody uses, answers or not.
func (c *connection) keepAlive() {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	asked := time.Now()
	answered := make(chan struct{}, 1) // holds a token while no answer is outstanding
	answered <- struct{}{}
	var asking sync.WaitGroup
	defer asking.Wait()
	for {
		select {
		case <-c.over:
			return
		case <-tick.C:
		}
		if c.unused() {
			c.log.Info("the connection was ended", "reason", "it was not used", "idle", c.pending.quiet())
			c.farewell("The connection was not used and is closed. Connect again to go on.")
			return
		}
		due := stillThere
		if c.pending.slow() {
			due = slowReply
		}
		if time.Since(asked) < due {
			continue
		}
		asked = time.Now()
		select {
		case <-answered:
			c.run(&asking, "keepalive", func() {
				_, _, _ = c.ssh.SendRequest(keepAliveRequest, true, nil) // an error means the end, which others notice
				answered <- struct{}{}
			})
		default: // no answer to the last one: some clients give none, and still need to see that we live
			if _, _, err := c.ssh.SendRequest(keepAliveRequest, false, nil); err != nil {
				return
			}
		}
	}
}

const keepAliveRequest = "keepalive@openssh.com"

// openFiles is how many times longer a connection with open files may be quiet: somebody may be about to go on.
const openFiles = 4

// unused reports whether nobody has wanted anything for so long that the connection is in vain.
func (c *connection) unused() bool {
	limit := c.server.Config.Idle
	if c.files() > 0 {
		limit *= openFiles
	}
	return c.pending.quiet() >= limit
}
