package store

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/services/job-status/internal/guess"
	"filmgate.dev/services/job-status/internal/page"
)

const step = time.Minute

// noon is when these stories begin, to the millisecond, as it is stored.
var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func (s *Store) standing(t *testing.T, a guess.Attempt, at time.Time) guess.Standing {
	t.Helper()
	standing, err := s.Standing(t.Context(), a, at)
	if err != nil {
		t.Fatal(err)
	}
	return standing
}

func (s *Store) fail(t *testing.T, a guess.Attempt, account string, at time.Time, times int) {
	t.Helper()
	for range times {
		if err := s.CountFailure(t.Context(), a, account, at, step, 10); err != nil {
			t.Fatal(err)
		}
	}
}

// after is when so many failures of this moment are forgiven.
func after(at time.Time, failures int) time.Time { return at.Add(time.Duration(failures) * step) }

func TestFailuresAreCountedByAddressUserAndPair(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		const here, there = "203.0.113.9", "2001:db8:1:2::/64"
		anna := guess.Attempt{Network: here, User: "anna"}
		s.fail(t, anna, "demo", noon, 2)
		s.fail(t, guess.Attempt{Network: here, User: "ben"}, "demo", noon, 1)
		s.fail(t, guess.Attempt{Network: there, User: "anna"}, "demo", noon, 3)
		for _, c := range []struct {
			a                   guess.Attempt
			address, user, pair int
		}{
			{anna, 3, 5, 2},
			{guess.Attempt{Network: here, User: "ben"}, 3, 1, 1},
			{guess.Attempt{Network: there, User: "anna"}, 3, 5, 3},
			{guess.Attempt{Network: there, User: "ben"}, 3, 1, 0},
			{guess.Attempt{Network: "198.51.100.1", User: "anna"}, 0, 5, 0},
			{guess.Attempt{User: "anna"}, 0, 5, 0}, // from where nobody knows
		} {
			want := func(n int) time.Time {
				if n == 0 {
					return time.Time{}
				}
				return after(noon, n)
			}
			if got := s.standing(t, c.a, noon); got != (guess.Standing{Address: want(c.address), User: want(c.user), Pair: want(c.pair)}) {
				t.Errorf("%+v: %+v", c.a, got)
			}
		}
		// One is forgiven every step; what is forgiven counts no more, and the next one is the first.
		s.fail(t, anna, "demo", noon.Add(step), 1)
		if got := s.standing(t, anna, noon.Add(step)).Pair; !got.Equal(after(noon, 3)) {
			t.Errorf("one more after a step: %v", got)
		}
		later := noon.Add(time.Hour)
		if got := s.standing(t, anna, later); got != (guess.Standing{}) {
			t.Errorf("after an hour: %+v", got)
		}
		s.fail(t, anna, "demo", later, 1)
		if got := s.standing(t, anna, later); got != (guess.Standing{Address: after(later, 1), User: after(later, 1), Pair: after(later, 1)}) {
			t.Errorf("the first again: %+v", got)
		}
		// An attack of any length is remembered as ten at most.
		s.fail(t, anna, "demo", later, 30)
		if got := s.standing(t, anna, later).User; !got.Equal(after(later, 10)) {
			t.Errorf("31 failures: %v", got)
		}
	})
}

func TestSuccessForgivesThePair(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		here := guess.Attempt{Network: "203.0.113.9", User: "anna"}
		s.fail(t, here, "demo", noon, 2)
		if err := s.LoggedIn(t.Context(), here, s.standing(t, here, noon), noon); err != nil {
			t.Fatal(err)
		}
		if got := s.standing(t, here, noon); got != (guess.Standing{Address: after(noon, 2), User: after(noon, 2), LoggedIn: noon}) {
			t.Errorf("after a login: %+v", got)
		}
		if got := s.standing(t, guess.Attempt{Network: "203.0.113.10", User: "anna"}, noon); !got.LoggedIn.IsZero() {
			t.Errorf("from next door: %+v", got)
		}
		// A second login of the day writes nothing; one of the next day does.
		for _, c := range []struct{ at, want time.Time }{{noon.Add(time.Hour), noon}, {noon.Add(25 * time.Hour), noon.Add(25 * time.Hour)}} {
			if err := s.LoggedIn(t.Context(), here, s.standing(t, here, c.at), c.at); err != nil {
				t.Fatal(err)
			}
			if got := s.standing(t, here, c.at).LoggedIn; !got.Equal(c.want) {
				t.Errorf("after a login at %v: %v", c.at, got)
			}
		}
		// Of many places the newest stay.
		for i := range maxPlaces + 5 {
			a := guess.Attempt{Network: fmt.Sprint("198.51.100.", i), User: "anna"}
			if err := s.LoggedIn(t.Context(), a, guess.Standing{}, noon.Add(48*time.Hour+time.Duration(i)*time.Second)); err != nil {
				t.Fatal(err)
			}
		}
		if n := s.count(t, `SELECT count(*) FROM login_places`); n != maxPlaces {
			t.Errorf("%d places are remembered", n)
		}
		if !s.standing(t, here, noon).LoggedIn.IsZero() {
			t.Error("the oldest place stayed")
		}
		if err := s.ForgetLogins(t.Context(), noon.Add(200*24*time.Hour), time.Hour); err != nil {
			t.Fatal(err)
		}
		if n := s.count(t, `SELECT count(*) FROM login_places`); n != 0 {
			t.Errorf("%d places are remembered for ever", n)
		}
	})
}

