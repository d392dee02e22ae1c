package jobstatus_test

import (
	"context"
	"slices"
	"testing"

	"google.golang.org/grpc"

	"filmgate.dev/pkg/fault"
	jobsv1 "filmgate.dev/proto/jobs/v1"
)

// watching is one edge's stream for one user.
type watching struct {
	t      *testing.T
	stream grpc.ServerStreamingClient[jobsv1.WatchJobsResponse]
}

func (h *house) watch(p *jobsv1.Principal) watching {
	h.t.Helper()
	stream := must(h.edge.WatchJobs(h.service(), &jobsv1.WatchJobsRequest{UserId: p.GetUserId(), CredentialsRevision: p.GetCredentialsRevision()}))(h.t)
	return watching{h.t, stream}
}

// next answers what is said next, heartbeats apart.
func (w watching) next() *jobsv1.WatchJobsResponse {
	w.t.Helper()
	for {
		said := must(w.stream.Recv())(w.t)
		if said.GetHeartbeat() == nil {
			return said
		}
	}
}

func (w watching) snapshot() []string {
	w.t.Helper()
	snapshot := w.next().GetSnapshot()
	if snapshot == nil {
		w.t.Fatal("the first message is no snapshot")
	}
	return names(snapshot.GetJobs())
}

func (w watching) change() *jobsv1.JobAccess {
	w.t.Helper()
	said := w.next()
	if n := len(said.GetChange().GetJobs()); n != 1 {
		w.t.Fatalf("said %v, want a change of one job", said)
	}
	return said.GetChange().GetJobs()[0]
}

func names(jobs []*jobsv1.JobAccess) (list []string) {
	for _, j := range jobs {
		list = append(list, j.GetInternalName())
	}
	return list
}

func (h *house) setStatus(j *jobsv1.Job, s jobsv1.JobStatus) {
	h.t.Helper()
	must(h.jobs.SetJobStatus(h.operator, &jobsv1.SetJobStatusRequest{Id: j.GetId(), Status: s}))(h.t)
}

func TestTwoUsersOneOfThemNotAssigned(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		j := h.job("JOB00001")
		anna, annasPassword := h.photographer("anna", j.GetId())
		ben, bensPassword := h.photographer("ben")
		a := must(h.login("anna", annasPassword))(t)
		b := must(h.login("ben", bensPassword))(t)

		if got := names(must(h.edge.ListJobs(h.service(), &jobsv1.EdgeServiceListJobsRequest{UserId: a.GetUserId()}))(t).GetJobs()); !slices.Equal(got, []string{"JOB00001"}) {
			t.Errorf("anna sees %v", got)
		}
		if got := h.watch(b).snapshot(); len(got) != 0 {
			t.Errorf("ben sees %v", got)
		}
		access := must(h.edge.CheckJob(h.service(), &jobsv1.CheckJobRequest{UserId: anna.GetId(), InternalName: "job00001"}))(t)
		if !access.GetVisible() || !access.GetWritable() || access.GetReason() != "" {
			t.Errorf("anna: %v", access)
		}
		refused(h.edge.CheckJob(h.service(), &jobsv1.CheckJobRequest{UserId: ben.GetId(), InternalName: "JOB00001"}))(t, fault.NotFound)
		refused(h.edge.CheckJob(h.service(), &jobsv1.CheckJobRequest{UserId: anna.GetId(), InternalName: "JOB00009"}))(t, fault.NotFound)

		// Assigning ben shows it to him while he is connected, and taking it away hides it.
		w := h.watch(b)
		w.snapshot()
		must(h.jobs.AssignUsers(h.operator, &jobsv1.AssignUsersRequest{Id: j.GetId(), UserIds: []string{anna.GetId(), ben.GetId()}}))(t)
		if got := w.change(); !got.GetVisible() || !got.GetWritable() {
			t.Errorf("assigned: %v", got)
		}
		must(h.jobs.AssignUsers(h.operator, &jobsv1.AssignUsersRequest{Id: j.GetId(), UserIds: []string{anna.GetId()}}))(t)
		if got := w.change(); got.GetVisible() || got.GetReason() != "you are no longer assigned to JOB00001; ask your studio" {
			t.Errorf("no longer assigned: %v", got)
		}
	})
}

func TestASellingJobVanishesFromARunningWatch(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		j := h.job("JOB00001")
		_, password := h.photographer("anna", j.GetId())
		w := h.watch(must(h.login("anna", password))(t))
		if got := w.snapshot(); !slices.Equal(got, []string{"JOB00001"}) {
			t.Fatalf("snapshot: %v", got)
		}
		steps := []struct {
			do     func()
			reason string // "" = visible and writable
		}{
			{func() { h.setStatus(j, jobsv1.JobStatus_JOB_STATUS_SELLING) }, "JOB00001 is now SELLING, so photos can no longer be added; ask your studio"},
			{func() { h.setStatus(j, jobsv1.JobStatus_JOB_STATUS_PLANNING) }, ""},
			{func() {
				must(h.jobs.SetJobLocked(h.operator, &jobsv1.SetJobLockedRequest{Id: j.GetId(), Locked: true}))(t)
			}, "JOB00001 is locked by your studio, so photos cannot be added at the moment; ask your studio"},
			{func() { must(h.jobs.SetJobLocked(h.operator, &jobsv1.SetJobLockedRequest{Id: j.GetId()}))(t) }, ""},
			{func() { h.setStatus(j, jobsv1.JobStatus_JOB_STATUS_ARCHIVED) }, "JOB00001 is now ARCHIVED, so photos can no longer be added; ask your studio"},
		}
		for i, step := range steps {
			step.do()
			got := w.change()
			open := step.reason == ""
			if got.GetVisible() != open || got.GetWritable() != open || got.GetReason() != step.reason {
				t.Errorf("step %d: %v, want %q", i, got, step.reason)
			}
			direct := must(h.edge.CheckJob(h.service(), &jobsv1.CheckJobRequest{UserId: must(h.login("anna", password))(t).GetUserId(), InternalName: "JOB00001"}))(t)
			if direct.GetReason() != step.reason || direct.GetVisible() != open {
				t.Errorf("step %d asked directly: %v, want %q", i, direct, step.reason)
			}
		}
	})
}

