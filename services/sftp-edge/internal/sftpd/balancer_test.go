package sftpd

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// at is a connection from an address.
type at struct {
	net.Conn
	address string
}

func (a at) RemoteAddr() net.Addr {
	address, err := net.ResolveTCPAddr("tcp", a.address)
	if err != nil {
		panic(err)
	}
	return address
}

// A balancer has five seconds for its header, and its client twenty for everything; who only connects is not counted.
func TestHeaderDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := serveInside(t, func(s *Server) { s.Balancers = Balancers{netip.MustParsePrefix("10.0.0.0/8")} })
		defer in.stop()
		lives := func(first string) time.Duration {
			begun := time.Now()
			ours, theirs := net.Pipe()
			in.lis.conns <- at{theirs, "10.1.2.3:4"}
			go ours.Write([]byte(first))
			buffer := make([]byte, 1024)
			for {
				if _, err := ours.Read(buffer); err != nil {
					return time.Since(begun)
				}
			}
		}
		between(t, "no header", lives(""), 5*time.Second, 6*time.Second)
		between(t, "half a signature", lives("PRO"), 5*time.Second, 6*time.Second)
		between(t, "a header and no more", lives("PROXY TCP4 203.0.113.1 10.0.0.1 5 22\r\n"), 20*time.Second, 21*time.Second)
		synctest.Wait()
		before := in.log.String()
		time.Sleep(time.Minute)
		ours, theirs := net.Pipe()
		in.lis.conns <- at{theirs, "10.1.2.3:4"}
		synctest.Wait()
		ours.Close()
		synctest.Wait()
		if log := in.log.String(); log != before || !strings.Contains(log, "proxy_header") {
			t.Errorf("the log says %s", strings.TrimPrefix(log, before))
		}
	})
}
