package sftpd

import (
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestNeighbourhood(t *testing.T) {
	for at, want := range map[string]string{
		"192.0.2.7:1234":             "192.0.2.7/32",
		"[::ffff:192.0.2.7]:1234":    "192.0.2.7/32",
		"[2001:db8:1:2:3:4:5:6]:22":  "2001:db8:1:2::/64",
		"[2001:db8:1:2:ffff::1]:999": "2001:db8:1:2::/64",
	} {
		address, err := net.ResolveTCPAddr("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		if got := neighbourhood(address); got != netip.MustParsePrefix(want) {
			t.Errorf("%s: %s", at, got)
		}
	}
	link, err := net.ResolveTCPAddr("tcp", "[fe80::1%lo]:22")
	if err != nil {
		t.Fatal(err)
	}
	if got := neighbourhood(link); got != netip.MustParsePrefix("fe80::/64") {
		t.Error(got)
	}
}

func TestCrowd(t *testing.T) {
	home, away := netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("192.0.2.2/32")
	c := newCrowd(Config{MaxConnections: 6, MaxPerAddress: 4, MaxUnauthenticatedPerAddress: 2, Startups: Startups{5, 100, 5}})
	enter := func(from netip.Prefix, want string) *visitor {
		t.Helper()
		v, why := c.enter()
		if why == "" {
			if why = v.comes(from); why != "" {
				v.leave()
			}
		}
		if why != want {
			t.Fatalf("%q instead of %q", why, want)
		}
		return v
	}
	one, two := enter(home, ""), enter(home, "")
	enter(home, reasonSameStrangers)
	enter(away, "").leave()
	one.known()
	two.known()
	three, four := enter(home, ""), enter(home, "")
	three.known()
	four.known()
	enter(home, reasonAddress)
	five, six := enter(away, ""), enter(away, "")
	enter(away, reasonFull)
	if all, strangers := c.size(); all != 6 || strangers != 2 {
		t.Error(all, strangers)
	}
	for _, v := range []*visitor{one, two, three, four, five, six} {
		v.leave()
	}
	if all, strangers := c.size(); all != 0 || strangers != 0 || len(c.from) != 0 {
		t.Error(all, strangers, c.from)
	}
}

// As OpenSSH: none is turned away below start, rate percent at start, all at full, and evenly more between them.
func TestEarlyDrop(t *testing.T) {
	c := newCrowd(Config{MaxConnections: 1000, Startups: Startups{10, 30, 100}})
	turnedAway := func(strangers int) (percent int) {
		c.strangers = strangers
		for dice := range 100 {
			c.chance = func() int { return dice }
			if v, why := c.enter(); why != "" {
				percent++
			} else {
				v.leave()
			}
		}
		return percent
	}
	for strangers, want := range map[int]int{0: 0, 9: 0, 10: 30, 55: 65, 99: 99, 100: 100, 500: 100} {
		if got := turnedAway(strangers); got != want {
			t.Errorf("with %d strangers %d%% are turned away, not %d%%", strangers, got, want)
		}
	}
}

// A flood of refusals is counted, and is a few lines in the log.
func TestTallyTellsNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log lines
		tally := newTally(slog.New(slog.NewTextHandler(&log, nil)))
		for range 1000 {
			tally.add(reasonFull, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)})
			time.Sleep(25 * time.Millisecond)
		}
		if n := strings.Count(log.String(), "\n"); n != 3 || !strings.Contains(log.String(), "connections:400") {
			t.Errorf("%d lines: %s", n, log.String())
		}
	})
}
