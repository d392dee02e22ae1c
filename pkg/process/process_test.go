package process_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/process"
	"filmgate.dev/pkg/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T) *process.Process {
	t.Helper()
	p, err := process.New(t.Context(), "test", telemetry.LogConfig{Level: "error"}, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func get(t *testing.T, p *process.Process, path string) (int, string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get("http://" + p.Address() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// It answers its probes while it waits, is ready once everything is there, and is not while it ends, though it lives.
func TestALife(t *testing.T) {
	p := start(t)
	ctx, stop := context.WithCancel(t.Context())
	arrived, drained := make(chan error), make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- p.Run(ctx, func(ctx context.Context) error {
			peer, err := process.Await(ctx, p, "peer", func(context.Context) (string, error) { err := <-arrived; return "it", err })
			if err != nil || peer != "it" {
				return err
			}
			p.Begun()
			<-ctx.Done()
			<-drained
			return nil
		})
	}()
	readyz := func(code int, words string) {
		t.Helper()
		var (
			got  int
			text string
		)
		for end := time.Now().Add(time.Minute); got != code || !strings.Contains(text, words); time.Sleep(5 * time.Millisecond) {
			if got, text = get(t, p, "/readyz"); time.Now().After(end) {
				t.Fatalf("/readyz is %d %s, not %d %s", got, text, code, words)
			}
		}
		if got, _ := get(t, p, "/healthz"); got != http.StatusOK {
			t.Errorf("/healthz is %d", got)
		}
	}
	readyz(503, "peer: it has not answered yet\nrunning: not yet: it is starting")
	arrived <- fault.Wrap(errors.New("secret"), fault.Unavailable, "it is ill")
	readyz(503, "peer: it is ill\n")
	arrived <- nil
	readyz(200, "ready")
	if _, text := get(t, p, "/metrics"); !strings.Contains(text, "filmgate_build_info") {
		t.Error("no metrics")
	}
	stop()
	readyz(503, "running: no more: it is being stopped")
	close(drained)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestHowItEnds(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		stopped bool
		work    func(context.Context, *process.Process) error
		want    error
	}{
		"work that fails":             {work: func(context.Context, *process.Process) error { return broken }, want: broken},
		"work that fails at the stop": {stopped: true, work: func(_ context.Context, p *process.Process) error { p.Begun(); return broken }, want: broken},
		"a peer that is wrong": {work: func(ctx context.Context, p *process.Process) error {
			_, err := process.Await(ctx, p, "peer", func(context.Context) (int, error) { return 0, broken })
			return err
		}, want: broken},
		"stopped while it waits": {stopped: true, work: func(ctx context.Context, p *process.Process) error {
			_, err := process.Await(ctx, p, "peer", func(context.Context) (int, error) { return 0, fault.New(fault.Unavailable, "away") })
			return err
		}},
		"stopped while it waits for a driver of its own": {stopped: true, work: func(context.Context, *process.Process) error { return broken }},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t)
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			err := p.Run(ctx, func(ctx context.Context) error {
				if c.stopped {
					stop()
				}
				return c.work(ctx, p)
			})
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestABusyPortIsSaidAtOnce(t *testing.T) {
	p := start(t)
	if _, err := process.New(t.Context(), "test", telemetry.LogConfig{Level: "error"}, p.Address()); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), p.Address()) {
		t.Error(err)
	}
	if err := p.Run(t.Context(), func(context.Context) error { return nil }); err != nil {
		t.Error(err)
	}
}
