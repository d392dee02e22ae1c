package natstest

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// link is the wire by which one server reaches another: the connections that the first one opened to the second.
type link struct {
	listener net.Listener
	work     sync.WaitGroup
	there    atomic.Int64 // nanoseconds that bytes take on the way there, and back
	back     atomic.Int64

	mu    sync.Mutex
	to    string        // where the second server listens
	known chan struct{} // closed once that is known
	down  bool
	conns map[net.Conn]struct{}
}

// links are the wires between all servers, by who opens connections to whom.
type links [Nodes][Nodes]*link

func (w *links) open(t testing.TB) {
	t.Helper()
	for i := range w {
		for j := range w[i] {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			l := &link{listener: listener, conns: map[net.Conn]struct{}{}, known: make(chan struct{})}
			w[i][j] = l
			l.work.Go(l.serve)
		}
	}
}

func (w *links) close() {
	w.all(func(l *link) {
		l.listener.Close()
		l.cut(true)
		l.mu.Lock()
		if l.to == "" {
			close(l.known)
		}
		l.mu.Unlock()
		l.work.Wait()
	})
}

func (w *links) all(f func(*link)) {
	for i := range w {
		for j := range w[i] {
			if w[i][j] != nil { // the test may have failed before
				f(w[i][j])
			}
		}
	}
}

func (w *links) addr(from, to int) string { return w[from][to].listener.Addr().String() }

// lead says where a server listens.
func (w *links) lead(to int, addr string) {
	for from := range w {
		l := w[from][to]
		l.mu.Lock()
		if l.to == "" {
			close(l.known)
		}
		l.to = addr
		l.mu.Unlock()
	}
}

func (w *links) cut(i int) {
	for j := range w {
		if i != j {
			w[i][j].cut(true)
			w[j][i].cut(true)
		}
	}
}

func (w *links) slow(from, to int, by time.Duration) {
	w[from][to].there.Store(int64(by))
	w[to][from].back.Store(int64(by))
}

func (w *links) heal() {
	w.all(func(l *link) {
		l.there.Store(0)
		l.back.Store(0)
		l.cut(false)
	})
}

func (l *link) cut(down bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = down
	if down {
		for conn := range l.conns {
			conn.Close()
		}
	}
}

func (l *link) serve() {
	for {
		in, err := l.listener.Accept()
		if err != nil {
			return
		}
		l.work.Go(func() { l.join(in) })
	}
}

// join leads a connection to the second server. Servers start one after another, so it may have to wait for that one.
func (l *link) join(in net.Conn) {
	<-l.known
	l.mu.Lock()
	to := l.to
	l.mu.Unlock()
	out, err := net.Dial("tcp", to)
	if err != nil || !l.add(in, out) {
		in.Close()
		return
	}
	l.work.Go(func() { l.carry(in, out, &l.there) })
	l.carry(out, in, &l.back)
}

// add registers a connection's two ends, unless the link was cut meanwhile.
func (l *link) add(in, out net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		out.Close()
		return false
	}
	l.conns[in], l.conns[out] = struct{}{}, struct{}{}
	return true
}

// piece is bytes on their way.
type piece struct {
	bytes []byte
	due   time.Time
}

// carry passes bytes on, each after the link's delay, in order.
func (l *link) carry(from, to net.Conn, delay *atomic.Int64) {
	way := make(chan piece, 4096)
	l.work.Go(func() {
		defer to.Close()
		for p := range way {
			time.Sleep(time.Until(p.due))
			if _, err := to.Write(p.bytes); err != nil {
				break
			}
		}
		for range way { // until the other side has closed
		}
	})
	defer close(way)
	defer func() {
		from.Close()
		l.mu.Lock()
		delete(l.conns, from)
		l.mu.Unlock()
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			way <- piece{append([]byte(nil), buffer[:n]...), time.Now().Add(time.Duration(delay.Load()))}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				to.Close()
			}
			return
		}
	}
}
