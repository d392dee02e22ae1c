package jobs

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"filmgate.dev/pkg/fault"
	jobsv1 "filmgate.dev/proto/jobs/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeEdge is job-status as one user's connections see it.
type fakeEdge struct {
	mu      sync.Mutex
	streams int
	say     chan *jobsv1.WatchJobsResponse
	check   func() (*jobsv1.JobAccess, error)
}

type fakeStream struct {
	grpc.ClientStream
	ctx context.Context
	say chan *jobsv1.WatchJobsResponse
}

func (s fakeStream) Recv() (*jobsv1.WatchJobsResponse, error) {
	select {
	case m := <-s.say:
		if m == nil {
			return nil, io.EOF
		}
		return m, nil
	case <-s.ctx.Done():
		return nil, s.ctx.Err()
	}
}

func (f *fakeEdge) WatchJobs(ctx context.Context, _ *jobsv1.WatchJobsRequest, _ ...grpc.CallOption) (grpc.ServerStreamingClient[jobsv1.WatchJobsResponse], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.streams++
	return fakeStream{ctx: ctx, say: f.say}, nil
}

func (f *fakeEdge) CheckJob(ctx context.Context, _ *jobsv1.CheckJobRequest, _ ...grpc.CallOption) (*jobsv1.JobAccess, error) {
	if f.check == nil {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return f.check()
}

func access(name string, open bool, reason string) *jobsv1.JobAccess {
	return &jobsv1.JobAccess{JobId: "J-" + name, Account: "demo", InternalName: name, Visible: open, Writable: open, Reason: reason}
}

func snapshot(jobs ...*jobsv1.JobAccess) *jobsv1.WatchJobsResponse {
	return &jobsv1.WatchJobsResponse{Event: &jobsv1.WatchJobsResponse_Snapshot{Snapshot: &jobsv1.JobsSnapshot{Jobs: jobs}}}
}

func change(jobs ...*jobsv1.JobAccess) *jobsv1.WatchJobsResponse {
	return &jobsv1.WatchJobsResponse{Event: &jobsv1.WatchJobsResponse_Change{Change: &jobsv1.JobsChange{Jobs: jobs}}}
}

func heartbeat(frozen bool) *jobsv1.WatchJobsResponse {
	return &jobsv1.WatchJobsResponse{Event: &jobsv1.WatchJobsResponse_Heartbeat{Heartbeat: &jobsv1.Heartbeat{Frozen: frozen}}}
}

func join(t *testing.T, edge *fakeEdge) (*Watcher, *Board) {
	edge.say = make(chan *jobsv1.WatchJobsResponse)
	w := NewWatcher(edge, Config{}, slog.New(slog.DiscardHandler))
	board, leave := w.Join(&jobsv1.Principal{UserId: "U1", CredentialsRevision: 3})
	t.Cleanup(func() { leave(); w.Wait() })
	return w, board
}

func refused(t *testing.T, b *Board, job string, kind fault.Kind, words string) {
	t.Helper()
	_, err := b.Writable(t.Context(), job)
	if !fault.Is(err, kind) || !strings.Contains(fault.Message(err), words) {
		t.Errorf("%s: %v", job, err)
	}
}

func TestChangeReachesRunningConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		edge := &fakeEdge{}
		w, board := join(t, edge)
		edge.say <- snapshot(access("JOB2", true, ""), access("job1", true, ""))
		list, err := board.List(t.Context())
		if err != nil || len(list) != 2 || list[0].Name != "job1" {
			t.Fatal(list, err)
		}
		if job, err := board.Writable(t.Context(), "JOB1"); err != nil || job.ID != "J-job1" {
			t.Fatal(job, err)
		}
		edge.say <- change(access("job1", false, "job1 is selling"))
		synctest.Wait()
		if list, _ := board.List(t.Context()); len(list) != 1 {
			t.Error(list)
		}
		if _, err := board.Find(t.Context(), "job1"); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		refused(t, board, "job1", fault.Denied, "job1 is selling")
		if edge.streams != 1 || w.Joined(&jobsv1.Principal{UserId: "U1"}) != 1 {
			t.Error(edge.streams)
		}
	})
}

func TestConnectionsShareOneStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		edge := &fakeEdge{}
		w, board := join(t, edge)
		other, leave := w.Join(&jobsv1.Principal{UserId: "U1", CredentialsRevision: 3})
		newer, leaveNewer := w.Join(&jobsv1.Principal{UserId: "U1", CredentialsRevision: 4})
		synctest.Wait()
		if other != board || newer == board || edge.streams != 2 || w.Joined(&jobsv1.Principal{UserId: "U1"}) != 3 {
			t.Error("streams are not shared", edge.streams)
		}
		leave()
		leaveNewer()
	})
}

