package sftpd

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// giveUpAfter has the kernel end a connection whose peer acknowledges nothing for so long: a write deadline does not see
// what lies in the kernel's buffers.
func giveUpAfter(conn net.Conn, wait time.Duration) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { // a kernel without it: the keepalives remain
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(wait.Milliseconds()))
	})
}