func TestTrustedAddresses(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		office := guess.Attempt{Network: "203.0.113.9", User: "anna", Trusted: true}
		s.fail(t, office, "demo", noon, 2)
		stranger := office
		stranger.Trusted = false
		if got := s.standing(t, stranger, noon); got != (guess.Standing{User: after(noon, 2), Pair: after(noon, 2)}) {
			t.Errorf("counted: %+v", got)
		}
		if _, _, err := s.Ban(t.Context(), stranger, noon, func(int) time.Duration { return time.Hour }, operator); err != nil {
			t.Fatal(err)
		}
		if got := s.standing(t, office, noon); !got.Banned.IsZero() {
			t.Errorf("an address that is trusted now is still banned: %+v", got)
		}
	})
}

func TestNoFailureIsLostAtOnce(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		const many = 40
		var wg sync.WaitGroup
		for i := range many {
			wg.Go(func() {
				a := guess.Attempt{Network: fmt.Sprint("203.0.113.", i%2), User: fmt.Sprint("user", i%4)}
				if err := s.CountFailure(t.Context(), a, "demo", noon, step, 1000); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for i := range 2 {
			if got := s.standing(t, guess.Attempt{Network: fmt.Sprint("203.0.113.", i)}, noon).Address; !got.Equal(after(noon, many/2)) {
				t.Errorf("address %d: %v", i, got)
			}
		}
	})
}

func TestWhatStrangersMakeIsBounded(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		s.maxFailures = 10
		heavy := guess.Attempt{Network: "203.0.113.9", User: "anna"}
		s.fail(t, heavy, "demo", noon, 5)
		for i := range 20 {
			s.fail(t, guess.Attempt{Network: fmt.Sprint("198.51.100.", i), User: fmt.Sprint("guess", i)}, "", noon.Add(time.Duration(i)*time.Second), 1)
		}
		if err := s.ForgetLogins(t.Context(), noon.Add(30*time.Second), time.Hour); err != nil {
			t.Fatal(err)
		}
		if n := s.count(t, `SELECT count(*) FROM login_failures`); n > 10 || n < 3 {
			t.Errorf("%d counters", n)
		}
		if got := s.standing(t, heavy, noon); !got.Address.Equal(after(noon, 5)) || !got.Pair.Equal(after(noon, 5)) {
			t.Errorf("the heaviest were forgotten first: %+v", got)
		}
		if err := s.ForgetLogins(t.Context(), noon.Add(time.Hour), time.Hour); err != nil {
			t.Fatal(err)
		}
		if n := s.count(t, `SELECT count(*) FROM login_failures`); n != 0 {
			t.Errorf("%d forgiven counters stay", n)
		}
	})
}

