package sftpd

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/pires/go-proxyproto"
)

// headerWithin is how long a load balancer has for its header. It sends it before anything else.
const headerWithin = 5 * time.Second

// headerBuffer holds a header of version 1 and a usual one of version 2.
const headerBuffer = 256

var (
	errElsewhere = errors.New("the connection does not come from a load balancer")
	errFamily    = errors.New("the header names no TCP address")
)

// Balancers are the networks of the load balancers that stand before the edge and say, in a PROXY protocol header, whom a
// connection comes from. With none of them, no header is believed.
type Balancers []netip.Prefix

// unwrap answers the connection as the client's. It may wait for a header, and reads nothing beyond it for good.
func (b Balancers) unwrap(raw net.Conn, until time.Time) (net.Conn, error) {
	if len(b) == 0 {
		return raw, nil
	}
	at, err := netip.ParseAddrPort(raw.RemoteAddr().String())
	if err != nil || !slices.ContainsFunc(b, func(p netip.Prefix) bool { return p.Contains(at.Addr().Unmap()) }) {
		return nil, errElsewhere
	}
	if within := time.Now().Add(headerWithin); within.Before(until) {
		until = within
	}
	if err := raw.SetReadDeadline(until); err != nil {
		return nil, err
	}
	reader := bufio.NewReaderSize(raw, headerBuffer)
	if _, err := reader.Peek(1); err != nil { // the library does not tell an end from a wrong beginning
		return nil, err
	}
	header, err := proxyproto.Read(reader)
	if err != nil {
		return nil, fmt.Errorf("reading the PROXY header: %w", err)
	}
	client := raw.RemoteAddr()
	switch source, ok := header.SourceAddr.(*net.TCPAddr); {
	case header.Command.IsLocal() || header.TransportProtocol.IsUnspec(): // the balancer itself, seeing whether we live
	case !ok:
		return nil, errFamily
	default:
		client = source
	}
	return &behind{Conn: raw, early: reader, client: client}, raw.SetReadDeadline(time.Time{})
}

// behind is a connection from a client behind a load balancer.
type behind struct {
	net.Conn
	early  *bufio.Reader // what came with the header; nil when it is read
	client net.Addr
}

// RemoteAddr answers the client's address.
func (b *behind) RemoteAddr() net.Addr { return b.client }

func (b *behind) Read(p []byte) (int, error) {
	if b.early == nil {
		return b.Conn.Read(p)
	}
	if b.early.Buffered() == 0 {
		b.early = nil
		return b.Conn.Read(p)
	}
	return b.early.Read(p)
}
