package rpc_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"go.uber.org/goleak"
	"google.golang.org/grpc/status"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/serve"
	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/pkg/sqldb/sqltest"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/job-status/internal/account"
	"filmgate.dev/services/job-status/internal/audit"
	"filmgate.dev/services/job-status/internal/guess"
	"filmgate.dev/services/job-status/internal/login"
	"filmgate.dev/services/job-status/internal/rpc"
	"filmgate.dev/services/job-status/internal/store"
	"filmgate.dev/services/job-status/internal/user"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	token = "the-token-of-services"
	right = "correct horse"
)

// gate is what edges ask, with a clock of its own.
type gate struct {
	t         *testing.T
	store     *watched
	passwords *login.Passwords
	rules     guess.Rules
	edge      jobsv1.EdgeServiceClient
	bans      jobsv1.BanServiceClient
	identity  jobsv1.IdentityServiceClient

	mu  sync.Mutex
	now time.Time
}

// watched lets something happen while a login is being checked.
type watched struct {
	*store.Store
	mu        sync.Mutex
	meanwhile func()
}

func (w *watched) UserBySFTPName(ctx context.Context, name string) (user.User, error) {
	w.mu.Lock()
	meanwhile := w.meanwhile
	w.mu.Unlock()
	if meanwhile != nil {
		meanwhile()
	}
	return w.Store.UserBySFTPName(ctx, name)
}

func (g *gate) clock() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.now
}

func (g *gate) pass(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now = g.now.Add(d)
}

// each runs suite on each kind of database, with the user anna, who has a password, and the user olaf, who is switched off
// and has the same one.
func each(t *testing.T, c guess.Config, suite func(t *testing.T, g *gate)) {
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, err := store.Open(t.Context(), db, "test")
		if err != nil {
			t.Fatal(err)
		}
		rules, err := guess.NewRules(c)
		if err != nil {
			t.Fatal(err)
		}
		g := &gate{t: t, store: &watched{Store: s}, passwords: login.NewPasswords(), rules: rules, now: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)}
		g.serve()
		hash, err := g.passwords.Hash(t.Context(), right)
		if err != nil {
			t.Fatal(err)
		}
		for _, slug := range []string{"demo", "berg"} {
			if _, err := s.CreateAccount(t.Context(), account.Account{Slug: slug, Name: slug}, audit.Actor{}); err != nil {
				t.Fatal(err)
			}
		}
		g.user("demo", "anna", user.UploadOnly, true, hash)
		g.user("demo", "olaf", user.UploadOnly, false, hash)
		g.user("berg", "ulli", user.Individual, true, hash)
		suite(t, g)
	})
}

func (g *gate) user(accountSlug, name string, role user.Role, active bool, hash string) {
	g.t.Helper()
	u := user.User{
		ID: ulid.Make().String(), Account: accountSlug, DisplayName: name, Role: role, Active: active, AllJobs: true,
		SFTP: user.SFTP{UserName: name, Enabled: true, Hash: hash},
	}
	if role != user.UploadOnly {
		u.Email, u.WebHash = name+"@example.org", hash
	}
	if _, err := g.store.CreateUser(g.t.Context(), u, nil, audit.Actor{}); err != nil {
		g.t.Fatal(err)
	}
}

func (g *gate) serve() {
	log := slog.New(slog.DiscardHandler)
	server := serve.NewGRPC(serve.GRPCConfig{Log: log})
	rpc.Register(server, rpc.Deps{
		Store: g.store, Passwords: g.passwords, Rules: g.rules, Tokens: []string{token}, SessionLifetime: time.Hour, Now: g.clock, Log: log,
	})
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		g.t.Fatal(err)
	}
	conn, err := serve.Dial(lis.Addr().String(), serve.DialConfig{})
	if err != nil {
		g.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- serve.GRPC(ctx, lis, server) }()
	g.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			g.t.Error(err)
		}
		conn.Close()
	})
	g.edge, g.bans, g.identity = jobsv1.NewEdgeServiceClient(conn), jobsv1.NewBanServiceClient(conn), jobsv1.NewIdentityServiceClient(conn)
}

func (g *gate) service() context.Context { return serve.WithBearer(g.t.Context(), token) }

