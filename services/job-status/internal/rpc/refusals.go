package rpc

import (
	"context"
	"log/slog"

	"golang.org/x/time/rate"

	"filmgate.dev/services/job-status/internal/audit"
)

// refusals records logins that were refused, but not without bound: a guessing machine must not fill the disk.
type refusals struct {
	store interface {
		Record(ctx context.Context, events ...audit.Event) error
	}
	limit *rate.Limiter
	log   *slog.Logger
}

func newRefusals(s auditStore, log *slog.Logger) *refusals {
	const perSecond, burst = 2, 200
	return &refusals{store: s, limit: rate.NewLimiter(perSecond, burst), log: log}
}

// record keeps the answer to the stranger the same whether or not the refusal could be recorded.
func (r *refusals) record(ctx context.Context, e audit.Event) {
	if !r.limit.Allow() {
		r.log.WarnContext(ctx, "a refused login is only in this log: there are too many", "user", e.UserName, "address", e.ClientAddress)
		return
	}
	if err := r.store.Record(ctx, e); err != nil {
		r.log.WarnContext(ctx, "a refused login was not recorded", "error", err)
	}
}
