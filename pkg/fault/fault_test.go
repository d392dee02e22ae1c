package fault_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"filmgate.dev/pkg/fault"
)

func TestEveryKindSurvivesAgRPCHop(t *testing.T) {
	cases := []struct {
		kind fault.Kind
		code codes.Code
		http int
	}{
		{fault.Invalid, codes.InvalidArgument, http.StatusBadRequest},
		{fault.NotFound, codes.NotFound, http.StatusNotFound},
		{fault.Exists, codes.AlreadyExists, http.StatusConflict},
		{fault.Denied, codes.PermissionDenied, http.StatusForbidden},
		{fault.Conflict, codes.Aborted, http.StatusConflict},
		{fault.Unavailable, codes.Unavailable, http.StatusServiceUnavailable},
		{fault.Internal, codes.Internal, http.StatusInternalServerError},
	}
	for _, c := range cases {
		t.Run(c.kind.String(), func(t *testing.T) {
			sent := fmt.Errorf("making a job: %w", fault.Wrap(errors.New("secret cause"), c.kind, "words for the sender"))
			wire := fault.ToStatus(sent)
			if status.Code(wire) != c.code {
				t.Errorf("code = %v, want %v", status.Code(wire), c.code)
			}
			got := fault.FromStatus(wire)
			if fault.KindOf(got) != c.kind {
				t.Errorf("kind = %v, want %v", fault.KindOf(got), c.kind)
			}
			if fault.Message(got) != fault.Message(sent) {
				t.Errorf("message = %q, want %q", fault.Message(got), fault.Message(sent))
			}
			if c.kind != fault.Internal && got.Error() != "words for the sender: answered over gRPC" {
				t.Errorf("in the log: %q", got)
			}
			if status.Code(got) != c.code {
				t.Errorf("the status is lost: %v", status.Code(got))
			}
			if got := fault.HTTPStatus(c.kind); got != c.http {
				t.Errorf("HTTP = %d, want %d", got, c.http)
			}
		})
	}
}

func TestUnauthenticatedIsDeniedThatSigningInCures(t *testing.T) {
	got := fault.FromStatus(fault.ToStatus(fault.Unauthenticated("wrong user name or password")))
	if !fault.Is(got, fault.Denied) || !fault.IsUnauthenticated(got) {
		t.Errorf("after a hop: kind %v, unauthenticated %v", fault.KindOf(got), fault.IsUnauthenticated(got))
	}
	if again := fault.ToStatus(got); status.Code(again) != codes.Unauthenticated {
		t.Errorf("second hop says %v", status.Code(again))
	}
	if fault.IsUnauthenticated(fault.New(fault.Denied, "not for you")) {
		t.Error("a plain Denied is not cured by signing in")
	}
}

func TestForeignWordsStayInside(t *testing.T) {
	const inner = "connection error: dial tcp 10.0.0.7:5432: secret"
	for _, err := range []error{
		fault.FromStatus(status.Error(codes.Unavailable, inner)),
		fault.FromStatus(status.Error(codes.Internal, inner)),
		fault.FromStatus(status.Error(codes.Unknown, inner)),
		fault.FromStatus(fault.ToStatus(errors.New(inner))),
		fault.FromStatus(fault.ToStatus(context.DeadlineExceeded)),
	} {
		if message := fault.Message(err); message == inner || message == "" {
			t.Errorf("message = %q", message)
		}
	}
}
