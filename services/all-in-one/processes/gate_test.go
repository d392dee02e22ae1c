package processes_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
)

// gate is the address of a peer that may be away: nobody listens there until it is opened, and nobody else can.
type gate struct {
	t       *testing.T
	address string
	socket  int

	work  sync.WaitGroup
	mu    sync.Mutex
	conns []net.Conn
	shut  bool
}

func newGate(t *testing.T) *gate {
	t.Helper()
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	must(t, err)
	must(t, syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	name, err := syscall.Getsockname(socket)
	must(t, err)
	g := &gate{t: t, socket: socket, address: fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)}
	t.Cleanup(g.close)
	return g
}

// open lets everybody through to the peer.
func (g *gate) open(peer string) {
	g.t.Helper()
	must(g.t, syscall.Listen(g.socket, 128))
	file := os.NewFile(uintptr(g.socket), "gate")
	listener, err := net.FileListener(file)
	must(g.t, err)
	must(g.t, file.Close())
	g.socket = -1
	g.t.Cleanup(func() { listener.Close() })
	g.work.Go(func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", peer)
			if err != nil || !g.keep(in, out) {
				in.Close()
				continue
			}
			g.work.Go(func() { join(in, out) })
			g.work.Go(func() { join(out, in) })
		}
	})
}

func join(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	to.Close()
	from.Close()
}

func (g *gate) keep(conns ...net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.conns = append(g.conns, conns...)
	if g.shut {
		conns[1].Close()
	}
	return !g.shut
}

// close is called after the listener's own cleanup.
func (g *gate) close() {
	if g.socket >= 0 {
		syscall.Close(g.socket)
	}
	g.mu.Lock()
	g.shut = true
	for _, c := range g.conns {
		c.Close()
	}
	g.mu.Unlock()
	g.work.Wait()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
