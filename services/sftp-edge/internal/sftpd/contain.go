package sftpd

import (
	"fmt"
	"net"
	"runtime/debug"
	"sync"
)

// contain is deferred by whatever runs for one connection: a panic there ends that connection, and no other one (R36).
func (s *Server) contain(raw net.Conn, what string) {
	if r := recover(); r != nil {
		s.Log.Error("a connection panicked", "what", what, "client", raw.RemoteAddr().String(), "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
		raw.Close()
	}
}

// run runs f beside the connection, and waits for it in work.
func (c *connection) run(work *sync.WaitGroup, what string, f func()) {
	work.Go(func() {
		defer c.server.contain(c.raw, what)
		f()
	})
}
