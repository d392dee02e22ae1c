package sftpedge_test

import (
	"io"
	"net"
	"sync"
	"testing"
)

// proxy passes bytes to the bucket's server, and can be told to hold them.
type proxy struct {
	addr string
	gate sync.RWMutex // locked = nothing passes

	mu    sync.Mutex
	conns map[net.Conn]bool
	down  bool
}

func newProxy(t testing.TB, to string) *proxy {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	p := &proxy{addr: lis.Addr().String(), conns: map[net.Conn]bool{}}
	var work sync.WaitGroup
	work.Go(func() {
		for {
			in, err := lis.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil || !p.add(in, out) {
				in.Close()
				continue
			}
			work.Go(func() { p.pass(out, in) })
			work.Go(func() { io.Copy(in, out); in.Close() })
		}
	})
	t.Cleanup(func() { lis.Close(); p.close(); work.Wait() })
	return p
}

func (p *proxy) pass(out, in net.Conn) {
	defer out.Close()
	defer in.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := in.Read(buf)
		p.gate.RLock()
		p.gate.RUnlock() //nolint:staticcheck // passing through is all
		if n > 0 {
			if _, err := out.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (p *proxy) add(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		if p.down {
			c.Close()
		}
		p.conns[c] = true
	}
	return !p.down
}

// close ends all connections and takes no new ones.
func (p *proxy) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = true
	for c := range p.conns {
		c.Close()
	}
}
