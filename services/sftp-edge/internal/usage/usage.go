// Package usage knows how much the jobs and their folders hold, so that an edge can uphold limits at OPEN without a listing
// for each.
//
// The files log is asked now and then; between two askings this edge adds what it changes itself. What other edges add
// meanwhile is seen at the next asking, so together they may exceed a limit by what they take in for half a minute.
package usage

import (
	"context"
	"sync"
	"time"

	"filmgate.dev/pkg/files"
)

const (
	fresh   = 30 * time.Second // how long an answer of the log serves while there is room
	sure    = time.Second      // how old an answer may be to refuse something
	maxSize = 2000             // folders and jobs that are remembered while nothing runs in them
	// maxPlaces bounds a folder's places with those of lately, so that it can always be listed.
	maxPlaces = files.Listable / 10 * 9
	// step is how much room a growing upload takes at a time.
	step = 1 << 20
)

// Limits are what may be held. Zero is without limit.
type Limits struct {
	Names   int64 // files and folders in a folder
	Folders int64 // albums in a job
	Bytes   int64 // in a job
	Files   int64 // in a job
}

// quota reports whether jobs are limited.
func (l Limits) quota() bool { return l.Bytes > 0 || l.Files > 0 }

// Log is where it is asked what there is.
type Log interface {
	Count(ctx context.Context, job files.Job, folder string) (int, error)
	List(ctx context.Context, job files.Job, folder string) ([]files.Entry, error)
	Held(ctx context.Context, job files.Job) (files.Holding, error)
}

// Meter knows what is held. It owns no goroutine.
type Meter struct {
	log    Log
	limits Limits
	now    func() time.Time

	mu      sync.Mutex
	tallies map[place]*tally
}

// place is a folder, or a whole job where folder is "".
type place struct {
	job    files.Job
	folder string
}

// tally is what is known about one place.
type tally struct {
	place
	asking chan struct{} // taken by whoever asks the log

	// guarded by the meter
	asked   time.Time // when the log answered last; zero is never
	exact   bool      // or an upper bound
	held    amount    // what it answered
	since   amount    // what this edge changed since it was asked
	running amount    // what is being uploaded here
}

// now is the best that is known.
func (t *tally) now() amount { return t.held.plus(t.since).plus(t.running) }

type amount struct{ names, bytes int64 }

func (a amount) plus(b amount) amount  { return amount{a.names + b.names, a.bytes + b.bytes} }
func (a amount) minus(b amount) amount { return amount{a.names - b.names, a.bytes - b.bytes} }

// takes reports whether more fits in. What needs no room always does, also where there is too much already.
func (a amount) takes(more, most amount) bool {
	fits := func(a, more, most int64) bool { return most == 0 || more <= 0 || a+more <= most }
	return fits(a.names, more.names, most.names) && fits(a.bytes, more.bytes, most.bytes)
}

// New makes a meter that knows nothing yet.
func New(log Log, limits Limits) *Meter {
	return &Meter{log: log, limits: limits, now: time.Now, tallies: make(map[place]*tally)}
}

func (m *Meter) tally(p place) *tally {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.tallies[p]
	if !ok {
		m.prune()
		t = &tally{place: p, asking: make(chan struct{}, 1)}
		m.tallies[p] = t
	}
	return t
}

// prune forgets places when there are many: first those that would be asked about anyhow, and if that is not enough, all
// in which nothing runs.
func (m *Meter) prune() {
	for _, all := range []bool{false, true} {
		if len(m.tallies) < maxSize {
			return
		}
		for p, t := range m.tallies {
			if t.running == (amount{}) && (all || m.now().Sub(t.asked) > fresh) {
				delete(m.tallies, p)
			}
		}
	}
}

// take makes room for something in a place, or answers why there is none.
func (m *Meter) take(ctx context.Context, t *tally, add, most amount, full func(held amount) error) error {
	for {
		verdict, held := m.look(t, add, most)
		switch verdict {
		case taken:
			return nil
		case refused:
			return full(held)
		}
		if err := m.ask(ctx, t, verdict == askExactly); err != nil {
			return err
		}
	}
}

type verdict int

const (
	taken verdict = iota
	refused
	ask
	askExactly
)

// look decides by what is known, and takes the room if there is some.
func (m *Meter) look(t *tally, add, most amount) (verdict, amount) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now, age := t.now(), m.now().Sub(t.asked)
	fits := now.takes(add, most)
	switch {
	case t.asked.IsZero() || fits && age > fresh:
		return ask, now
	case fits:
		t.running = t.running.plus(add)
		return taken, now
	case t.exact && age <= sure:
		return refused, now
	}
	return askExactly, now
}

// give gives back what was taken.
func (m *Meter) give(t *tally, a amount) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t.running = t.running.minus(a)
}

// ask asks the log, unless somebody did meanwhile.
func (m *Meter) ask(ctx context.Context, t *tally, exactly bool) error {
	m.mu.Lock()
	before := t.asked
	m.mu.Unlock()
	select {
	case t.asking <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-t.asking }()
	m.mu.Lock()
	known := t.since // what was done before the question is in its answer
	if t.asked != before {
		m.mu.Unlock()
		return nil
	}
	m.mu.Unlock()
	held, exact, err := m.read(ctx, t.place, exactly)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	t.held, t.exact, t.asked, t.since = held, exact, m.now(), t.since.minus(known)
	return nil
}

func (m *Meter) read(ctx context.Context, p place, exactly bool) (held amount, exact bool, err error) {
	if p.folder == "" {
		h, err := m.log.Held(ctx, p.job)
		return amount{h.Files, h.Bytes}, true, err
	}
	places, err := m.log.Count(ctx, p.job, p.folder)
	if err != nil || !exactly {
		return amount{names: int64(places)}, false, err
	}
	if places >= maxPlaces {
		return amount{}, false, wornOut()
	}
	list, err := m.log.List(ctx, p.job, p.folder)
	return amount{names: int64(len(list))}, true, err
}

// Changed notes that this edge has added a file or folder, or (n is -1) taken it away.
func (m *Meter) Changed(e files.Entry, n int64) {
	m.changed(e.Job, e.Parent, amount{names: n})
	if !e.Folder() {
		m.changed(e.Job, "", amount{n, n * e.Bytes})
	}
}

// changed keeps a change in mind where something is known; elsewhere the log will be asked.
func (m *Meter) changed(job files.Job, folder string, a amount) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if t, ok := m.tallies[place{job, folder}]; ok {
		t.since = t.since.plus(a)
	}
}
