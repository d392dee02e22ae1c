package page

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"filmgate.dev/pkg/fault"
)

// A call over gRPC that ends with its caller is unavailable: no error of ours where the browser has gone.
func TestABrowserThatLeavesIsNoError(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		left   bool
		logged bool
	}{
		"it left during a call": {fault.New(fault.Unavailable, "the server did not answer in time"), true, false},
		"it left":               {context.Canceled, true, false},
		"it waits":              {fault.New(fault.Unavailable, "the server did not answer in time"), false, true},
		"it left a bug behind":  {fault.New(fault.Internal, "a part of the server failed"), true, true},
	} {
		var log bytes.Buffer
		p := &Pages{Config: Config{Log: slog.New(slog.NewTextHandler(&log, nil))}}
		ctx, leave := context.WithCancel(t.Context())
		if c.left {
			leave()
		}
		defer leave()
		r := httptest.NewRequest(http.MethodGet, "/jobs/1/changes", nil).WithContext(ctx)
		r.Header.Set("Filmgate-Part", "photos")
		w := httptest.NewRecorder()
		p.fail(w, r, nil, c.err)
		if logged := log.Len() > 0; logged != c.logged || (w.Code >= 500) != c.logged {
			t.Errorf("%s: %d, %q", name, w.Code, log.String())
		}
	}
}
