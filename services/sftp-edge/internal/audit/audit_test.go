package audit

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"go.uber.org/goleak"
	"google.golang.org/grpc"

	"filmgate.dev/pkg/fault"
	jobsv1 "filmgate.dev/proto/jobs/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory keeps events, unless it is told to fail.
type memory struct {
	mu    sync.Mutex
	err   error
	tries int
	kept  []*jobsv1.AuditEvent
}

func (m *memory) RecordAudit(_ context.Context, r *jobsv1.RecordAuditRequest, _ ...grpc.CallOption) (*jobsv1.RecordAuditResponse, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tries++
	if m.err != nil {
		return nil, m.err
	}
	m.kept = append(m.kept, r.GetEvents()...)
	return &jobsv1.RecordAuditResponse{}, nil
}

func (m *memory) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err, m.tries = err, 0
}

// recording runs a recorder until stop.
func recording(t *testing.T, keeper Keeper) (r *Recorder, stop func()) {
	r = New(keeper, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { r.Run(ctx); close(done) }()
	return r, func() { cancel(); <-done }
}

func (r *Recorder) addMany(n int) {
	for range n {
		r.Add(&jobsv1.AuditEvent{Action: "open_refused", Detail: "/Schöne \"Fotos\"\n\x1b[31m\u202e"})
	}
}

func TestEveryEventIsRecordedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var keeper memory
		r, stop := recording(t, &keeper)
		r.addMany(450)
		stop()
		if len(keeper.kept) != 450 || keeper.kept[0].GetId() == "" || keeper.kept[0].GetTime() == nil {
			t.Fatal(len(keeper.kept))
		}
		if got := keeper.kept[0].GetDetail(); got != `/Schöne "Fotos"\n\x1b[31m\u202e` {
			t.Error(got)
		}
	})
}

func TestEventsWaitForTheKeeper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var keeper memory
		keeper.fail(fault.New(fault.Unavailable, "away"))
		r, stop := recording(t, &keeper)
		r.addMany(450)
		time.Sleep(time.Minute)
		r.addMany(10)
		keeper.fail(nil)
		time.Sleep(2 * interval)
		synctest.Wait()
		ids := map[string]bool{}
		for _, e := range keeper.kept {
			ids[e.GetId()] = true
		}
		if len(keeper.kept) != 460 || len(ids) != 460 {
			t.Error(len(keeper.kept), "events came,", len(ids), "of them different")
		}
		stop()
	})
}

func TestHopelessBatchHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			err   error
			tries int
		}{{fault.New(fault.Invalid, "one of them is no event"), 1}, {errors.New("a bug"), stubborn + 1}} {
			var keeper memory
			keeper.fail(c.err)
			r, stop := recording(t, &keeper)
			r.addMany(1)
			time.Sleep(time.Minute)
			synctest.Wait()
			if keeper.tries != c.tries {
				t.Error(c.err, "was met", keeper.tries, "times")
			}
			keeper.fail(nil)
			r.addMany(1)
			stop()
			if len(keeper.kept) != 1 {
				t.Error(len(keeper.kept))
			}
		}
	})
}

func TestTooManyEventsHoldUpNobody(t *testing.T) {
	r := New(new(memory), slog.New(slog.DiscardHandler))
	r.addMany(queued + 10)
	if n := r.lost.Load(); n != 10 {
		t.Error(n, "were counted as lost")
	}
}

func TestDetailKeepsTheWords(t *testing.T) {
	long := "/JOB00001/" + strings.Repeat("ä", 255) + "/IMG_0001.jpg"
	got := Detail(long, "is not accepted")
	if len(got) > maxPath+30 || !utf8.ValidString(got) || !strings.HasPrefix(got, "JOB00001/ä") || !strings.HasSuffix(got, "/IMG_0001.jpg: is not accepted") {
		t.Error(got)
	}
	if got := Detail("/JOB00001/x.jpg", "why"); got != "JOB00001/x.jpg: why" {
		t.Error(got)
	}
}

func FuzzEscape(f *testing.F) {
	for _, s := range []string{"", "Schöne Fotos/IMG 1.jpg", "a\x00b\x7f\r\n\x1b]0;x\a", "\xff\xfe", "\u2028\u202e\u0085", strings.Repeat("\x01", 4096), strings.Repeat("😀", 999), "'\\'"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := escape(s)
		if len(got) > maxText+len("…") || !utf8.ValidString(got) {
			t.Fatalf("%d bytes: %q", len(got), got)
		}
		for _, r := range got {
			if unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
				t.Fatalf("%q became %q", s, got)
			}
		}
		clean := utf8.ValidString(s) && len(s) <= maxText && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError })
		if clean && got != s {
			t.Fatalf("%q became %q", s, got)
		}
	})
}
