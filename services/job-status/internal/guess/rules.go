package guess

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"filmgate.dev/pkg/fault"
)

// Config is what an operator may set about guessing. A zero field means its default.
type Config struct {
	BanAfter    int           `env:"FILMGATE_LOGIN_BAN_AFTER" default:"20" help:"so many failed SFTP logins from one address ban it; one is forgiven every FILMGATE_LOGIN_FORGIVE"`
	Forgive     time.Duration `env:"FILMGATE_LOGIN_FORGIVE" default:"3m" help:"one failed SFTP login of an address, of a user name and of both together is forgiven every so long"`
	Ban         time.Duration `env:"FILMGATE_LOGIN_BAN" default:"15m" help:"how long the first ban of an address lasts; each further one lasts twice as long"`
	LongestBan  time.Duration `env:"FILMGATE_LOGIN_LONGEST_BAN" default:"24h" help:"how long a ban can become, and how long an address must be good for its next ban to be a first one"`
	SlowestWait time.Duration `env:"FILMGATE_LOGIN_SLOWEST" default:"8s" help:"how long an answer to a password can be held back; edges give a login 20 s in all"`
	NeverBanned []string      `env:"FILMGATE_LOGIN_NEVER_BANNED" help:"addresses and networks that are never banned, such as those of offices, or of a balancer that hides who connects: 203.0.113.9,198.51.100.0/24,2001:db8::/48"`
}

// Rules are checked settings.
type Rules struct {
	Config
	never []netip.Prefix
}

// How many failures make no answer slower: people mistype.
const (
	freePair = 2
	freeUser = 10
	// freeAddress is this part of what bans.
	freeAddress = 4
)

// tarpit is the least that a refusal is held back; up to as much again comes on top by chance.
const tarpit = 500 * time.Millisecond

// NewRules checks settings.
func NewRules(c Config) (Rules, error) {
	fill(&c.BanAfter, 20)
	fill(&c.Forgive, 3*time.Minute)
	fill(&c.Ban, 15*time.Minute)
	fill(&c.LongestBan, 24*time.Hour)
	fill(&c.SlowestWait, 8*time.Second)
	r := Rules{Config: c}
	switch {
	case c.BanAfter < 1 || c.BanAfter > 10_000:
		return r, fault.New(fault.Invalid, "FILMGATE_LOGIN_BAN_AFTER must be from 1 to 10000")
	case c.Forgive < time.Second || c.Forgive > 24*time.Hour:
		return r, fault.New(fault.Invalid, "FILMGATE_LOGIN_FORGIVE must be from 1s to 24h")
	case c.Ban < time.Second || c.LongestBan < c.Ban || c.LongestBan > 366*24*time.Hour:
		return r, fault.New(fault.Invalid, "FILMGATE_LOGIN_BAN must be at least 1s, and FILMGATE_LOGIN_LONGEST_BAN between it and a year")
	case c.SlowestWait < 0 || c.SlowestWait > 15*time.Second:
		return r, fault.New(fault.Invalid, "FILMGATE_LOGIN_SLOWEST must be at most 15s: an edge gives a login 20 s in all")
	}
	for _, s := range c.NeverBanned {
		prefix, err := netip.ParsePrefix(s)
		if err != nil {
			addr, addrErr := netip.ParseAddr(s)
			if addrErr != nil {
				return r, fault.New(fault.Invalid, "FILMGATE_LOGIN_NEVER_BANNED: %q is neither an address nor a network such as 198.51.100.0/24", s)
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		r.never = append(r.never, prefix.Masked())
	}
	return r, nil
}

func fill[T comparable](field *T, fallback T) {
	var zero T
	if *field == zero {
		*field = fallback
	}
}

// trusts reports whether the client's address is one that is never banned.
func (r Rules) trusts(address string) bool {
	addr := parse(address)
	return slices.ContainsFunc(r.never, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// Most is how many failures are remembered of anything at most, so that the end of an attack is soon the end of its effect.
func (r Rules) Most() int { return 2 * r.BanAfter }

// failures answers how many are not forgiven yet.
func (r Rules) failures(forgiven, now time.Time) int {
	left := forgiven.Sub(now)
	if left <= 0 {
		return 0
	}
	return int((left + r.Forgive - 1) / r.Forgive)
}

// TooMany reports whether so much failed from the address that it has to be banned.
func (r Rules) TooMany(s Standing, now time.Time) bool {
	return r.failures(s.Address, now) >= r.BanAfter
}

// Wait answers how long the answer to a password is held back, whatever it is, for what failed before it. What others
// did to a user's name slows nobody down who has logged in as that user from the same address before.
func (r Rules) Wait(s Standing, now time.Time) time.Duration {
	over := max(r.failures(s.Pair, now)-freePair, r.failures(s.Address, now)-max(1, r.BanAfter/freeAddress))
	if s.LoggedIn.IsZero() {
		over = max(over, r.failures(s.User, now)-freeUser)
	}
	if over <= 0 {
		return 0
	}
	return min(time.Second<<min(over-1, 10), r.SlowestWait)
}

// RefusalWait answers how long a refusal is held back.
func (r Rules) RefusalWait(s Standing, now time.Time) time.Duration {
	return r.Wait(s, now) + tarpit + rand.N(tarpit)
}

// Length answers how long the nth ban of an address lasts.
func (r Rules) Length(times int) time.Duration {
	length := r.Ban
	for range min(times-1, 60) {
		if length >= r.LongestBan/2 {
			return r.LongestBan
		}
		length *= 2
	}
	return min(length, r.LongestBan)
}
