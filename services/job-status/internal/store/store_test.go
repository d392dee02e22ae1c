package store

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"go.uber.org/goleak"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/pkg/sqldb/sqltest"
	"filmgate.dev/services/job-status/internal/account"
	"filmgate.dev/services/job-status/internal/job"
	"filmgate.dev/services/job-status/internal/page"
	"filmgate.dev/services/job-status/internal/user"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var operator = Actor{UserName: "operator"}

// both runs suite on a store with the account demo, on each kind of database.
func both(t *testing.T, suite func(t *testing.T, s *Store)) {
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, err := Open(t.Context(), db, "test")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.CreateAccount(t.Context(), account.Account{Slug: "demo", Name: "Demo"}, operator); err != nil {
			t.Fatal(err)
		}
		suite(t, s)
	})
}

func newJob(t *testing.T, name string) job.Job {
	t.Helper()
	j, err := job.New(ulid.Make().String(), "demo", name, "", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func (s *Store) revision(t *testing.T) int64 {
	t.Helper()
	revisions, err := s.Revisions(t.Context(), []string{"demo", "nowhere"})
	if err != nil || len(revisions) != 1 {
		t.Fatalf("%v, %v", revisions, err)
	}
	return revisions["demo"]
}

func (s *Store) count(t *testing.T, query string, args ...any) (n int) {
	t.Helper()
	if err := s.db.QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAChangeIsOneTransaction(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		before := s.revision(t)
		j, err := s.CreateJob(t.Context(), newJob(t, "JOB00001"), operator)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.revision(t); got != before+1 {
			t.Errorf("revision %d after %d", got, before)
		}
		if s.count(t, `SELECT count(*) FROM outbox`) != 1 || s.count(t, `SELECT count(*) FROM audit WHERE job_id = $1`, j.ID) != 1 {
			t.Error("the event or the line in the audit is missing")
		}
		// One that is refused leaves nothing behind.
		no := errors.New("no")
		if _, err := s.ChangeJob(t.Context(), "demo", j.ID, 0, operator, func(j *job.Job) error { j.Locked = true; return no }); !errors.Is(err, no) {
			t.Errorf("got %v", err)
		}
		if _, err := s.CreateJob(t.Context(), newJob(t, "job00001"), operator); !fault.Is(err, fault.Exists) {
			t.Errorf("a second one: %v", err)
		}
		if _, err := s.CreateJob(t.Context(), job.Job{ID: "x", Account: "nowhere", InternalName: "A", Name: "A"}, operator); !fault.Is(err, fault.NotFound) {
			t.Errorf("in no account: %v", err)
		}
		if got := s.revision(t); got != before+1 || s.count(t, `SELECT count(*) FROM outbox`) != 1 {
			t.Errorf("revision %d after %d, %d events", got, before, s.count(t, `SELECT count(*) FROM outbox`))
		}
	})
}

func TestOfManyAtOnceOneWins(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		const many = 8
		var (
			wg            sync.WaitGroup
			mu            sync.Mutex
			made, changed int
		)
		for range many {
			wg.Go(func() {
				_, err := s.CreateJob(t.Context(), newJob(t, "JOB00001"), operator)
				if err != nil && !fault.Is(err, fault.Exists) {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					made++
				}
			})
		}
		wg.Wait()
		if made != 1 {
			t.Fatalf("%d jobs of one name", made)
		}
		j, err := s.JobNamed(t.Context(), "demo", "JOB00001")
		if err != nil {
			t.Fatal(err)
		}
		for n := range many {
			wg.Go(func() {
				_, err := s.ChangeJob(t.Context(), "demo", j.ID, 1, operator, func(j *job.Job) error { j.Name = fmt.Sprint(n); return nil })
				if err != nil && !fault.Is(err, fault.Conflict) {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					changed++
				}
			})
		}
		wg.Wait()
		if changed != 1 {
			t.Errorf("%d changes of one revision", changed)
		}
	})
}

func TestSessions(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		at := time.Now()
		s.now = func() time.Time { return at }
		u, err := s.CreateUser(t.Context(), user.User{ID: ulid.Make().String(), Account: "demo", Email: "a@example.com", DisplayName: "A", Role: user.Admin, Active: true}, nil, operator)
		if err != nil {
			t.Fatal(err)
		}
		for n := range maxSessions + 5 {
			at = at.Add(time.Millisecond)
			if _, err := s.AddSession(t.Context(), fmt.Sprint("hash", n), u.ID, time.Hour); err != nil {
				t.Fatal(err)
			}
		}
		if n := s.count(t, `SELECT count(*) FROM sessions`); n != maxSessions {
			t.Errorf("%d sessions of one user, want %d", n, maxSessions)
		}
		if _, err := s.SessionUser(t.Context(), "hash0"); !fault.Is(err, fault.NotFound) {
			t.Errorf("the oldest: %v", err)
		}
		if got, err := s.SessionUser(t.Context(), "hash24"); err != nil || got.ID != u.ID {
			t.Errorf("the newest: %v, %v", got, err)
		}
		at = at.Add(time.Hour)
		if _, err := s.SessionUser(t.Context(), "hash24"); !fault.Is(err, fault.NotFound) {
			t.Errorf("an expired one: %v", err)
		}
		if err := s.Forget(t.Context(), at.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if n := s.count(t, `SELECT (SELECT count(*) FROM sessions) + (SELECT count(*) FROM audit)`); n != 0 {
			t.Errorf("%d lines remembered", n)
		}
	})
}

