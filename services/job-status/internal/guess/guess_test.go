package guess

import (
	"strings"
	"testing"
	"time"

	"filmgate.dev/pkg/fault"
)

func TestNetwork(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"203.0.113.9:50022", "203.0.113.9"},
		{"203.0.113.9", "203.0.113.9"},
		{"[::ffff:203.0.113.9]:22", "203.0.113.9"}, // one client, however the listener spells it
		{"[2001:db8:1:2:3:4:5:6]:22", "2001:db8:1:2::/64"},
		{"2001:db8:1:2:ffff::", "2001:db8:1:2::/64"},
		{"2001:db8:1:2::/64", "2001:db8:1:2::/64"},
		{"[fe80::1%eth0]:22", "fe80::/64"},
		{"2001:db8::/32", ""}, // no ban is as wide
		{"203.0.113.0/24", ""},
		{"@", ""},
		{"", ""},
	} {
		if got := Network(c.in); got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
}

func TestAttempt(t *testing.T) {
	r := rules(t, Config{NeverBanned: []string{"198.51.100.0/24", "203.0.113.9", "2001:db8::/48"}})
	for address, want := range map[string]bool{
		"198.51.100.77:1": true, "203.0.113.9:1": true, "203.0.113.8:1": false, "[2001:db8:0:9::1]:1": true, "[2001:db8:1::1]:1": false,
		"[::ffff:198.51.100.1]:1": true, "": false,
	} {
		if got := r.Attempt(address, "anna").Trusted; got != want {
			t.Errorf("%q is trusted: %v", address, got)
		}
	}
	if got := r.Attempt("", ""); got != (Attempt{User: "-"}) {
		t.Errorf("of nothing: %+v", got)
	}
	if got := r.Attempt("", "ANNA\x00"+strings.Repeat("x", 10_000)).User; len(got) > 400 || !strings.HasPrefix(got, "anna�x") {
		t.Errorf("a stranger's name is kept as %q", got)
	}
}

func rules(t *testing.T, c Config) Rules {
	t.Helper()
	r, err := NewRules(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestBadSettingsAreRefusedInWords(t *testing.T) {
	for _, c := range []Config{
		{BanAfter: -1}, {Forgive: time.Millisecond}, {Ban: time.Hour, LongestBan: time.Minute}, {LongestBan: 9000 * time.Hour},
		{SlowestWait: time.Minute}, {NeverBanned: []string{"office"}}, {NeverBanned: []string{"198.51.100.0/33"}},
	} {
		if _, err := NewRules(c); !fault.Is(err, fault.Invalid) || !strings.Contains(fault.Message(err), "FILMGATE_LOGIN_") {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestWait(t *testing.T) {
	r, now := rules(t, Config{}), time.Unix(1_000_000, 0)
	after := func(failures int) time.Time { return now.Add(time.Duration(failures)*r.Forgive - time.Second) }
	seconds := func(n int) time.Duration { return time.Duration(n) * time.Second }
	for _, c := range []struct {
		what string
		s    Standing
		want time.Duration
	}{
		{"nothing", Standing{}, 0},
		{"two of the pair", Standing{Pair: after(2)}, 0},
		{"three", Standing{Pair: after(3)}, seconds(1)},
		{"five", Standing{Pair: after(5)}, seconds(4)},
		{"a hundred", Standing{Pair: after(100)}, seconds(8)},
		{"forgiven ones", Standing{Pair: now.Add(-time.Hour)}, 0},
		{"five of the address", Standing{Address: after(5)}, 0},
		{"six", Standing{Address: after(6)}, seconds(1)},
		{"ten of the user", Standing{User: after(10)}, 0},
		{"twelve", Standing{User: after(12)}, seconds(2)},
		{"many of the user, who has been here", Standing{User: after(40), LoggedIn: now.Add(-time.Hour)}, 0},
		{"many of the user, who has been here and mistypes", Standing{User: after(40), Pair: after(4), LoggedIn: now.Add(-time.Hour)}, seconds(2)},
	} {
		if got := r.Wait(c.s, now); got != c.want {
			t.Errorf("after %s: %v, want %v", c.what, got, c.want)
		}
		if got := r.RefusalWait(c.s, now); got < c.want+tarpit || got >= c.want+2*tarpit {
			t.Errorf("a refusal after %s: %v", c.what, got)
		}
	}
	if r.TooMany(Standing{Address: after(19)}, now) || !r.TooMany(Standing{Address: after(20)}, now) || r.TooMany(Standing{User: after(40), Pair: after(40)}, now) {
		t.Error("too many are not 20 from one address")
	}
}

func TestLength(t *testing.T) {
	r := rules(t, Config{})
	for times, want := range map[int]time.Duration{1: 15 * time.Minute, 2: 30 * time.Minute, 3: time.Hour, 7: 16 * time.Hour, 8: 24 * time.Hour, 1_000_000: 24 * time.Hour} {
		if got := r.Length(times); got != want {
			t.Errorf("ban %d: %v, want %v", times, got, want)
		}
	}
}
