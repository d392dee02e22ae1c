package jobs

import (
	"sync"
	"time"
)

// maxBegun bounds what is remembered of one user. Beyond it, new uploads have no grace.
const maxBegun = 10_000

// Begun remembers which files a user began to upload while that was allowed: they may be finished, tidied up and looked
// at for a while after their job has disappeared.
type Begun struct {
	grace time.Duration

	mu    sync.Mutex
	files map[string]begun
}

type begun struct {
	open  int
	until time.Time // counts once open is 0
}

func newBegun(grace time.Duration) *Begun {
	return &Begun{grace: grace, files: make(map[string]begun)}
}

// Open notes that the upload of a file begins.
func (b *Begun) Open(file string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.prune(); len(b.files) >= maxBegun {
		return
	}
	f := b.files[file]
	f.open++
	b.files[file] = f
}

// Close notes that the upload of a file is over; its grace begins.
func (b *Begun) Close(file string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if f, ok := b.files[file]; ok {
		f.open = max(0, f.open-1)
		f.until = time.Now().Add(b.grace)
		b.files[file] = f
	}
}

// Move gives a file's grace to the name that it now has.
func (b *Begun) Move(from, to string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if f, ok := b.files[from]; ok && f.open == 0 {
		delete(b.files, from)
		b.files[to] = f
	}
}

// Has reports whether the file was begun, and is open or within its grace.
func (b *Begun) Has(file string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	f, ok := b.files[file]
	return ok && (f.open > 0 || time.Now().Before(f.until))
}

// prune forgets what has no grace left, when there is much to remember.
func (b *Begun) prune() {
	if len(b.files) < maxBegun/2 {
		return
	}
	now := time.Now()
	for file, f := range b.files {
		if f.open == 0 && now.After(f.until) {
			delete(b.files, file)
		}
	}
}