func TestBans(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		hours := func(times int) time.Duration { return time.Duration(times) * time.Hour }
		a := guess.Attempt{Network: "203.0.113.9", User: "anna"}
		s.fail(t, a, "demo", noon, 3)
		ban, made, err := s.Ban(ctx, a, noon, hours, Actor{UserName: "anna"})
		want := guess.Ban{Network: a.Network, Since: noon, Until: noon.Add(time.Hour), Times: 1, UserName: "anna", Account: "demo"}
		if err != nil || !made || ban != want {
			t.Fatalf("%+v, %v, %v", ban, made, err)
		}
		if got := s.standing(t, a, noon); !got.Banned.Equal(ban.Until) || !got.Address.IsZero() || !got.Pair.Equal(after(noon, 3)) {
			t.Errorf("standing: %+v", got)
		}
		if again, made, err := s.Ban(ctx, a, noon.Add(time.Minute), hours, operator); err != nil || made || again != want {
			t.Errorf("a second ban at once: %+v, %v, %v", again, made, err)
		}
		if n := s.count(t, `SELECT count(*) FROM audit WHERE action = 'address_banned' AND account = 'demo' AND client_address = $1`, a.Network); n != 1 {
			t.Errorf("%d lines in the audit", n)
		}

		// The next one is longer; one after a long peace is a first one again.
		second := noon.Add(2 * time.Hour)
		if got := s.standing(t, a, second); !got.Banned.IsZero() {
			t.Errorf("after its end: %+v", got)
		}
		ban, made, err = s.Ban(ctx, a, second, hours, operator)
		if err != nil || !made || ban.Times != 2 || !ban.Until.Equal(second.Add(2*time.Hour)) {
			t.Errorf("the second: %+v, %v, %v", ban, made, err)
		}
		peace := ban.Until.Add(24 * time.Hour)
		if err := s.ForgetLogins(ctx, peace, 24*time.Hour); err != nil {
			t.Fatal(err)
		}
		if ban, _, err = s.Ban(ctx, a, peace, hours, operator); err != nil || ban.Times != 1 {
			t.Errorf("after a long peace: %+v, %v", ban, err)
		}

		// Lists are of one account or of all.
		other := guess.Attempt{Network: "2001:db8:1:2::/64", User: "olga"}
		s.fail(t, other, "demo", peace, 1)
		s.fail(t, other, "", peace, 1) // nobody's name
		s.fail(t, other, "berg", peace, 1)
		if _, _, err := s.Ban(ctx, other, peace, hours, operator); err != nil {
			t.Fatal(err)
		}
		third := guess.Attempt{Network: "198.51.100.1", User: "xaver"}
		s.fail(t, third, "", peace, 1)
		s.fail(t, third, "berg", peace, 1)
		s.fail(t, third, "", peace, 1)
		if _, _, err := s.Ban(ctx, third, peace, hours, operator); err != nil {
			t.Fatal(err)
		}
		for account, want := range map[string]string{"": "[198.51.100.1 2001:db8:1:2::/64 203.0.113.9]", "demo": "[]", "berg": "[198.51.100.1]"} {
			list, err := s.Bans(ctx, account, peace, page.Page{Limit: 10})
			got := []string{}
			for _, b := range list {
				got = append(got, b.Network)
			}
			if err != nil || fmt.Sprint(got) != want {
				t.Errorf("of %q: %v, %v; want %v", account, got, err, want)
			}
		}
		if list, err := s.Bans(ctx, "", peace, page.Page{After: "198.51.100.1", Limit: 1}); err != nil || len(list) != 1 || list[0].Network != other.Network {
			t.Errorf("the second page: %v, %v", list, err)
		}

		// Lifting forgets what was counted from there, and nothing else.
		if _, err := s.LiftBan(ctx, "demo", third.Network, peace, operator); !fault.Is(err, fault.NotFound) {
			t.Errorf("lifted by another account: %v", err)
		}
		if lifted, err := s.LiftBan(ctx, "berg", third.Network, peace, operator); err != nil || lifted.UserName != "xaver" {
			t.Errorf("lifted: %+v, %v", lifted, err)
		}
		if got := s.standing(t, third, peace); got != (guess.Standing{User: after(peace, 3)}) {
			t.Errorf("after a lift: %+v", got)
		}
		if _, err := s.LiftBan(ctx, "", third.Network, peace, operator); !fault.Is(err, fault.NotFound) {
			t.Errorf("lifted twice: %v", err)
		}
		if n := s.count(t, `SELECT count(*) FROM audit WHERE action = 'ban_lifted' AND account = 'berg' AND client_address = $1`, third.Network); n != 1 {
			t.Errorf("%d lifts in the audit", n)
		}
	})
}

func TestOfManyBansAtOnceOneIsMade(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		var (
			wg   sync.WaitGroup
			mu   sync.Mutex
			made int
		)
		for range 8 {
			wg.Go(func() {
				_, ok, err := s.Ban(t.Context(), guess.Attempt{Network: "203.0.113.9", User: "anna"}, noon, func(int) time.Duration { return time.Hour }, operator)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				if ok {
					made++
				}
			})
		}
		wg.Wait()
		if made != 1 {
			t.Errorf("%d bans of one address at once", made)
		}
	})
}
