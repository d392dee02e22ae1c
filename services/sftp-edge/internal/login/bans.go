package login

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	// remembered is how long a ban is believed without asking again: it may be lifted before it ends.
	remembered = 10 * time.Second
	maxBans    = 10_000
	// bitsIPv6 is what job-status takes for one address.
	bitsIPv6 = 64
)

// Bans remembers for moments which addresses job-status has banned, so that they can be turned away before the key
// exchange, which costs more than everything after it.
type Bans struct {
	now func() time.Time

	mu    sync.Mutex
	until map[netip.Prefix]time.Time
}

func newBans() *Bans { return &Bans{now: time.Now, until: make(map[netip.Prefix]time.Time)} }

// Banned reports whether the client at addr is to be turned away unheard.
func (b *Bans) Banned(addr netip.Addr) bool {
	network, ok := networkOf(addr)
	if !ok {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	until, known := b.until[network]
	if known && !b.now().Before(until) {
		delete(b.until, network)
		known = false
	}
	return known
}

// add remembers that the address is banned until a time, which may be far off.
func (b *Bans) add(addr netip.Addr, until time.Time) {
	network, ok := networkOf(addr)
	if !ok {
		return
	}
	now := b.now()
	if soon := now.Add(remembered); soon.Before(until) {
		until = soon
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.until) >= maxBans {
		b.makeRoom(now)
	}
	b.until[network] = until
}

// makeRoom forgets what is over, and any half if that is not enough: those are asked about once more.
func (b *Bans) makeRoom(now time.Time) {
	for network, until := range b.until {
		if !now.Before(until) {
			delete(b.until, network)
		}
	}
	for network := range b.until {
		if len(b.until) <= maxBans/2 {
			return
		}
		delete(b.until, network)
	}
}

func networkOf(addr netip.Addr) (netip.Prefix, bool) {
	addr = addr.Unmap().WithZone("")
	bits := addr.BitLen()
	if addr.Is6() {
		bits = bitsIPv6
	}
	network, err := addr.Prefix(bits)
	return network, err == nil && network.IsValid()
}

// Address answers the IP address of a connection's peer; not valid where it has none.
func Address(peer net.Addr) netip.Addr {
	if peer == nil {
		return netip.Addr{}
	}
	at, err := netip.ParseAddrPort(peer.String())
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap()
}
