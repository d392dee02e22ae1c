package sftpd

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pkg/sftp"
	"go.uber.org/goleak"
	"golang.org/x/time/rate"

	"filmgate.dev/pkg/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func quiet() *session {
	return &session{
		conn: &connection{log: slog.New(slog.DiscardHandler)}, server: &Server{ctx: context.Background()},
		guest: &guest{requests: rate.NewLimiter(rate.Inf, 0)},
	}
}

func TestR36_PanicFailsOneRequest(t *testing.T) {
	s := quiet()
	err := s.guard("stat", "/", func() error { panic("a bug with a secret") })
	if !errors.Is(err, sftp.ErrSSHFxFailure) || err.Error() != fault.Message(fault.New(fault.Internal, "")) {
		t.Error(err)
	}
	if err := s.guard("stat", "/", func() error { return nil }); err != nil || s.conn.pending.count != 0 {
		t.Error(err, s.conn.pending.count)
	}
}

func TestR35_AnswersAreOurWords(t *testing.T) {
	for _, c := range []struct {
		err   error
		code  error
		words string
	}{
		{fault.New(fault.Denied, "job is locked"), sftp.ErrSSHFxFailure, "job is locked"},
		{fault.New(fault.Exists, "it exists"), sftp.ErrSSHFxFailure, "it exists"},
		{fault.New(fault.NotFound, "there is none"), sftp.ErrSSHFxNoSuchFile, "there is none"},
		{fault.Wrap(errors.New("dial tcp 10.0.0.1"), fault.Unavailable, "try again"), sftp.ErrSSHFxFailure, "try again"},
		{errors.New("S3 said AccessDenied"), sftp.ErrSSHFxFailure, "something went wrong on the server; the failure was logged"},
		{unsupported("links"), sftp.ErrSSHFxOpUnsupported, "links are not possible here"},
		{fault.Wrap(io.EOF, fault.Unavailable, "the bucket hung up"), sftp.ErrSSHFxFailure, "the bucket hung up"},
		{io.EOF, io.EOF, "EOF"},
	} {
		if got := answer(c.err); !errors.Is(got, c.code) || got.Error() != c.words {
			t.Errorf("%v: %v", c.err, got)
		}
	}
	if answer(nil) != nil {
		t.Error("nil is OK")
	}
}

func TestR32_SlowAfterFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pending
		p.begin()
		time.Sleep(4 * time.Second)
		if p.slow() {
			t.Error("slow after 4 s")
		}
		time.Sleep(time.Second)
		if !p.slow() {
			t.Error("not slow after 5 s")
		}
		p.end()
		if p.slow() {
			t.Error("slow though nobody waits")
		}
	})
}
