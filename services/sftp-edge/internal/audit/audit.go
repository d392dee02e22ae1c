// Package audit has what users did and what was refused remembered by job-status, without ever making a client wait for it.
//
// While job-status is away it waits itself, up to a few thousand events.
package audit

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/oklog/ulid/v2"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"filmgate.dev/pkg/fault"
	jobsv1 "filmgate.dev/proto/jobs/v1"
)

const (
	queued   = 5000 // beyond this, events are only counted: some minutes of a busy edge
	together = 200
	interval = time.Second
	patience = 5 * time.Second
	stubborn = 10 // how often a batch is offered that job-status fails at without being away
)

// Keeper is where events are kept. Keeping one twice is keeping it once.
type Keeper interface {
	RecordAudit(context.Context, *jobsv1.RecordAuditRequest, ...grpc.CallOption) (*jobsv1.RecordAuditResponse, error)
}

// Recorder collects events and hands them to the keeper about once a second.
type Recorder struct {
	keeper Keeper
	queue  chan *jobsv1.AuditEvent
	lost   atomic.Int64
	log    *slog.Logger

	batch []*jobsv1.AuditEvent // Run's: what the keeper has not taken yet
	tries int
}

// New makes a recorder.
func New(keeper Keeper, log *slog.Logger) *Recorder {
	return &Recorder{keeper: keeper, queue: make(chan *jobsv1.AuditEvent, queued), log: log}
}

// Add takes an event; it fills in id and time and escapes control characters in what a client typed.
func (r *Recorder) Add(e *jobsv1.AuditEvent) {
	e.Id, e.Time = ulid.Make().String(), timestamppb.Now()
	e.UserName, e.Detail = escape(e.GetUserName()), escape(e.GetDetail())
	select {
	case r.queue <- e:
	default:
		r.lost.Add(1)
	}
}

// Run hands events over until ctx ends, and then once more what is left.
func (r *Recorder) Run(ctx context.Context) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for ended := false; !ended; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			ended = true
		}
		r.flush(context.WithoutCancel(ctx))
		if n := r.lost.Swap(0); n > 0 {
			r.log.Warn("too many events at once: some are not in the audit", "events", n)
		}
	}
	if n := len(r.batch) + len(r.queue); n > 0 {
		r.log.Warn("the last events are not in the audit: job-status did not take them", "events", n)
	}
}

// flush hands over what there is, until the keeper does not take it.
func (r *Recorder) flush(ctx context.Context) {
	for len(r.batch)+len(r.queue) > 0 {
		for len(r.batch) < together && len(r.queue) > 0 {
			r.batch = append(r.batch, <-r.queue)
		}
		err := r.offer(ctx)
		if err != nil && !r.hopeless(err) {
			if r.tries++; r.tries == 1 {
				r.log.Warn("events wait to be recorded", "events", len(r.batch)+len(r.queue), "err", err)
			}
			return
		}
		if err != nil {
			r.log.Warn("some of these events were not recorded", "events", len(r.batch), "err", err)
		}
		r.batch, r.tries = nil, 0
	}
}

func (r *Recorder) offer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := r.keeper.RecordAudit(ctx, &jobsv1.RecordAuditRequest{Events: r.batch})
	return fault.FromStatus(err)
}

// hopeless reports whether a batch need not be offered again. Job-status takes the good events of a batch with bad ones.
func (r *Recorder) hopeless(err error) bool {
	switch fault.KindOf(err) {
	case fault.Unavailable:
		return false
	case fault.Invalid:
		return true
	default:
		return r.tries >= stubborn
	}
}
