package watch_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/services/job-status/internal/access"
	"filmgate.dev/services/job-status/internal/job"
	"filmgate.dev/services/job-status/internal/user"
	"filmgate.dev/services/job-status/internal/watch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a database that can go away.
type memory struct {
	mu   sync.Mutex
	away bool
	view access.View
}

var errAway = fault.New(fault.Unavailable, "the database cannot be reached")

func (m *memory) set(change func(*memory)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(m)
}

func (m *memory) Revisions(context.Context, []string) (map[string]int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.away {
		return nil, errAway
	}
	return map[string]int64{m.view.User.Account: m.view.Revision}, nil
}

func (m *memory) View(context.Context, string) (access.View, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.away {
		return access.View{}, errAway
	}
	return m.view, nil
}

func (m *memory) Gone(_ context.Context, u user.User, ids []string) ([]access.Access, error) {
	return []access.Access{{Job: job.Job{ID: ids[0]}, Reason: "gone"}}, nil
}

// heard is a sink that hands on in words.
type heard chan string

func (h heard) Snapshot(access.View) error { h <- "snapshot"; return nil }
func (h heard) Change([]access.Access, int64) error {
	h <- "change"
	return nil
}

func (h heard) Heartbeat(_ int64, frozen bool) error {
	if frozen {
		h <- "frozen"
	} else {
		h <- "beat"
	}
	return nil
}
func (h heard) Ended(reason string) error { h <- "ended: " + reason; return nil }

// until waits for what is said, and answers what was said before it.
func (h heard) until(t *testing.T, want string) (before []string) {
	t.Helper()
	timeout := time.After(30 * time.Second)
	for {
		select {
		case said := <-h:
			if said == want {
				return before
			}
			before = append(before, said)
		case <-timeout:
			t.Fatalf("never said %q, but %q", want, before)
		}
	}
}

func visible(id string) access.Access {
	return access.Access{Job: job.Job{ID: id, InternalName: id}, Visible: true, Writable: true}
}

func start(t *testing.T, m *memory) (heard, *watch.Hub, func() (hub, stream error)) {
	t.Helper()
	hub := watch.NewHub(m, slog.New(slog.DiscardHandler), watch.Config{Poll: time.Millisecond, Heartbeat: time.Millisecond})
	ctx, stop := context.WithCancel(t.Context())
	ran, watched := make(chan error, 1), make(chan error, 1)
	said := make(heard, 100_000) // never full: nothing waits for the test
	go func() { ran <- hub.Run(ctx) }()
	go func() { watched <- hub.Watch(context.WithoutCancel(ctx), "u1", 1, said) }()
	return said, hub, func() (error, error) {
		stop()
		return <-ran, <-watched
	}
}

func one() *memory {
	u := user.User{ID: "u1", Account: "demo", Active: true, SFTP: user.SFTP{UserName: "anna", Enabled: true}, CredentialsRevision: 1}
	return &memory{view: access.View{User: u, Revision: 1, Jobs: []access.Access{visible("j1")}}}
}

func TestTheWatchGoesOnFrozenWhileTheDatabaseIsAway(t *testing.T) {
	m := one()
	said, _, stop := start(t, m)
	said.until(t, "snapshot")
	said.until(t, "beat")
	m.set(func(m *memory) { m.away = true })
	said.until(t, "frozen")
	// Changed while it was away: said when it is back.
	m.set(func(m *memory) { m.view.Revision, m.view.Jobs = 2, []access.Access{visible("j1"), visible("j2")} })
	said.until(t, "frozen")
	m.set(func(m *memory) { m.away = false })
	for _, s := range said.until(t, "change") {
		if s != "frozen" && s != "beat" {
			t.Errorf("said %q", s)
		}
	}
	said.until(t, "beat")
	m.set(func(m *memory) { m.view.Revision, m.view.User.Active = 3, false })
	said.until(t, "ended: this user was switched off; ask your studio")
	if _, err := stop(); err != nil {
		t.Errorf("the stream ended with %v", err)
	}
}

func TestAHubThatStopsEndsItsStreams(t *testing.T) {
	said, _, stop := start(t, one())
	said.until(t, "snapshot")
	hub, stream := stop()
	if hub != nil || !fault.Is(stream, fault.Unavailable) {
		t.Errorf("the hub ended with %v, the stream with %v", hub, stream)
	}
}

func TestASinkThatFailsEndsItsStream(t *testing.T) {
	hub := watch.NewHub(one(), slog.New(slog.DiscardHandler), watch.Config{})
	broken := errors.New("broken pipe")
	if err := hub.Watch(t.Context(), "u1", 1, deaf{broken}); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

type deaf struct{ err error }

func (d deaf) Snapshot(access.View) error          { return d.err }
func (d deaf) Change([]access.Access, int64) error { return d.err }
func (d deaf) Heartbeat(int64, bool) error         { return d.err }
func (d deaf) Ended(string) error                  { return d.err }
