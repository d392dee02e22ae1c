package rpc

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/grpc"

	"filmgate.dev/pkg/fault"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/job-status/internal/access"
	"filmgate.dev/services/job-status/internal/audit"
	"filmgate.dev/services/job-status/internal/guess"
	"filmgate.dev/services/job-status/internal/login"
	"filmgate.dev/services/job-status/internal/text"
	"filmgate.dev/services/job-status/internal/user"
	"filmgate.dev/services/job-status/internal/watch"
)

// edge answers the SFTP edge.
type edge struct {
	jobsv1.UnimplementedEdgeServiceServer
	logins    logins
	guard     *guard
	store     edgeStore
	passwords *login.Passwords
	hub       *watch.Hub
	refusals  *refusals
	failures  *failures
}

type edgeStore interface {
	UserBySFTPName(ctx context.Context, name string) (user.User, error)
	View(ctx context.Context, userID string) (access.View, error)
	Access(ctx context.Context, userID, internalName string) (access.Access, error)
	Record(ctx context.Context, events ...audit.Event) error
}

const wrongSFTPLogin = "wrong user name, password or key"

func (s *edge) Authenticate(ctx context.Context, req *jobsv1.AuthenticateRequest) (*jobsv1.AuthenticateResponse, error) {
	if _, err := s.guard.asService(ctx); err != nil {
		return nil, err
	}
	try, before, err := s.failures.attempt(ctx, req.GetClientAddress(), req.GetUserName())
	if err != nil {
		return nil, err
	}
	if !before.Banned.IsZero() {
		s.logins.count(viaSFTP, loginBanned)
		// Without the work: a ban must not be a way to burn our time.
		return nil, unauthenticated(s.failures.refusal(before, before.Banned))
	}
	u, err := s.user(ctx, try)
	if err != nil {
		return nil, err
	}
	refusal, final, err := s.check(ctx, u, req)
	if err != nil {
		return nil, err
	}
	if refusal == "" {
		if err := u.MayConnect(); err != nil {
			refusal = fault.Message(err)
		}
	}
	event := attempt(how(req.GetClientVersion()), u, req.GetUserName(), req.GetClientAddress(), refusal)
	switch {
	case refusal != "" && !final: // agents with many keys are not punished
		return nil, unauthenticated(nil)
	case refusal != "":
		s.logins.count(viaSFTP, loginRefused)
		s.refusals.record(ctx, event)
		banned, err := s.failures.count(ctx, try, u)
		if err != nil {
			return nil, err
		}
		return nil, unauthenticated(s.failures.refusal(before, banned))
	case final:
		if banned, err := s.failures.banned(ctx, try); err != nil {
			return nil, err
		} else if !banned.IsZero() {
			return nil, unauthenticated(s.failures.refusal(before, banned))
		}
		if err := s.failures.store.LoggedIn(ctx, try, before, s.failures.now()); err != nil {
			return nil, err
		}
		if err := s.store.Record(ctx, event); err != nil {
			return nil, err
		}
		s.logins.count(viaSFTP, loginOK)
	}
	answer := &jobsv1.AuthenticateResponse{Principal: principalProto(u, u.SFTP.UserName)}
	if req.GetPublicKey() == nil { // a key cannot be guessed
		answer.Delay = s.failures.wait(before)
	}
	return answer, nil
}

func (s *edge) CountRefusedKeys(ctx context.Context, req *jobsv1.CountRefusedKeysRequest) (*jobsv1.CountRefusedKeysResponse, error) {
	if _, err := s.guard.asService(ctx); err != nil {
		return nil, err
	}
	try, before, err := s.failures.attempt(ctx, req.GetClientAddress(), req.GetUserName())
	if err != nil {
		return nil, err
	}
	banned := before.Banned
	if !banned.IsZero() {
		s.logins.count(viaSFTP, loginBanned)
	} else {
		s.logins.count(viaSFTP, loginRefused)
		u, err := s.user(ctx, try)
		if err != nil {
			return nil, err
		}
		refusal := fmt.Sprintf("no login by any of %d keys", max(1, req.GetKeys()))
		s.refusals.record(ctx, attempt(how(req.GetClientVersion()), u, req.GetUserName(), req.GetClientAddress(), refusal))
		if banned, err = s.failures.count(ctx, try, u); err != nil {
			return nil, err
		}
	}
	return &jobsv1.CountRefusedKeysResponse{Refusal: s.failures.refusal(before, banned)}, nil
}