func TestCredentialsRevision(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		u, err := s.CreateUser(t.Context(), user.User{ID: ulid.Make().String(), Account: "demo", DisplayName: "A", Role: user.UploadOnly, Active: true,
			SFTP: user.SFTP{UserName: "anna", Enabled: true, Hash: "h"}}, nil, operator)
		if err != nil {
			t.Fatal(err)
		}
		key := user.Key{Fingerprint: "SHA256:x", Blob: []byte{1}, AddedAt: time.Now()}
		for _, c := range []struct {
			what   string
			change func(*user.User)
			ends   bool
		}{
			{"a name", func(u *user.User) { u.DisplayName = "B" }, false},
			{"all jobs", func(u *user.User) { u.AllJobs = true }, false},
			{"a key added", func(u *user.User) { u.SFTP.Keys = append(u.SFTP.Keys, key) }, false},
			{"a key removed", func(u *user.User) { u.SFTP.Keys = nil }, true},
			{"a password", func(u *user.User) { u.SFTP.Hash = "i" }, true},
			{"a user name", func(u *user.User) { u.SFTP.UserName = "anne" }, true},
			{"a right", func(u *user.User) { u.Rights = []user.Right{user.Download} }, true},
			{"the web password", func(u *user.User) { u.WebHash = "w" }, false},
			{"the switch of SFTP", func(u *user.User) { u.SFTP.Enabled = false }, true},
			{"the switch of the user", func(u *user.User) { u.Active = false }, true},
		} {
			before := s.revision(t)
			after, err := s.ChangeUser(t.Context(), "demo", u.ID, u.Revision, "changed", operator, func(u *user.User) error { c.change(u); return nil })
			if err != nil {
				t.Fatal(c.what, err)
			}
			if got := after.CredentialsRevision != u.CredentialsRevision; got != c.ends {
				t.Errorf("%s: ends connections: %v, want %v", c.what, got, c.ends)
			}
			if s.revision(t) != before+1 {
				t.Errorf("%s: watchers are not told", c.what)
			}
			stored, err := s.User(t.Context(), "demo", u.ID)
			if err != nil || fmt.Sprintf("%+v", stored.SFTP.Keys) == "" || stored.Revision != after.Revision || stored.SFTP.UserName != after.SFTP.UserName ||
				len(stored.SFTP.Keys) != len(after.SFTP.Keys) || stored.CredentialsRevision != after.CredentialsRevision {
				t.Errorf("%s: stored %+v, want %+v (%v)", c.what, stored, after, err)
			}
			u = after
		}
	})
}

func TestGoneSaysWhy(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		u, err := s.CreateUser(ctx, user.User{ID: ulid.Make().String(), Account: "demo", DisplayName: "A", Role: user.UploadOnly, Active: true,
			SFTP: user.SFTP{UserName: "anna", Enabled: true}}, nil, operator)
		if err != nil {
			t.Fatal(err)
		}
		ids := make([]string, 450) // more than two chunks of a query
		for i := range ids {
			j := newJob(t, fmt.Sprintf("JOB%05d", i))
			j.Assignees = []string{u.ID}
			if i%3 == 0 {
				j.Assignees = nil
			}
			if _, err := s.CreateJob(ctx, j, operator); err != nil {
				t.Fatal(err)
			}
			ids[i] = j.ID
		}
		view, err := s.View(ctx, u.ID)
		if err != nil || len(view.Jobs) != 300 || view.Revision != s.revision(t) {
			t.Fatalf("%d jobs at %d, %v", len(view.Jobs), view.Revision, err)
		}
		list, err := s.Gone(ctx, u, ids)
		if err != nil || len(list) != len(ids) {
			t.Fatalf("%d of %d, %v", len(list), len(ids), err)
		}
		visible := 0
		for _, a := range list {
			if a.Visible {
				visible++
			} else if want := "you are no longer assigned to " + a.Job.InternalName + "; ask your studio"; a.Reason != want {
				t.Errorf("reason %q", a.Reason)
			}
		}
		if visible != 300 {
			t.Errorf("%d visible", visible)
		}
		jobs, err := s.Jobs(ctx, "demo", job.Filter{Assignee: u.ID}, page.Page{Limit: 500})
		if err != nil || len(jobs) != 300 || len(jobs[299].Assignees) != 1 {
			t.Errorf("%d jobs of the assignee, %v", len(jobs), err)
		}
	})
}
