// Package live tells an open page what changed in its job, while it changes.
//
// It carries hints, not records: a page that missed some is told to read everything again, never left wrong.
package live

import (
	"crypto/sha256"
	"log/slog"
	"sync"
	"time"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/fault"

	"github.com/nats-io/nats.go"
)

const (
	// maxPerSession is more than the tabs that anybody looks at.
	maxPerSession = 8
	maxWatches    = 2_000
	// DefaultEvery is how often at most a page is told something.
	DefaultEvery = 400 * time.Millisecond
)

// Owner is a session: watches are counted by it.
type Owner = [sha256.Size]byte

// Hub hands out watches, and ends them all when the service stops.
type Hub struct {
	nats  *nats.Conn
	every time.Duration
	log   *slog.Logger

	mu      sync.Mutex
	closed  bool
	watches map[*Watch]struct{}
	owners  map[Owner]int
}

// New makes a Hub whose watches answer at most once per `every`.
func New(nc *nats.Conn, every time.Duration, log *slog.Logger) *Hub {
	return &Hub{nats: nc, every: every, log: log, watches: map[*Watch]struct{}{}, owners: map[Owner]int{}}
}

// Watch listens to one job. The caller closes the watch.
func (h *Hub) Watch(owner Owner, account, job string) (*Watch, error) {
	hints, err := events.HintSubject(account, job)
	if err != nil {
		return nil, err
	}
	progress, err := events.ProgressSubject(account, job)
	if err != nil {
		return nil, err
	}
	w := newWatch(h, owner)
	if err := w.subscribe(hints, progress); err != nil {
		w.Close()
		return nil, fault.Wrap(err, fault.Unavailable, "live updates are not available at the moment")
	}
	// Entered last: from here on Close may close it.
	if err := h.enter(w); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

func (h *Hub) enter(w *Watch) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return fault.New(fault.Unavailable, "the server is stopping")
	case h.owners[w.owner] >= maxPerSession:
		return fault.New(fault.Unavailable, "too many open pages: this one does not update by itself")
	case len(h.watches) >= maxWatches:
		return fault.New(fault.Unavailable, "too many people are watching: this page does not update by itself")
	}
	h.watches[w] = struct{}{}
	h.owners[w.owner]++
	return nil
}

func (h *Hub) leave(w *Watch) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.watches[w]; !ok {
		return
	}
	delete(h.watches, w)
	if h.owners[w.owner]--; h.owners[w.owner] == 0 {
		delete(h.owners, w.owner)
	}
}

// Close ends every watch; new ones are refused.
func (h *Hub) Close() {
	h.mu.Lock()
	h.closed = true
	open := make([]*Watch, 0, len(h.watches))
	for w := range h.watches {
		open = append(open, w)
	}
	h.mu.Unlock()
	for _, w := range open {
		w.Close()
	}
}

// Open answers how many watches there are.
func (h *Hub) Open() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.watches)
}
