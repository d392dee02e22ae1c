package rpc

import (
	"context"
	"time"

	"filmgate.dev/pkg/fault"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/job-status/internal/audit"
	"filmgate.dev/services/job-status/internal/page"
	"filmgate.dev/services/job-status/internal/text"
	"filmgate.dev/services/job-status/internal/user"
)

// maxRecorded bounds one request.
const maxRecorded = 500

// audits remembers who did what.
type audits struct {
	jobsv1.UnimplementedAuditServiceServer
	guard *guard
	store auditStore
}

type auditStore interface {
	Audit(ctx context.Context, account string, filter audit.Filter, p page.Page) ([]audit.Event, error)
	Record(ctx context.Context, events ...audit.Event) error
}

func (s *audits) ListAudit(ctx context.Context, req *jobsv1.ListAuditRequest) (*jobsv1.ListAuditResponse, error) {
	c, err := s.guard.with(ctx, user.Users, user.Jobs)
	if err != nil {
		return nil, err
	}
	p, err := page.ParseIDs(req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	list, err := s.store.Audit(ctx, c.account, audit.Filter{JobID: text.Clip(req.GetJobId()), UserID: text.Clip(req.GetUserId())}, p)
	if err != nil {
		return nil, err
	}
	answer := &jobsv1.ListAuditResponse{NextPageToken: page.Next(p, list, func(e audit.Event) string { return e.ID })}
	for _, e := range list {
		answer.Events = append(answer.Events, auditProto(e))
	}
	return answer, nil
}

func (s *audits) RecordAudit(ctx context.Context, req *jobsv1.RecordAuditRequest) (*jobsv1.RecordAuditResponse, error) {
	if _, err := s.guard.asService(ctx); err != nil {
		return nil, err
	}
	if len(req.GetEvents()) > maxRecorded {
		return nil, fault.New(fault.Invalid, "at most %d audit events can be recorded at once", maxRecorded)
	}
	var (
		list []audit.Event
		bad  []error
	)
	for _, e := range req.GetEvents() {
		var at time.Time
		if e.GetTime().IsValid() {
			at = e.GetTime().AsTime()
		}
		clean, err := audit.Event{
			ID: e.GetId(), Time: at, Account: e.GetAccount(), UserID: e.GetUserId(), UserName: e.GetUserName(), Action: e.GetAction(),
			JobID: e.GetJobId(), ClientAddress: e.GetClientAddress(), Detail: e.GetDetail(),
		}.Clean()
		if err != nil { // one that nobody can read keeps out none of the others
			bad = append(bad, err)
			continue
		}
		list = append(list, clean)
	}
	if err := s.store.Record(ctx, list...); err != nil {
		return nil, err
	}
	if len(bad) > 0 {
		return nil, bad[0]
	}
	return &jobsv1.RecordAuditResponse{}, nil
}
