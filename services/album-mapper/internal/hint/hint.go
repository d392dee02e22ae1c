// Package hint tells whoever looks at a job that its catalog changed, a few times a second at most.
//
// A hint is no record: it says what to read again, and one that is lost costs a page a moment, not the truth.
package hint

import (
	"context"
	"sync"
	"time"

	"filmgate.dev/pkg/events"
)

// every is how often a job's watchers are told at most.
const every = 250 * time.Millisecond

// most bounds the ids of one hint; a reader that sees an album reads its photos again anyway.
const most = 400

type job struct{ account, id string }

type changed struct{ albums, photos map[string]bool }

// Changes are what one transaction touched, by job.
type Changes map[job]*changed

// Job notes that something of a job changed.
func (c Changes) Job(account, id string) { c.of(account, id) }

// Album notes a changed album.
func (c Changes) Album(account, id, album string) { c.of(account, id).albums[album] = true }

// Photo notes a changed photo and its album.
func (c Changes) Photo(account, id, album, photo string) {
	one := c.of(account, id)
	one.albums[album], one.photos[photo] = true, true
}

func (c Changes) of(account, id string) *changed {
	key := job{account, id}
	one, ok := c[key]
	if !ok {
		one = &changed{albums: map[string]bool{}, photos: map[string]bool{}}
		c[key] = one
	}
	return one
}

// Teller gathers changes and tells them.
type Teller struct {
	Say func(account string, hint events.Hint)

	mu      sync.Mutex
	waiting Changes
	wake    chan struct{}
}

// New makes a Teller that says hints by say.
func New(say func(account string, hint events.Hint)) *Teller {
	return &Teller{Say: say, waiting: Changes{}, wake: make(chan struct{}, 1)}
}

// Add takes over what a committed transaction touched.
func (t *Teller) Add(changes Changes) {
	if len(changes) == 0 {
		return
	}
	t.mu.Lock()
	for key, more := range changes {
		one := t.waiting.of(key.account, key.id)
		for id := range more.albums {
			one.albums[id] = true
		}
		for id := range more.photos {
			one.photos[id] = true
		}
	}
	t.mu.Unlock()
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// Run tells until ctx ends. The first change after a quiet time is told at once.
func (t *Teller) Run(ctx context.Context) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.wake:
		}
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		t.tell()
		pause.Reset(every)
	}
}

func (t *Teller) tell() {
	t.mu.Lock()
	waiting := t.waiting
	t.waiting = Changes{}
	t.mu.Unlock()
	for key, one := range waiting {
		t.Say(key.account, events.Hint{JobID: key.id, AlbumIDs: some(one.albums), PhotoIDs: some(one.photos)})
	}
}

func some(set map[string]bool) []string {
	ids := make([]string, 0, min(len(set), most))
	for id := range set {
		if len(ids) == most {
			break
		}
		ids = append(ids, id)
	}
	return ids
}