// try logs in with a password. It answers how long a success is kept waiting, or the refusal.
func (g *gate) try(address, name, password string) (time.Duration, *jobsv1.Refusal) {
	g.t.Helper()
	answer, err := g.edge.Authenticate(g.service(), &jobsv1.AuthenticateRequest{
		UserName: name, Credential: &jobsv1.AuthenticateRequest_Password{Password: password}, ClientAddress: address + ":50000",
	})
	if err == nil {
		return answer.GetDelay().AsDuration(), nil
	}
	if !fault.IsUnauthenticated(fault.FromStatus(err)) || fault.Message(fault.FromStatus(err)) != "wrong user name, password or key" {
		g.t.Fatalf("%s from %s: %v", name, address, err)
	}
	for _, detail := range status.Convert(err).Details() {
		if refusal, ok := detail.(*jobsv1.Refusal); ok {
			return 0, refusal
		}
	}
	g.t.Fatalf("%s from %s: a refusal without orders: %v", name, address, err)
	return 0, nil
}

func (g *gate) refused(address, name, password string) *jobsv1.Refusal {
	g.t.Helper()
	_, refusal := g.try(address, name, password)
	if refusal == nil {
		g.t.Fatalf("%s came in from %s", name, address)
	}
	return refusal
}

func (g *gate) in(address, name string) time.Duration {
	g.t.Helper()
	wait, refusal := g.try(address, name, right)
	if refusal != nil {
		g.t.Fatalf("%s was refused from %s: %v", name, address, refusal)
	}
	return wait
}

// offer asks whether a key would do, or says that it has signed.
func (g *gate) offer(address, name string, signed bool) error {
	_, err := g.edge.Authenticate(g.service(), &jobsv1.AuthenticateRequest{
		UserName: name, Credential: &jobsv1.AuthenticateRequest_PublicKey{PublicKey: &jobsv1.PublicKeyCredential{Blob: []byte("key"), Signed: signed}},
		ClientAddress: address + ":50000",
	})
	return fault.FromStatus(err)
}

func (g *gate) standing(address, name string) guess.Standing {
	g.t.Helper()
	s, err := g.store.Standing(g.t.Context(), g.rules.Attempt(address, name), g.clock())
	if err != nil {
		g.t.Fatal(err)
	}
	return s
}

func TestAnAddressThatGuessesIsBanned(t *testing.T) {
	each(t, guess.Config{BanAfter: 5}, func(t *testing.T, g *gate) {
		const here, there = "203.0.113.9", "203.0.113.10"
		for n := range 5 {
			refusal := g.refused(here, fmt.Sprint("guess", n), "wrong")
			if banned := refusal.GetBannedUntil() != nil; banned != (n == 4) {
				t.Fatalf("failure %d: %v", n+1, refusal)
			}
		}
		until := g.clock().Add(15 * time.Minute)
		before := g.passwords.Checks()
		refusal := g.refused(here, "anna", right)
		if got := refusal.GetBannedUntil().AsTime(); !got.Equal(until) || refusal.GetDelay().AsDuration() < 500*time.Millisecond {
			t.Errorf("the right password from a banned address: %v", refusal)
		}
		if err := g.offer(here, "anna", false); !fault.IsUnauthenticated(err) {
			t.Errorf("a key from a banned address: %v", err)
		}
		if got := g.passwords.Checks(); got != before {
			t.Errorf("%d passwords of a banned address were checked", got-before)
		}
		if got := g.standing(here, "anna"); !got.Pair.IsZero() || !got.User.IsZero() {
			t.Errorf("what a banned address does is counted: %+v", got)
		}
		g.in(there, "anna") // nobody's account is locked

		g.pass(15 * time.Minute)
		g.in(here, "anna")
		for n := range 5 {
			refusal = g.refused(here, fmt.Sprint("again", n), "wrong")
		}
		if got := refusal.GetBannedUntil().AsTime(); !got.Equal(g.clock().Add(30 * time.Minute)) {
			t.Errorf("the second ban: %v", refusal)
		}
	})
}

// A stranger learns nothing from what is wrong, nor from the work that it takes.
func TestEveryRefusalIsTheSameWork(t *testing.T) {
	each(t, guess.Config{}, func(t *testing.T, g *gate) {
		for n, c := range []struct{ name, password string }{
			{"anna", "wrong"}, {"nobody", right}, {"olaf", right}, {"olaf", "wrong"}, {"", right}, {"anna\x00", right}, {"anna", ""},
		} {
			address := fmt.Sprint("203.0.113.", n)
			before := g.passwords.Checks()
			refusal := g.refused(address, c.name, c.password)
			if got := g.passwords.Checks() - before; got != 1 {
				t.Errorf("%q, %q: %d passwords were checked", c.name, c.password, got)
			}
			if d := refusal.GetDelay().AsDuration(); d < 500*time.Millisecond || d >= time.Second || refusal.GetBannedUntil() != nil {
				t.Errorf("%q, %q: %v", c.name, c.password, refusal)
			}
			once := g.clock().Add(g.rules.Forgive)
			if got := g.standing(address, c.name); !got.Address.Equal(once) || !got.Pair.Equal(once) || got.User.Before(once) {
				t.Errorf("%q, %q is counted as %+v", c.name, c.password, got)
			}
		}
	})
}

