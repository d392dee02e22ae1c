package jobs

import (
	"context"
	"log/slog"
	"sync"
	"time"

	jobsv1 "filmgate.dev/proto/jobs/v1"
)

// Watcher keeps one Board per connected user.
type Watcher struct {
	edge Edge
	cfg  Config
	log  *slog.Logger
	work sync.WaitGroup

	mu     sync.Mutex
	boards map[user]*Board
}

// user is a user under one revision of the credentials: after a change, old connections end and new ones watch anew.
type user struct {
	id       string
	revision int64
}

// NewWatcher makes a watcher that asks edge.
func NewWatcher(edge Edge, cfg Config, log *slog.Logger) *Watcher {
	return &Watcher{edge: edge, cfg: cfg.Defaults(), log: log, boards: make(map[user]*Board)}
}

// Join answers the user's board, shared with the user's other connections. The caller calls leave once, when its
// connection is over.
func (w *Watcher) Join(p *jobsv1.Principal) (board *Board, leave func()) {
	key := user{p.GetUserId(), p.GetCredentialsRevision()}
	w.mu.Lock()
	defer w.mu.Unlock()
	b := w.boards[key]
	if b == nil {
		ctx, cancel := context.WithCancel(context.Background())
		b = newBoard(w.edge, w.cfg, key, cancel, w.log)
		w.boards[key] = b
		w.work.Go(func() { b.watch(ctx) })
	}
	b.joined++
	return b, func() { w.leave(b) }
}

func (w *Watcher) leave(b *Board) {
	w.mu.Lock()
	defer w.mu.Unlock()
	b.joined--
	if b.joined == 0 {
		b.cancel()
		delete(w.boards, b.user)
	}
}

// Joined answers how many connections the user has.
func (w *Watcher) Joined(p *jobsv1.Principal) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for key, b := range w.boards {
		if key.id == p.GetUserId() {
			n += b.joined
		}
	}
	return n
}

// Staleness answers for how long the most silent of the streams has said nothing; 0 when there is none.
func (w *Watcher) Staleness() (longest time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, b := range w.boards {
		longest = max(longest, b.silence())
	}
	return longest
}

// Wait returns when the streams of all boards that were left have ended.
func (w *Watcher) Wait() { w.work.Wait() }
