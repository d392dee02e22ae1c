package audit

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"
	"google.golang.org/grpc"

	jobsv1 "filmgate.dev/proto/jobs/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type memory []*jobsv1.AuditEvent

func (m *memory) RecordAudit(_ context.Context, r *jobsv1.RecordAuditRequest, _ ...grpc.CallOption) (*jobsv1.RecordAuditResponse, error) {
	*m = append(*m, r.GetEvents()...)
	return &jobsv1.RecordAuditResponse{}, nil
}

func TestEveryRefusalIsRecordedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var kept memory
		r := New(&kept, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { r.Run(ctx); close(done) }()
		for range 450 {
			r.Add(&jobsv1.AuditEvent{Action: "open_refused", Detail: "/Schöne \"Fotos\"\n\x1b[31m"})
		}
		cancel()
		<-done
		if len(kept) != 450 || kept[0].GetId() == "" || kept[0].GetTime() == nil {
			t.Fatal(len(kept))
		}
		if got := kept[0].GetDetail(); got != `/Schöne "Fotos"\n\x1b[31m` {
			t.Error(got)
		}
	})
}

func TestTooManyRefusalsHoldUpNobody(t *testing.T) {
	r := New(new(memory), slog.New(slog.DiscardHandler))
	for range queued + 10 {
		r.Add(&jobsv1.AuditEvent{})
	}
}
