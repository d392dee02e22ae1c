package login

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"
)

func TestBans(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	b := newBans()
	b.now = func() time.Time { return now }
	b.add(netip.MustParseAddr("203.0.113.9"), now.Add(time.Hour))
	b.add(netip.MustParseAddr("2001:db8:1:2::7"), now.Add(time.Second))
	b.add(netip.Addr{}, now.Add(time.Hour))
	banned := func(s string) bool {
		t.Helper()
		return b.Banned(netip.MustParseAddr(s))
	}
	for s, want := range map[string]bool{
		"203.0.113.9": true, "::ffff:203.0.113.9": true, "203.0.113.10": false,
		"2001:db8:1:2:ffff::": true, "2001:db8:1:3::7": false, "fe80::1%eth0": false,
	} {
		if banned(s) != want {
			t.Errorf("%s is banned: %v", s, !want)
		}
	}
	if b.Banned(netip.Addr{}) {
		t.Error("somebody without an address is banned")
	}
	now = now.Add(time.Second)
	if banned("2001:db8:1:2::7") || !banned("203.0.113.9") {
		t.Error("a ban is believed until it ends")
	}
	now = now.Add(remembered - time.Second)
	if banned("203.0.113.9") {
		t.Error("a long ban is not asked about again")
	}
	// Many addresses are not many bytes.
	for n := range uint32(3 * maxBans) {
		var addr [4]byte
		binary.BigEndian.PutUint32(addr[:], n)
		b.add(netip.AddrFrom4(addr), now.Add(time.Hour))
	}
	if len(b.until) > maxBans {
		t.Errorf("%d bans are remembered", len(b.until))
	}
}

func TestAddress(t *testing.T) {
	for _, c := range []struct {
		peer net.Addr
		want string
	}{
		{&net.TCPAddr{IP: net.ParseIP("203.0.113.9"), Port: 22}, "203.0.113.9"},
		{&net.TCPAddr{IP: net.ParseIP("2001:db8::1"), Port: 22}, "2001:db8::1"},
		{&net.UnixAddr{Name: "@"}, "invalid IP"},
		{nil, "invalid IP"},
	} {
		if got := Address(c.peer).String(); got != c.want {
			t.Errorf("%v: %s", c.peer, got)
		}
	}
}
