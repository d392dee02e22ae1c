package sftpd

import (
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestKernelGivesUp(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	conn, err := net.Dial("tcp", lis.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	giveUpAfter(conn, 2*time.Minute)
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) {
		if got, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT); err != nil || got != 120_000 {
			t.Error(got, err)
		}
	}); err != nil {
		t.Error(err)
	}
	ours, theirs := net.Pipe() // and what is no TCP is left alone
	giveUpAfter(ours, time.Minute)
	ours.Close()
	theirs.Close()
}
