package rpc

import (
	"context"
	"log/slog"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"filmgate.dev/pkg/fault"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/job-status/internal/audit"
	"filmgate.dev/services/job-status/internal/guess"
	"filmgate.dev/services/job-status/internal/user"
)

// failures counts what failed over SFTP, for all edges together. It never waits itself: how long a client is to be kept
// waiting is in the answer, and the edge does it.
type failures struct {
	logins logins
	store  failureStore
	rules  guess.Rules
	now    func() time.Time
	log    *slog.Logger
}

type failureStore interface {
	Standing(ctx context.Context, a guess.Attempt, now time.Time) (guess.Standing, error)
	CountFailure(ctx context.Context, a guess.Attempt, account string, now time.Time, step time.Duration, most int) error
	LoggedIn(ctx context.Context, a guess.Attempt, before guess.Standing, now time.Time) error
	Ban(ctx context.Context, a guess.Attempt, now time.Time, length func(times int) time.Duration, by audit.Actor) (guess.Ban, bool, error)
}

// attempt answers what a client tries, and what was counted before it.
func (f *failures) attempt(ctx context.Context, address, userName string) (guess.Attempt, guess.Standing, error) {
	a := f.rules.Attempt(address, userName)
	standing, err := f.store.Standing(ctx, a, f.now())
	return a, standing, err
}

// count adds a failure as the user, who may be unknown, bans the address if it was one too many, and answers until when
// the address is banned.
func (f *failures) count(ctx context.Context, a guess.Attempt, u user.User) (banned time.Time, err error) {
	now := f.now()
	if err := f.store.CountFailure(ctx, a, u.Account, now, f.rules.Forgive, f.rules.Most()); err != nil {
		return time.Time{}, err
	}
	standing, err := f.store.Standing(ctx, a, now)
	if err != nil || !f.rules.TooMany(standing, now) {
		return standing.Banned, err
	}
	ban, made, err := f.store.Ban(ctx, a, now, f.rules.Length, audit.Actor{UserID: u.ID, UserName: a.User})
	if made {
		f.logins.bans.Inc()
		f.log.WarnContext(ctx, "an address was banned: too many failed logins", "address", ban.Network, "until", ban.Until, "times", ban.Times, "last_user", ban.UserName)
	}
	return ban.Until, err
}

// banned answers until when the address is banned by now: an answer that was being worked out when the ban fell must not
// tell that a guess was right.
func (f *failures) banned(ctx context.Context, a guess.Attempt) (time.Time, error) {
	standing, err := f.store.Standing(ctx, a, f.now())
	return standing.Banned, err
}

// wait answers how long a password that was right is kept waiting.
func (f *failures) wait(before guess.Standing) *durationpb.Duration {
	return durationpb.New(f.rules.Wait(before, f.now()))
}

// refusal is what an edge is to do about an attempt that failed.
func (f *failures) refusal(before guess.Standing, banned time.Time) *jobsv1.Refusal {
	r := &jobsv1.Refusal{Delay: durationpb.New(f.rules.RefusalWait(before, f.now()))}
	if !banned.IsZero() {
		r.BannedUntil = timeProto(banned)
	}
	return r
}

// unauthenticated is the one answer to every login that failed, with the edge's orders, if any, among its details.
func unauthenticated(orders *jobsv1.Refusal) error {
	if orders == nil {
		return fault.Unauthenticated(wrongSFTPLogin)
	}
	plain := status.New(codes.Unauthenticated, wrongSFTPLogin)
	detailed, err := plain.WithDetails(orders)
	if err != nil { // it cannot: a Refusal is plain data
		return plain.Err()
	}
	return detailed.Err()
}
