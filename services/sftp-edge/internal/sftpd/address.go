package sftpd

import "net"

// address answers where the client is, without its port: it comes back from another one.
func (c *connection) address() string {
	host, _, err := net.SplitHostPort(c.ssh.RemoteAddr().String())
	if err != nil {
		return c.ssh.RemoteAddr().String()
	}
	return host
}
