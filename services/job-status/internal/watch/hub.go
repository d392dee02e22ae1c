// Package watch tells edges within moments which jobs their connected users may see, and when a connection must end.
//
// The database is the only authority: one poller looks at the revisions of the accounts that are watched. Hints on the bus
// only make it look sooner, so losing one loses half a second.
package watch

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"filmgate.dev/services/job-status/internal/access"
	"filmgate.dev/services/job-status/internal/user"
)

// Store is what a watch reads.
type Store interface {
	Revisions(ctx context.Context, accounts []string) (map[string]int64, error)
	View(ctx context.Context, userID string) (access.View, error)
	Gone(ctx context.Context, u user.User, ids []string) ([]access.Access, error)
}

// Config of a Hub. The zero value is what production uses.
type Config struct {
	Poll      time.Duration // 500 ms
	Heartbeat time.Duration // 1 s: with a slow database behind it, still at least every 2 s
}

// Bounds of the work that watching makes.
const (
	queryTimeout = time.Second
	readers      = 4    // streams that read at the same time: a change of a big account wakes hundreds
	maxStreams   = 5000 // of one replica
)

// Hub is the one poller that all streams share.
type Hub struct {
	store   Store
	log     *slog.Logger
	config  Config
	wake    chan struct{}
	stopped chan struct{} // closed when Run ends
	readers chan struct{}

	mu      sync.Mutex
	streams map[*stream]bool
	frozen  bool
}

// NewHub makes a hub; Run makes it look.
func NewHub(s Store, log *slog.Logger, c Config) *Hub {
	if c.Poll == 0 {
		c.Poll = 500 * time.Millisecond
	}
	if c.Heartbeat == 0 {
		c.Heartbeat = time.Second
	}
	return &Hub{
		store: s, log: log, config: c,
		wake: make(chan struct{}, 1), stopped: make(chan struct{}), readers: make(chan struct{}, readers),
		streams: map[*stream]bool{},
	}
}

// Wake says that something was committed.
func (h *Hub) Wake() {
	select {
	case h.wake <- struct{}{}:
	default: // one wake-up is already waiting
	}
}

// Run polls until ctx ends, and then ends every stream.
func (h *Hub) Run(ctx context.Context) error {
	defer close(h.stopped)
	tick := time.NewTicker(h.config.Poll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-h.wake:
		case <-tick.C:
		}
		h.look(ctx)
	}
}

// look reads the revisions once and wakes the streams of accounts that changed.
func (h *Hub) look(ctx context.Context) {
	accounts := h.watched()
	if len(accounts) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	revisions, err := h.store.Revisions(ctx, accounts)
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return // stopping
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if was := h.frozen; was != (err != nil) {
		h.frozen = !was
		if err != nil {
			h.log.Warn("the database is away: watched jobs are frozen", "error", err)
		} else {
			h.log.Info("the database is back: watched jobs move again")
		}
	}
	if err != nil {
		return
	}
	for s := range h.streams {
		if revision := revisions[s.account]; s.revision != revision {
			s.revision = revision
			s.notify()
		}
	}
}

func (h *Hub) watched() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	set := map[string]bool{}
	for s := range h.streams {
		set[s.account] = true
	}
	list := make([]string, 0, len(set))
	for slug := range set {
		list = append(list, slug)
	}
	return list
}

func (h *Hub) isFrozen() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.frozen
}

// join adds a stream, if there is room.
func (h *Hub) join(s *stream) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.streams) >= maxStreams {
		return false
	}
	h.streams[s] = true
	return true
}

func (h *Hub) leave(s *stream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.streams, s)
}