func TestTheNextAnswerTakesLonger(t *testing.T) {
	each(t, guess.Config{}, func(t *testing.T, g *gate) {
		const here = "203.0.113.9"
		for n, want := range []time.Duration{0, 0, 0, time.Second, 2 * time.Second} {
			if d := g.refused(here, "anna", "wrong").GetDelay().AsDuration(); d < want+500*time.Millisecond || d >= want+time.Second {
				t.Errorf("refusal %d is held back for %v", n+1, d)
			}
		}
		if wait := g.in(here, "anna"); wait != 4*time.Second {
			t.Errorf("the right password after five wrong ones waits %v", wait)
		}
		if wait := g.in(here, "anna"); wait != 0 {
			t.Errorf("a success does not forgive: %v", wait)
		}
	})
}

// Guessing from everywhere slows the guessers down, and nobody who has come in from the same address before.
func TestAUserUnderAttackIsNotLockedOut(t *testing.T) {
	each(t, guess.Config{}, func(t *testing.T, g *gate) {
		const home = "203.0.113.9"
		g.in(home, "anna")
		for n := range 15 {
			g.refused(fmt.Sprint("198.51.100.", n), "anna", "wrong")
			g.refused(fmt.Sprint("198.51.100.", n), "nobody", "wrong")
		}
		if wait := g.in(home, "anna"); wait != 0 {
			t.Errorf("at home anna waits %v", wait)
		}
		if wait := g.in("203.0.113.10", "anna"); wait != 8*time.Second {
			t.Errorf("elsewhere anna waits %v", wait)
		}
		if wait := g.in("203.0.113.10", "anna"); wait != 0 {
			t.Errorf("the second time anna waits %v", wait)
		}
		// Whether a name is somebody's shows in nothing.
		for _, name := range []string{"anna", "nobody"} {
			if d := g.refused("192.0.2.1", name, "wrong").GetDelay().AsDuration(); d < 8500*time.Millisecond || d >= 9*time.Second {
				t.Errorf("a stranger who guesses at %s waits %v", name, d)
			}
		}
	})
}

func TestOfferedKeysAreNotFailures(t *testing.T) {
	each(t, guess.Config{BanAfter: 3}, func(t *testing.T, g *gate) {
		const here = "203.0.113.9"
		for range 10 {
			if err := g.offer(here, "anna", false); !fault.IsUnauthenticated(err) {
				t.Fatal(err)
			}
		}
		if got := g.standing(here, "anna"); got != (guess.Standing{}) {
			t.Errorf("ten keys: %+v", got)
		}
		if wait := g.in(here, "anna"); wait != 0 {
			t.Errorf("the password after ten keys waits %v", wait)
		}
		before := g.standing(here, "anna")
		count := func() *jobsv1.Refusal {
			answer, err := g.edge.CountRefusedKeys(g.service(), &jobsv1.CountRefusedKeysRequest{UserName: "anna", ClientAddress: here + ":1", Keys: 10})
			if err != nil {
				t.Fatal(err)
			}
			return answer.GetRefusal()
		}
		if refusal := count(); refusal.GetBannedUntil() != nil {
			t.Errorf("one session of ten keys: %v", refusal)
		}
		if got := g.standing(here, "anna"); !got.Address.Equal(g.clock().Add(g.rules.Forgive)) || !got.LoggedIn.Equal(before.LoggedIn) {
			t.Errorf("one session of ten keys is counted as %+v", got)
		}
		if err := g.offer(here, "anna", true); !fault.IsUnauthenticated(err) { // a key that was removed meanwhile
			t.Fatal(err)
		}
		if refusal := count(); refusal.GetBannedUntil() == nil {
			t.Errorf("the third failure: %v", refusal)
		}
		if refusal := count(); refusal.GetBannedUntil() == nil {
			t.Errorf("while it is banned: %v", refusal)
		}
		if got := g.standing(here, "anna"); !got.Address.IsZero() {
			t.Errorf("keys of a banned address are counted: %+v", got)
		}
	})
}

