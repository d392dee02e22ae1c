package sftpd

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
)

// Startups limits the connections that have not logged in yet, as OpenSSH's MaxStartups does: below Start all are taken,
// from there on Rate percent are turned away and ever more of them, and from Full on all.
type Startups struct{ Start, Rate, Full int }

// Why a connection is turned away before it has logged in. The client is not told: these are labels of a metric.
const (
	reasonFull          = "connections"
	reasonAddress       = "connections_of_address"
	reasonStrangers     = "unauthenticated"
	reasonFewStrangers  = "unauthenticated_early"
	reasonSameStrangers = "unauthenticated_of_address"
	reasonHeader        = "proxy_header"
	reasonElsewhere     = "not_from_balancer"
	reasonAlgorithms    = "no_common_algorithm"
	reasonBanned        = "banned"
	reasonUser          = "connections_of_user"
)

// crowd counts who is here, so that neither everybody together nor one address takes all the room.
type crowd struct {
	max, maxAddress, maxStrangers int // maxStrangers is of one address
	startups                      Startups
	chance                        func() int // 0 to 99

	mu        sync.Mutex
	all       int
	strangers int
	from      map[netip.Prefix]*neighbours
}

// neighbours are the connections from one address.
type neighbours struct{ all, strangers int }

func newCrowd(c Config) *crowd {
	return &crowd{
		max: c.MaxConnections, maxAddress: c.MaxPerAddress, maxStrangers: c.MaxUnauthenticatedPerAddress, startups: c.Startups,
		chance: func() int { return rand.IntN(100) }, from: make(map[netip.Prefix]*neighbours),
	}
}

// visitor is one connection in the crowd. Its methods are called one after another.
type visitor struct {
	crowd    *crowd
	from     netip.Prefix
	placed   bool // its address is counted
	stranger bool
}

// enter counts a connection in, or says why not. Where it comes from may not be known yet.
func (c *crowd) enter() (*visitor, string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.all >= c.max:
		return nil, reasonFull
	case c.strangers >= c.startups.Full:
		return nil, reasonStrangers
	case c.early():
		return nil, reasonFewStrangers
	}
	c.all++
	c.strangers++
	return &visitor{crowd: c, stranger: true}, ""
}

// early throws the dice.
func (c *crowd) early() bool {
	s := c.startups
	if c.strangers < s.Start || s.Full <= s.Start {
		return false
	}
	percent := s.Rate + (100-s.Rate)*(c.strangers-s.Start)/(s.Full-s.Start)
	return c.chance() < percent
}

// comes counts the visitor to its address, or says why it must go.
func (v *visitor) comes(from netip.Prefix) string {
	c := v.crowd
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.from[from]
	if n == nil {
		n = &neighbours{}
		c.from[from] = n
	}
	switch {
	case n.all >= c.maxAddress:
		return reasonAddress
	case n.strangers >= c.maxStrangers:
		return reasonSameStrangers
	}
	n.all++
	n.strangers++
	v.from, v.placed = from, true
	return ""
}

// known says that the visitor has logged in, or will not.
func (v *visitor) known() {
	c := v.crowd
	c.mu.Lock()
	defer c.mu.Unlock()
	if !v.stranger {
		return
	}
	v.stranger = false
	c.strangers--
	if v.placed {
		c.from[v.from].strangers--
	}
}

// leave counts the visitor out.
func (v *visitor) leave() {
	v.known()
	c := v.crowd
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all--
	if !v.placed {
		return
	}
	n := c.from[v.from]
	n.all--
	if n.all == 0 {
		delete(c.from, v.from)
	}
}

// size answers how many connections there are, and how many of them have not logged in.
func (c *crowd) size() (all, strangers int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all, c.strangers
}

// neighbourhood is what counts as one address: an IPv4 address, or the /64 that one IPv6 customer has at least.
func neighbourhood(at net.Addr) netip.Prefix {
	port, err := netip.ParseAddrPort(at.String())
	if err != nil { // a pipe or a Unix socket: all of them together
		return netip.Prefix{}
	}
	address := port.Addr().Unmap().WithZone("")
	bits := 64
	if address.Is4() {
		bits = 32
	}
	prefix, _ := address.Prefix(bits) // these bits are always possible
	return prefix
}
