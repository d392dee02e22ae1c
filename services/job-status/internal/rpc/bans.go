package rpc

import (
	"context"
	"time"

	"filmgate.dev/pkg/fault"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/job-status/internal/audit"
	"filmgate.dev/services/job-status/internal/guess"
	"filmgate.dev/services/job-status/internal/page"
	"filmgate.dev/services/job-status/internal/text"
	"filmgate.dev/services/job-status/internal/user"
)

// bans shows which addresses are kept out, and lets them in again.
type bans struct {
	jobsv1.UnimplementedBanServiceServer
	guard *guard
	store banStore
	now   func() time.Time
}

type banStore interface {
	Bans(ctx context.Context, account string, now time.Time, p page.Page) ([]guess.Ban, error)
	LiftBan(ctx context.Context, account, network string, now time.Time, by audit.Actor) (guess.Ban, error)
}

// concerning answers who asks, and the account whose bans they may see: "" = every ban. Bans are the installation's, so an
// administrator sees those alone that came of guessing at users of their own account, and can lift nobody else's guard.
func (s *bans) concerning(ctx context.Context) (caller, string, error) {
	c, err := s.guard.caller(ctx)
	switch {
	case err != nil:
		return c, "", err
	case c.service:
		return c, "", nil
	case c.user.Role != user.Admin:
		return c, "", fault.New(fault.Denied, "only an administrator may see and lift bans")
	}
	return c, c.account, nil
}

func (s *bans) ListBans(ctx context.Context, req *jobsv1.ListBansRequest) (*jobsv1.ListBansResponse, error) {
	_, account, err := s.concerning(ctx)
	if err != nil {
		return nil, err
	}
	p, err := page.Parse(req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	list, err := s.store.Bans(ctx, account, s.now(), p)
	if err != nil {
		return nil, err
	}
	answer := &jobsv1.ListBansResponse{NextPageToken: page.Next(p, list, func(b guess.Ban) string { return b.Network })}
	for _, b := range list {
		answer.Bans = append(answer.Bans, banProto(b))
	}
	return answer, nil
}

func (s *bans) LiftBan(ctx context.Context, req *jobsv1.LiftBanRequest) (*jobsv1.Ban, error) {
	c, account, err := s.concerning(ctx)
	if err != nil {
		return nil, err
	}
	network := guess.Network(req.GetNetwork())
	if network == "" {
		return nil, fault.New(fault.Invalid, "%q is not an address such as 203.0.113.9 or a network such as 2001:db8:1:2::/64", text.Clip(req.GetNetwork()))
	}
	b, err := s.store.LiftBan(ctx, account, network, s.now(), c.actor())
	if err != nil {
		return nil, err
	}
	return banProto(b), nil
}

func banProto(b guess.Ban) *jobsv1.Ban {
	return &jobsv1.Ban{
		Network: b.Network, Since: timeProto(b.Since), Until: timeProto(b.Until), Times: int32(min(b.Times, 1<<30)), //nolint:gosec // it fits
		UserName: b.UserName, Account: b.Account,
	}
}
