package sftpedge_test

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"filmgate.dev/pkg/fault"
	jobsv1 "filmgate.dev/proto/jobs/v1"
)

// fakeJobs is job-status with one account, in memory.
type fakeJobs struct {
	jobsv1.UnimplementedEdgeServiceServer
	jobsv1.UnimplementedAuditServiceServer

	mu      sync.Mutex
	users   map[string]*user // by user name
	jobs    map[string]*jobsv1.JobAccess
	away    bool // answers nobody
	changed chan struct{}
	audited []*jobsv1.AuditEvent
	offers  int      // keys that were only offered
	from    []string // where the logins came from
	guessing
}

type user struct {
	*jobsv1.Principal
	password string
	key      ssh.PublicKey
	ended    string
	only     string // the one job that the user is assigned to
}

func newFakeJobs() *fakeJobs {
	f := &fakeJobs{users: map[string]*user{}, jobs: map[string]*jobsv1.JobAccess{}, changed: make(chan struct{})}
	f.users["anna"] = &user{
		Principal: &jobsv1.Principal{Account: "demo", UserId: "U-ANNA", UserName: "anna", Role: jobsv1.Role_ROLE_INDIVIDUAL, Rights: []string{"upload", "download"}, CredentialsRevision: 1},
		password:  "secret",
	}
	f.users["ulli"] = &user{
		Principal: &jobsv1.Principal{Account: "demo", UserId: "U-ULLI", UserName: "ulli", Role: jobsv1.Role_ROLE_UPLOAD_ONLY, Rights: []string{"upload"}, CredentialsRevision: 1},
		password:  "secret",
	}
	f.users["olga"] = &user{
		Principal: &jobsv1.Principal{Account: "demo", UserId: "U-OLGA", UserName: "olga", Role: jobsv1.Role_ROLE_UPLOAD_ONLY, Rights: []string{"upload"}, CredentialsRevision: 1},
		password:  "secret", only: "JOB00002",
	}
	f.set("JOB00001", true, "")
	f.set("JOB00002", true, "")
	return f
}

// change runs f and tells every stream.
func (f *fakeJobs) change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *fakeJobs) set(name string, open bool, reason string) {
	f.change(func() {
		f.jobs[name] = &jobsv1.JobAccess{
			JobId: "J-" + name, Account: "demo", InternalName: name, Name: name, Visible: open, Writable: open, Reason: reason,
		}
	})
}

func (f *fakeJobs) Authenticate(_ context.Context, r *jobsv1.AuthenticateRequest) (*jobsv1.AuthenticateResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away {
		return nil, fault.New(fault.Unavailable, "away")
	}
	f.from = append(f.from, r.GetClientAddress())
	u := f.users[r.GetUserName()]
	key := r.GetPublicKey()
	f.note(r)
	switch {
	case f.bannedUntil() != nil: // whatever it is
	case u == nil || u.ended != "":
	case key != nil && u.key != nil && bytes.Equal(key.GetBlob(), u.key.Marshal()):
		if !key.GetSigned() {
			f.offers++
		}
		return &jobsv1.AuthenticateResponse{Principal: u.Principal}, nil
	case key == nil && r.GetPassword() == u.password:
		return &jobsv1.AuthenticateResponse{Principal: u.Principal, Delay: f.slow}, nil
	}
	return nil, f.refusal(r)
}

func (f *fakeJobs) user(id string) *user {
	for _, u := range f.users {
		if u.UserId == id {
			return u
		}
	}
	return nil
}

func (f *fakeJobs) CheckJob(_ context.Context, r *jobsv1.CheckJobRequest) (*jobsv1.JobAccess, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away {
		return nil, fault.New(fault.Unavailable, "away")
	}
	for name, job := range f.jobs {
		if strings.EqualFold(name, r.GetInternalName()) {
			return job, nil
		}
	}
	return nil, fault.New(fault.NotFound, "there is no such job")
}

func (f *fakeJobs) snapshot(u *user) (*jobsv1.JobsSnapshot, <-chan struct{}, string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := &jobsv1.JobsSnapshot{Principal: u.Principal}
	for name, job := range f.jobs {
		if u.only == "" || u.only == name {
			s.Jobs = append(s.Jobs, job)
		}
	}
	return s, f.changed, u.ended
}

func (f *fakeJobs) WatchJobs(r *jobsv1.WatchJobsRequest, stream jobsv1.EdgeService_WatchJobsServer) error {
	u := f.user(r.GetUserId())
	beat := time.NewTicker(500 * time.Millisecond)
	defer beat.Stop()
	for {
		snapshot, changed, ended := f.snapshot(u)
		message := &jobsv1.WatchJobsResponse{Event: &jobsv1.WatchJobsResponse_Snapshot{Snapshot: snapshot}}
		if ended != "" {
			message.Event = &jobsv1.WatchJobsResponse_Ended{Ended: &jobsv1.Ended{Reason: ended}}
		}
		if err := stream.Send(message); err != nil || ended != "" {
			return err
		}
		for again := false; !again; {
			select {
			case <-changed:
				again = true
			case <-beat.C:
				if err := stream.Send(&jobsv1.WatchJobsResponse{Event: &jobsv1.WatchJobsResponse_Heartbeat{Heartbeat: &jobsv1.Heartbeat{}}}); err != nil {
					return err
				}
			case <-stream.Context().Done():
				return nil
			}
		}
	}
}

// auditAction is job-status' own form.
var auditAction = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

func (f *fakeJobs) RecordAudit(_ context.Context, r *jobsv1.RecordAuditRequest) (*jobsv1.RecordAuditResponse, error) {
	for _, e := range r.GetEvents() {
		if !auditAction.MatchString(e.GetAction()) { // one is enough for job-status to take none of them
			return nil, fault.New(fault.Invalid, "%q is not the action of an audit event", e.GetAction())
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.audited = append(f.audited, r.GetEvents()...)
	return &jobsv1.RecordAuditResponse{}, nil
}