func TestConnectionsEndWithTheirCredentials(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		j := h.job("JOB00001")
		ends := map[string]func(id string){
			"this user was switched off; ask your studio": func(id string) {
				must(h.users.SetUserActive(h.operator, &jobsv1.SetUserActiveRequest{Id: id}))(t)
			},
			"SFTP access of this user was switched off; ask your studio": func(id string) {
				must(h.users.SetSFTPAccess(h.operator, &jobsv1.SetSFTPAccessRequest{Id: id}))(t)
			},
			"the password, keys or rights of this user were changed; connect again": func(id string) {
				must(h.users.SetSFTPAccess(h.operator, &jobsv1.SetSFTPAccessRequest{Id: id, Enabled: true, GeneratePassword: true}))(t)
			},
		}
		n := 0
		for reason, end := range ends {
			n++
			name := []string{"", "anna", "ben", "cleo"}[n]
			u, password := h.photographer(name, j.GetId())
			p := must(h.login(name, password))(t)
			w := h.watch(p)
			w.snapshot()
			end(u.GetId())
			if got := w.next().GetEnded().GetReason(); got != reason {
				t.Errorf("ended because %q, want %q", got, reason)
			}
			// A late watch under the old credentials ends at once.
			if got := h.watch(p).next().GetEnded().GetReason(); got != reason {
				t.Errorf("a late watch ended because %q, want %q", got, reason)
			}
		}
		if got := h.watch(&jobsv1.Principal{UserId: "01ARZ3NDEKTSV4RRFFQ69G5FAV"}).next().GetEnded(); got == nil {
			t.Error("nobody can be watched")
		}
	})
}

func TestReadersSeeJobsReadOnly(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.job("JOB00001")
		made := must(h.users.CreateUser(h.operator, &jobsv1.CreateUserRequest{
			Role: jobsv1.Role_ROLE_INDIVIDUAL, Rights: []string{"download"}, AllJobs: true, SftpUserName: "reader",
		}))(t)
		p := must(h.login("reader", made.GetGeneratedSftpPassword()))(t)
		jobs := must(h.edge.ListJobs(h.service(), &jobsv1.EdgeServiceListJobsRequest{UserId: p.GetUserId()}))(t).GetJobs()
		if len(jobs) != 1 || !jobs[0].GetVisible() || jobs[0].GetWritable() || jobs[0].GetReason() == "" {
			t.Errorf("a reader sees %v", jobs)
		}
	})
}

func TestHeartbeatsCarryTheRevision(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		_, password := h.photographer("anna")
		w := h.watch(must(h.login("anna", password))(t))
		w.snapshot()
		said := must(w.stream.Recv())(t)
		if said.GetHeartbeat().GetRevision() == 0 || said.GetHeartbeat().GetFrozen() {
			t.Errorf("said %v, want a heartbeat", said)
		}
	})
}

func TestOnlyServicesAreEdges(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		_, admin := h.person("eva@example.com", jobsv1.Role_ROLE_ADMIN)
		for name, ctx := range map[string]context.Context{"an administrator": admin, "a stranger": h.as("guessed", "demo")} {
			if _, err := h.edge.Authenticate(ctx, &jobsv1.AuthenticateRequest{UserName: "x"}); !fault.Is(err, fault.Denied) {
				t.Errorf("%s authenticates: %v", name, err)
			}
			if _, err := h.edge.ListJobs(ctx, &jobsv1.EdgeServiceListJobsRequest{}); !fault.Is(err, fault.Denied) {
				t.Errorf("%s lists: %v", name, err)
			}
			if _, err := h.edge.CheckJob(ctx, &jobsv1.CheckJobRequest{}); !fault.Is(err, fault.Denied) {
				t.Errorf("%s checks: %v", name, err)
			}
			stream := must(h.edge.WatchJobs(ctx, &jobsv1.WatchJobsRequest{}))(t)
			if _, err := stream.Recv(); !fault.Is(err, fault.Denied) {
				t.Errorf("%s watches: %v", name, err)
			}
			if _, err := h.audit.RecordAudit(ctx, &jobsv1.RecordAuditRequest{}); !fault.Is(err, fault.Denied) {
				t.Errorf("%s records: %v", name, err)
			}
		}
		refused(h.edge.Authenticate(h.service(), &jobsv1.AuthenticateRequest{UserName: "x"}))(t, fault.Invalid)
	})
}