// user answers whom the attempt is as; nobody is no error.
func (s *edge) user(ctx context.Context, a guess.Attempt) (user.User, error) {
	u, err := s.store.UserBySFTPName(ctx, a.User)
	if fault.Is(err, fault.NotFound) {
		return user.User{}, nil
	}
	return u, err
}

// how says in the audit by what program somebody came.
func how(version string) string {
	return strings.TrimSpace("sftp " + text.Clip(version))
}

// check compares the credential with the user's, who may be unknown. final is false while a client only asks whether a key
// would do: it tries every key it has, and that is not yet a login.
func (s *edge) check(ctx context.Context, u user.User, req *jobsv1.AuthenticateRequest) (refusal string, final bool, err error) {
	switch credential := req.GetCredential().(type) {
	case *jobsv1.AuthenticateRequest_Password:
		matches, err := s.passwords.Matches(ctx, u.SFTP.Hash, credential.Password)
		if err == nil && !matches {
			refusal = "wrong password"
		}
		if u.ID == "" {
			refusal = "unknown user name"
		}
		return refusal, true, err
	case *jobsv1.AuthenticateRequest_PublicKey:
		if !u.Accepts(credential.PublicKey.GetBlob()) {
			refusal = "unknown key"
		}
		return refusal, credential.PublicKey.GetSigned(), nil
	default:
		return "", false, fault.New(fault.Invalid, "a login needs a password or a public key")
	}
}

func (s *edge) ListJobs(ctx context.Context, req *jobsv1.EdgeServiceListJobsRequest) (*jobsv1.JobsSnapshot, error) {
	if _, err := s.guard.asService(ctx); err != nil {
		return nil, err
	}
	view, err := s.store.View(ctx, req.GetUserId())
	if err != nil {
		return nil, err
	}
	if err := view.User.MayConnect(); err != nil {
		return nil, err
	}
	return snapshotProto(view), nil
}

func (s *edge) CheckJob(ctx context.Context, req *jobsv1.CheckJobRequest) (*jobsv1.JobAccess, error) {
	if _, err := s.guard.asService(ctx); err != nil {
		return nil, err
	}
	a, err := s.store.Access(ctx, req.GetUserId(), text.Clip(req.GetInternalName()))
	if err != nil {
		return nil, err
	}
	return accessProto(a), nil
}

func (s *edge) WatchJobs(req *jobsv1.WatchJobsRequest, stream grpc.ServerStreamingServer[jobsv1.WatchJobsResponse]) error {
	if _, err := s.guard.asService(stream.Context()); err != nil {
		return err
	}
	return s.hub.Watch(stream.Context(), req.GetUserId(), req.GetCredentialsRevision(), watchSink{stream})
}

// watchSink writes a watch to its stream.
type watchSink struct {
	stream grpc.ServerStreamingServer[jobsv1.WatchJobsResponse]
}

func (w watchSink) Snapshot(v access.View) error {
	return w.stream.Send(&jobsv1.WatchJobsResponse{Event: &jobsv1.WatchJobsResponse_Snapshot{Snapshot: snapshotProto(v)}})
}

func (w watchSink) Change(list []access.Access, revision int64) error {
	change := &jobsv1.JobsChange{Jobs: accessesProto(list), Revision: revision}
	return w.stream.Send(&jobsv1.WatchJobsResponse{Event: &jobsv1.WatchJobsResponse_Change{Change: change}})
}

func (w watchSink) Heartbeat(revision int64, frozen bool) error {
	beat := &jobsv1.Heartbeat{Revision: revision, Frozen: frozen}
	return w.stream.Send(&jobsv1.WatchJobsResponse{Event: &jobsv1.WatchJobsResponse_Heartbeat{Heartbeat: beat}})
}

func (w watchSink) Ended(reason string) error {
	return w.stream.Send(&jobsv1.WatchJobsResponse{Event: &jobsv1.WatchJobsResponse_Ended{Ended: &jobsv1.Ended{Reason: reason}}})
}