func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		edge := &fakeEdge{}
		_, board := join(t, edge)
		edge.say <- snapshot(access("JOB1", true, ""))
		synctest.Wait()
		time.Sleep(7 * time.Second)
		edge.check = func() (*jobsv1.JobAccess, error) { return access("JOB1", false, "JOB1 is locked"), nil }
		refused(t, board, "JOB1", fault.Denied, "JOB1 is locked")
		edge.check = func() (*jobsv1.JobAccess, error) { return access("JOB1", true, ""), nil }
		if _, err := board.Writable(t.Context(), "JOB1"); err != nil {
			t.Error(err)
		}
		edge.check = nil // nobody answers any more
		time.Sleep(20 * time.Second)
		began := time.Now()
		if _, err := board.Writable(t.Context(), "JOB1"); err != nil || time.Since(began) != time.Second {
			t.Error("the last answer no longer serves:", err, time.Since(began))
		}
		time.Sleep(10 * time.Second)
		refused(t, board, "JOB1", fault.Unavailable, "cannot be checked right now")
		edge.say <- heartbeat(false) // on a new stream
		if _, err := board.Writable(t.Context(), "JOB1"); err != nil {
			t.Error(err)
		}
		if edge.streams < 2 {
			t.Error("the silent stream was kept")
		}
	})
}

func TestFrozenForFifteenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		edge := &fakeEdge{}
		_, board := join(t, edge)
		edge.say <- snapshot(access("JOB1", true, ""))
		beat := func(d time.Duration) {
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(2 * time.Second) {
				edge.say <- heartbeat(true)
			}
		}
		beat(14 * time.Minute)
		if _, err := board.Writable(t.Context(), "JOB1"); err != nil {
			t.Error(err)
		}
		beat(2 * time.Minute)
		refused(t, board, "JOB1", fault.Unavailable, "cannot be checked")
	})
}

func TestUnknownJobIsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		edge := &fakeEdge{check: func() (*jobsv1.JobAccess, error) { return access("OLD", false, "OLD is archived"), nil }}
		_, board := join(t, edge)
		edge.say <- snapshot()
		refused(t, board, "OLD", fault.Denied, "OLD is archived")
		edge.check = func() (*jobsv1.JobAccess, error) { return nil, status.Error(codes.NotFound, "no") }
		refused(t, board, "NEVER", fault.NotFound, "no job")
		edge.check = func() (*jobsv1.JobAccess, error) { return nil, errors.New("down") }
		refused(t, board, "NEVER", fault.NotFound, "no job")
	})
}

func TestEndedClosesEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		edge := &fakeEdge{}
		_, board := join(t, edge)
		edge.say <- &jobsv1.WatchJobsResponse{Event: &jobsv1.WatchJobsResponse_Ended{Ended: &jobsv1.Ended{Reason: "access was switched off"}}}
		<-board.Ended()
		if board.Reason() != "access was switched off" {
			t.Error(board.Reason())
		}
		time.Sleep(time.Minute)
		if edge.streams != 1 {
			t.Error("an ended user is watched again")
		}
	})
}

func TestBrokenStreamIsOpenedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		edge := &fakeEdge{}
		_, board := join(t, edge)
		edge.say <- snapshot(access("JOB1", true, ""), access("JOB2", true, ""))
		edge.say <- nil
		edge.say <- snapshot(access("JOB2", true, ""))
		synctest.Wait()
		if list, _ := board.List(t.Context()); len(list) != 1 || list[0].Name != "JOB2" {
			t.Error(list)
		}
		if job, ok := board.Known("job1"); !ok || job.Visible || job.ID == "" {
			t.Error("a job that went away unheard was forgotten:", job)
		}
	})
}

func TestBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBegun(5 * time.Minute)
		b.Open("a.jpg.part")
		time.Sleep(time.Hour)
		if !b.Has("a.jpg.part") || b.Has("b.jpg") {
			t.Error("an open upload has no end")
		}
		b.Close("a.jpg.part")
		time.Sleep(4 * time.Minute)
		b.Move("a.jpg.part", "a.jpg")
		if b.Has("a.jpg.part") || !b.Has("a.jpg") {
			t.Error("the grace did not move")
		}
		time.Sleep(time.Minute)
		if b.Has("a.jpg") {
			t.Error("the grace has no end")
		}
	})
}
