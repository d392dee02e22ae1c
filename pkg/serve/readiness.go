package serve

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"filmgate.dev/pkg/fault"
)

// checkTimeout bounds one readiness check.
const checkTimeout = 2 * time.Second

// Readiness is a set of named checks behind /readyz. The zero value is ready.
type Readiness struct {
	mu     sync.Mutex
	checks map[string]func(context.Context) error
}

// Add puts a check under a name; a second one of the same name replaces the first.
func (r *Readiness) Add(name string, check func(context.Context) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.checks == nil {
		r.checks = map[string]func(context.Context) error{}
	}
	r.checks[name] = check
}

// Check answers what is not ready, by name.
func (r *Readiness) Check(ctx context.Context) map[string]error {
	r.mu.Lock()
	checks := make(map[string]func(context.Context) error, len(r.checks))
	for name, check := range r.checks {
		checks[name] = check
	}
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	var (
		mu     sync.Mutex
		wg     sync.WaitGroup
		failed = map[string]error{}
	)
	for name, check := range checks {
		wg.Go(func() {
			if err := check(ctx); err != nil {
				mu.Lock()
				failed[name] = err
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return failed
}

// Register serves /healthz (this process runs) and /readyz (every check passes; otherwise a line for each that fails, with
// the words that its error has for strangers).
func (r *Readiness) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, req *http.Request) {
		failed := r.Check(req.Context())
		if len(failed) == 0 {
			fmt.Fprintln(w, "ready")
			return
		}
		names := slices.Sorted(maps.Keys(failed))
		said := "not ready: " + strings.Join(names, ", ")
		for _, name := range names {
			said += "\n" + name + ": " + fault.Message(failed[name]) // never the cause: it may hold addresses
		}
		http.Error(w, said, http.StatusServiceUnavailable)
	})
}

// Handler serves /healthz and /readyz alone.
func (r *Readiness) Handler() http.Handler {
	mux := http.NewServeMux()
	r.Register(mux)
	return mux
}
