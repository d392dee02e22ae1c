package sftpd

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"github.com/pkg/sftp"

	"filmgate.dev/pkg/fault"
)

// status is an answer in our words. FileZilla hides the words of "permission denied", so refusals are failures.
type status struct {
	code  error
	words string
}

func (s status) Error() string { return s.words }
func (s status) Unwrap() error { return s.code }

// answer is the SFTP column of package fault's table.
func answer(err error) error {
	var own status
	switch {
	case err == nil:
		return nil
	case err == io.EOF: //nolint:errorlint // an EOF that is the cause of a failure is no answer
		return io.EOF
	case errors.As(err, &own):
		return own
	case fault.Is(err, fault.NotFound):
		return status{sftp.ErrSSHFxNoSuchFile, fault.Message(err)}
	default:
		return status{sftp.ErrSSHFxFailure, fault.Message(err)}
	}
}

// unsupported answers what SFTP clients may ask but nobody here needs.
func unsupported(what string) error {
	return status{sftp.ErrSSHFxOpUnsupported, what + " are not possible here"}
}

// guard runs one request, whose name is in the small letters that the audit takes: it keeps the client patient while the
// request takes long, turns a panic into the failure of this request alone, and the error into an answer.
func (s *session) guard(op, path string, f func() error) (err error) {
	s.conn.pending.begin()
	defer s.conn.pending.end()
	defer func() {
		if r := recover(); r != nil {
			s.conn.log.Error("a request panicked", "op", op, "path", path, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			err = fault.New(fault.Internal, "panic")
		} else if err != nil {
			s.report(op, path, err)
		}
		err = answer(err)
	}()
	s.guest.slow(s.server.ctx, op)
	return f()
}

// maxReported bounds what a client can make us write down of a path.
const maxReported = 1 << 10

// report logs what went wrong, and has refusals written down for the studio.
func (s *session) report(op, path string, err error) {
	path = strings.ToValidUTF8(path[:min(len(path), maxReported)], "")
	s.server.measures.refusal(op, err)
	switch fault.KindOf(err) {
	case fault.Internal:
		if err == io.EOF || errors.As(err, new(status)) { //nolint:errorlint // as in answer
			return
		}
		s.conn.log.Error("a request failed", "op", op, "path", path, "err", err)
	case fault.Unavailable:
		s.conn.log.Warn("a request failed", "op", op, "path", path, "err", err)
	case fault.NotFound:
	default:
		s.conn.log.Info("a request was refused", "op", op, "path", path, "err", err)
		s.refused(op, path, err)
	}
}
