// Package audit has refusals remembered by job-status, without ever making a client wait for it.
package audit

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/oklog/ulid/v2"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	jobsv1 "filmgate.dev/proto/jobs/v1"
)

const (
	queued   = 1000 // beyond this, refusals are only counted
	together = 200
	interval = time.Second
	patience = 5 * time.Second
)

// Keeper is where events are kept.
type Keeper interface {
	RecordAudit(context.Context, *jobsv1.RecordAuditRequest, ...grpc.CallOption) (*jobsv1.RecordAuditResponse, error)
}

// Recorder collects events and hands them to the keeper about once a second.
type Recorder struct {
	keeper Keeper
	queue  chan *jobsv1.AuditEvent
	log    *slog.Logger
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
		r.log.Warn("too many refusals at once: one is not in the audit", "action", e.GetAction(), "user", e.GetUserName())
	}
}

func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
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
	}
}

func (r *Recorder) flush(ctx context.Context) {
	for len(r.queue) > 0 {
		var events []*jobsv1.AuditEvent
		for len(events) < together && len(r.queue) > 0 {
			events = append(events, <-r.queue)
		}
		ctx, cancel := context.WithTimeout(ctx, patience)
		_, err := r.keeper.RecordAudit(ctx, &jobsv1.RecordAuditRequest{Events: events})
		cancel()
		if err != nil { // the log has them too
			r.log.Warn("refusals were not recorded", "events", len(events), "err", err)
			return
		}
	}
}
