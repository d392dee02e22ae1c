package upload

import (
	"context"
	"slices"
	"sync"
)

// Budget is the memory that all uploads of a process share.
//
// Uploads that each hold a little and need a little more could wait for each other for ever. So one upload at a time may
// overdraw the budget, by at most what one upload ever holds: it finishes its part, the bucket takes it, and its memory
// is free again.
type Budget struct {
	mu       sync.Mutex
	total    int64
	free     int64
	joined   int64
	debtor   *Share
	waiting  []*claim // oldest share first
	slabSize int
	slabs    sync.Pool
}

// Share is what one upload holds of a Budget.
type Share struct {
	budget *Budget
	age    int64
	held   int64
}

// claim is a share that waits for n more bytes.
type claim struct {
	share  *Share
	bytes  int64
	strict bool // never overdraws
	ready  chan struct{}
}

// NewBudget makes a budget of so many bytes, dealt out in slabs.
func NewBudget(bytes int64, slab int) *Budget {
	b := &Budget{total: bytes, free: bytes, slabSize: slab}
	b.slabs.New = func() any { s := make([]byte, slab); return &s }
	return b
}

// Join makes a share that holds nothing yet.
func (b *Budget) Join() *Share {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.joined++
	return &Share{budget: b, age: b.joined}
}

// Free answers how many bytes nobody holds. It is below zero while a share overdraws.
func (b *Budget) Free() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.free
}

// Total answers how many bytes there are in all.
func (b *Budget) Total() int64 { return b.total }

// tight reports whether somebody waits for memory, or soon may.
func (b *Budget) tight() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting) > 0 || b.free < b.total/4
}

// Grow adds n bytes to the share, waiting until others give some back or ctx ends.
func (s *Share) Grow(ctx context.Context, n int64) error { return s.claim(ctx, n, false) }

// Reserve is Grow for those who can do without: it never overdraws.
func (s *Share) Reserve(ctx context.Context, n int64) error { return s.claim(ctx, n, true) }

// try is Reserve without waiting.
func (s *Share) try(n int64) bool {
	b := s.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) > 0 || n > b.free {
		return false
	}
	b.free -= n
	s.held += n
	return true
}

// Shrink gives back n bytes.
func (s *Share) Shrink(n int64) {
	if n == 0 {
		return
	}
	b := s.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	s.held -= n
	b.free += n
	if b.debtor != nil && (b.free >= 0 || b.debtor.held == 0) {
		b.debtor = nil
	}
	b.settle()
}

func (s *Share) claim(ctx context.Context, n int64, strict bool) error {
	b := s.budget
	b.mu.Lock()
	c := &claim{share: s, bytes: n, strict: strict, ready: make(chan struct{})}
	at, _ := slices.BinarySearchFunc(b.waiting, s.age+1, func(w *claim, age int64) int { return int(w.share.age - age) })
	b.waiting = slices.Insert(b.waiting, at, c)
	b.settle()
	b.mu.Unlock()
	select {
	case <-c.ready:
		return nil
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.Index(b.waiting, c); i >= 0 {
		b.waiting = slices.Delete(b.waiting, i, i+1)
		b.settle()
		return ctx.Err()
	}
	return nil // granted while ctx ended
}

// settle grants what can be granted: to the debtor always, to the others oldest first.
func (b *Budget) settle() {
	blocked, strictBlocked := false, false // who must not overdraw holds up nobody who may
	b.waiting = slices.DeleteFunc(b.waiting, func(c *claim) bool {
		switch {
		case c.share == b.debtor:
		case blocked || c.strict && strictBlocked:
			return false
		case c.bytes <= b.free:
		case !c.strict && b.debtor == nil:
			b.debtor = c.share
		case c.strict:
			strictBlocked = true
			return false
		default:
			blocked = true
			return false
		}
		b.free -= c.bytes
		c.share.held += c.bytes
		close(c.ready)
		return true
	})
}

func (b *Budget) slab() []byte { return *b.slabs.Get().(*[]byte) }

func (b *Budget) recycle(slabs [][]byte) {
	for _, slab := range slabs {
		b.slabs.Put(&slab)
	}
}
