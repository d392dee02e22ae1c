package sftpd

import (
	"context"
	"net"
	"sync/atomic"
	"time"
)

// patient is a connection that, once started, gives up a peer that neither sends nor takes anything for a while, and is
// as slow as its user's share says.
type patient struct {
	net.Conn
	patience atomic.Pointer[patience]
}

// patience is what a patient holds to after the login.
type patience struct {
	dead  time.Duration // a peer that sends nothing for so long is gone
	stall time.Duration // a peer that takes nothing for so long is, too
	share *share        // nil = no limit
	over  context.Context
}

func (p *patient) start(with patience) error {
	p.patience.Store(&with)
	return p.SetReadDeadline(time.Now().Add(with.dead)) // for the read that waits already
}

// Read waits after it has read, not before: until the next Read the bytes stay in the kernel, and TCP holds the peer back.
func (p *patient) Read(b []byte) (int, error) {
	with := p.patience.Load()
	if with == nil {
		return p.Conn.Read(b)
	}
	if err := p.SetReadDeadline(time.Now().Add(with.dead)); err != nil {
		return 0, err
	}
	n, err := p.Conn.Read(with.share.fit(b))
	with.share.received(with.over, n)
	return n, err
}

// Write ends the connection when it fails: the library would go on reading from a peer that it cannot answer.
func (p *patient) Write(b []byte) (n int, err error) {
	with := p.patience.Load()
	if with == nil {
		return p.Conn.Write(b)
	}
	for n < len(b) && err == nil {
		piece := with.share.fit(b[n:])
		with.share.sent(with.over, len(piece))
		if err = p.SetWriteDeadline(time.Now().Add(with.stall)); err != nil {
			break
		}
		var m int
		m, err = p.Conn.Write(piece)
		n += m
	}
	if err != nil {
		p.Close()
	}
	return n, err
}