// An answer that is being worked out when the ban falls tells nothing.
func TestAGuessUnderWayAtTheBan(t *testing.T) {
	each(t, guess.Config{}, func(t *testing.T, g *gate) {
		g.store.meanwhile = func() {
			if _, _, err := g.store.Ban(context.Background(), guess.Attempt{Network: "203.0.113.9", User: "x"}, g.clock(), g.rules.Length, audit.Actor{}); err != nil {
				t.Error(err)
			}
		}
		if refusal := g.refused("203.0.113.9", "anna", right); refusal.GetBannedUntil() == nil {
			t.Error("it was not told that the address is banned")
		}
	})
}

func TestOfficesAreNeverBanned(t *testing.T) {
	each(t, guess.Config{BanAfter: 2, NeverBanned: []string{"203.0.113.0/24"}}, func(t *testing.T, g *gate) {
		for n := range 10 {
			if refusal := g.refused("203.0.113.9", fmt.Sprint("guess", n), "wrong"); refusal.GetBannedUntil() != nil || refusal.GetDelay().AsDuration() >= time.Second {
				t.Fatalf("failure %d: %v", n+1, refusal)
			}
		}
		g.in("203.0.113.9", "anna")
	})
}

func TestBansAreSeenAndLifted(t *testing.T) {
	each(t, guess.Config{BanAfter: 2}, func(t *testing.T, g *gate) {
		hash, err := g.passwords.Hash(t.Context(), right)
		if err != nil {
			t.Fatal(err)
		}
		g.user("demo", "ada", user.Admin, true, hash)
		signIn := func(email string) context.Context {
			in, err := g.identity.SignIn(t.Context(), &jobsv1.SignInRequest{Email: email, Password: right})
			if err != nil {
				t.Fatal(err)
			}
			return serve.WithBearer(t.Context(), in.GetToken())
		}
		ada, ulli := signIn("ada@example.org"), signIn("ulli@example.org")
		for address, names := range map[string][]string{
			"203.0.113.9":         {"anna", "anna"},
			"[2001:db8:1:2::7]":   {"anna", "ulli"},
			"198.51.100.1":        {"ulli", "nobody"},
			"[2001:db8:1:3::123]": {"nobody", "anna"},
		} {
			for _, name := range names {
				g.refused(address, name, "wrong")
			}
		}
		for what, c := range map[string]struct {
			ctx  context.Context
			want string
		}{
			"the operator":     {g.service(), "[198.51.100.1 2001:db8:1:2::/64 2001:db8:1:3::/64 203.0.113.9]"},
			"an administrator": {ada, "[2001:db8:1:3::/64 203.0.113.9]"},
		} {
			answer, err := g.bans.ListBans(c.ctx, &jobsv1.ListBansRequest{})
			got := []string{}
			for _, b := range answer.GetBans() {
				got = append(got, b.GetNetwork())
			}
			if err != nil || fmt.Sprint(got) != c.want {
				t.Errorf("%s sees %v, %v; want %s", what, got, err, c.want)
			}
		}
		if _, err := g.bans.ListBans(ulli, &jobsv1.ListBansRequest{}); !fault.Is(fault.FromStatus(err), fault.Denied) {
			t.Errorf("somebody who is no administrator: %v", err)
		}
		if _, err := g.bans.ListBans(t.Context(), &jobsv1.ListBansRequest{}); !fault.IsUnauthenticated(fault.FromStatus(err)) {
			t.Errorf("a stranger: %v", err)
		}
		for network, kind := range map[string]fault.Kind{
			"198.51.100.1": fault.NotFound, "2001:db8:1:2::/64": fault.NotFound, "203.0.113.77": fault.NotFound, "everybody": fault.Invalid, "203.0.113.0/24": fault.Invalid,
		} {
			if _, err := g.bans.LiftBan(ada, &jobsv1.LiftBanRequest{Network: network}); !fault.Is(fault.FromStatus(err), kind) {
				t.Errorf("an administrator lifts %s: %v", network, err)
			}
		}
		if b, err := g.bans.LiftBan(ada, &jobsv1.LiftBanRequest{Network: "203.0.113.9"}); err != nil || b.GetTimes() != 1 || b.GetUserName() != "anna" || b.GetAccount() != "demo" {
			t.Errorf("lifted: %v, %v", b, err)
		}
		if wait := g.in("203.0.113.9", "anna"); wait != 0 {
			t.Errorf("after the lift anna waits %v", wait)
		}
		if _, err := g.bans.LiftBan(g.service(), &jobsv1.LiftBanRequest{Network: "2001:db8:1:2::99"}); err != nil { // any address of the network
			t.Error(err)
		}
	})
}
