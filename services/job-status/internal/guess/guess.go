// Package guess decides how those who guess passwords are met: how long the next answer takes, and which address is banned.
//
// Only addresses are banned, never users: nobody may lock a photographer out by guessing at the photographer's door.
package guess

import (
	"net/netip"
	"strings"
	"time"

	"filmgate.dev/services/job-status/internal/text"
)

// Attempt is one try to come in.
type Attempt struct {
	Network string // from where, as Network answers it; empty = nobody knows
	Trusted bool   // never banned: nothing is counted against the address
	User    string // the user name, which may be nobody's
}

// Attempt makes one of what a client sent.
func (r Rules) Attempt(address, userName string) Attempt {
	a := Attempt{Network: Network(address), Trusted: r.trusts(address), User: strings.ToLower(text.Clip(userName))}
	if a.User == "" {
		a.User = "-" // nobody's, but a name
	}
	return a
}

// bitsIPv6 is the part of an IPv6 address that one customer has: the rest is theirs to choose.
const bitsIPv6 = 64

// Network answers what is counted as one address, of "host:port", an address or such a network: an IPv4 address, or the
// /64 of an IPv6 one. It is empty for anything else.
func Network(s string) string {
	addr := parse(s)
	if prefix, err := netip.ParsePrefix(s); err == nil && prefix.Bits() == bitsIPv6 && prefix.Addr().Is6() {
		addr = prefix.Addr()
	}
	switch {
	case !addr.IsValid():
		return ""
	case addr.Is4():
		return addr.String()
	default:
		return netip.PrefixFrom(addr, bitsIPv6).Masked().String()
	}
}

// parse reads "host:port" or an address; it is not valid for anything else.
func parse(s string) netip.Addr {
	addr, err := netip.ParseAddr(s)
	if err != nil {
		if port, err := netip.ParseAddrPort(s); err == nil {
			addr = port.Addr()
		}
	}
	return addr.Unmap().WithZone("")
}

// Standing is what was counted for an attempt before it.
type Standing struct {
	// When everything is forgiven that failed from this address, under this name, and both: every failure moves it on.
	Address, User, Pair time.Time
	// LoggedIn is when this user last logged in from this address; zero = never.
	LoggedIn time.Time
	// Banned is when the address's ban ends; zero = it has none.
	Banned time.Time
}

// Ban keeps an address out for a while.
type Ban struct {
	Network      string
	Since, Until time.Time
	Times        int    // 1 = the first one
	UserName     string // of the attempt that was one too many
	Account      string // whose users alone were tried; empty = none, or several
}
