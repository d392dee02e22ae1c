package fault

import (
	"errors"
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// domain marks a status whose message is ours: the gRPC library makes Unavailable statuses of its own, and their words
// (addresses, dial errors) are not for a sender.
const domain = "filmgate.dev"

// errUnauthenticated lies at the bottom of a Denied error that signing in would cure.
var errUnauthenticated = errors.New("not authenticated")

// Unauthenticated makes a Denied error for a caller whom nobody knows: gRPC says UNAUTHENTICATED, pages ask to sign in.
func Unauthenticated(format string, args ...any) error {
	return &Error{Kind: Denied, Message: fmt.Sprintf(format, args...), Cause: errUnauthenticated}
}

// IsUnauthenticated reports whether signing in (again) may cure err.
func IsUnauthenticated(err error) bool { return errors.Is(err, errUnauthenticated) }

// code is the gRPC column of the table.
func (k Kind) code() codes.Code {
	switch k {
	case Invalid:
		return codes.InvalidArgument
	case NotFound:
		return codes.NotFound
	case Exists:
		return codes.AlreadyExists
	case Denied:
		return codes.PermissionDenied
	case Conflict:
		return codes.Aborted
	case Unavailable:
		return codes.Unavailable
	default:
		return codes.Internal
	}
}

// ToStatus makes the gRPC status that a server answers for err: the message, never the cause. A status that a handler
// made itself passes as it is.
func ToStatus(err error) error {
	if err == nil {
		return nil
	}
	var e *Error
	if !errors.As(err, &e) {
		if own, ok := status.FromError(err); ok {
			return own.Err()
		}
	}
	code := KindOf(err).code()
	if IsUnauthenticated(err) {
		code = codes.Unauthenticated
	}
	plain := status.New(code, Message(err))
	marked, detailErr := plain.WithDetails(&errdetails.ErrorInfo{Reason: KindOf(err).String(), Domain: domain})
	if detailErr != nil {
		return plain.Err()
	}
	return marked.Err()
}

// FromStatus turns what a gRPC call answered back into an error with a kind. The status stays in the chain as the cause.
func FromStatus(err error) error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	s, ok := status.FromError(err)
	if !ok {
		return err
	}
	switch s.Code() {
	case codes.OK:
		return nil
	case codes.InvalidArgument, codes.OutOfRange, codes.FailedPrecondition:
		return Wrap(answered{err}, Invalid, "%s", s.Message())
	case codes.NotFound:
		return Wrap(answered{err}, NotFound, "%s", s.Message())
	case codes.AlreadyExists:
		return Wrap(answered{err}, Exists, "%s", s.Message())
	case codes.PermissionDenied:
		return Wrap(answered{err}, Denied, "%s", s.Message())
	case codes.Unauthenticated:
		return Wrap(answered{errors.Join(errUnauthenticated, err)}, Denied, "%s", s.Message())
	case codes.Aborted:
		return Wrap(answered{err}, Conflict, "%s", s.Message())
	case codes.ResourceExhausted:
		return Wrap(err, Invalid, "the request is too large")
	case codes.Unavailable:
		if ours(s) {
			return Wrap(answered{err}, Unavailable, "%s", s.Message())
		}
		return Wrap(err, Unavailable, "a part of the server cannot be reached; try again")
	case codes.DeadlineExceeded, codes.Canceled:
		return Wrap(err, Unavailable, "the server did not answer in time; try again")
	default:
		return Wrap(err, Internal, "a part of the server failed")
	}
}

// answered is the cause of an error whose words came over the wire: they need not be said twice.
type answered struct{ status error }

func (a answered) Error() string { return "answered over gRPC" }

func (a answered) Unwrap() error { return a.status }

// ours reports whether ToStatus made the status.
func ours(s *status.Status) bool {
	for _, detail := range s.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetDomain() == domain {
			return true
		}
	}
	return false
}
