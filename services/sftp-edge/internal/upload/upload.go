// Package upload turns the packets of one incoming file back into a row of bytes and streams them into the bucket, so
// that no photo is ever whole in memory.
//
// Packets may come in any order and from several goroutines at once. A write waits for the bucket or for memory, never
// without limit for bytes that the client still owes: those might stand behind it in the same queue.
package upload

import (
	"context"
	"sync"
	"time"

	"filmgate.dev/pkg/fault"
)

// Config is the measures of an upload. The zero value of a field means its default.
type Config struct {
	Part       int64         // bytes of every part but the last; default 8 MiB
	Slack      int64         // how far beyond an unfinished part writes are taken; default 4 MiB
	Slab       int64         // unit of memory, a divisor of Part; default 256 KiB
	InFlight   int           // parts on their way to the bucket; default 2
	GapWait    time.Duration // how long a write far beyond a gap waits for it to be filled; default 2 s
	MemoryWait time.Duration // how long a write waits for memory; default 30 s
}

// Defaults fills in what was left zero.
func (c Config) Defaults() Config {
	set := func(v *int64, d int64) {
		if *v == 0 {
			*v = d
		}
	}
	set(&c.Part, 8<<20)
	set(&c.Slack, 4<<20)
	set(&c.Slab, 256<<10)
	set((*int64)(&c.GapWait), int64(2*time.Second))
	set((*int64)(&c.MemoryWait), int64(30*time.Second))
	if c.InFlight == 0 {
		c.InFlight = 2
	}
	return c
}

const (
	maxParts = 10_000 // the S3 protocol's limit
	maxSpans = 4096   // gaps in the window before a client is taken for hostile
)

// Object is where an upload's bytes go: a small file by Put, a large one by Begin, Part and Complete.
type Object interface {
	Put(ctx context.Context, body Body, crc32c uint32) error
	Begin(ctx context.Context) error
	// Part stores part number n, counted from 1; parts may be stored at the same time.
	Part(ctx context.Context, n int, body Body, crc32c uint32) error
	Complete(ctx context.Context, crc32c uint32) error
	// Abort removes whatever the other calls have left behind.
	Abort(ctx context.Context) error
}

// Upload is one file on its way in.
type Upload struct {
	cfg    Config
	object Object
	budget *Budget
	share  *Share
	ctx    context.Context // ends the transfer of parts
	cancel context.CancelFunc
	work   sync.WaitGroup
	digest digest // by the pump; by Finish once the pump has ended

	mu       sync.Mutex
	changed  chan struct{} // closed and renewed whenever a waiter should look again
	window   window
	declared int64 // final size announced by the client; -1 = none
	failed   error // poisons the handle
	closing  bool
	pumping  bool
	parts    int // handed on
	inFlight int
	touched  bool // at least one byte was written
}

// New begins an upload into object, with memory from budget. The end of ctx breaks off the transfer of parts.
func New(ctx context.Context, cfg Config, object Object, budget *Budget) *Upload {
	cfg = cfg.Defaults()
	ctx, cancel := context.WithCancel(ctx)
	return &Upload{
		cfg: cfg, object: object, budget: budget, share: budget.Join(), ctx: ctx, cancel: cancel,
		digest: newDigest(), changed: make(chan struct{}), window: newWindow(cfg.Slab), declared: -1,
	}
}

// Reach answers how many bytes have arrived without a gap.
func (u *Upload) Reach() int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.window.reach()
}

// Touched reports whether anything was written.
func (u *Upload) Touched() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.touched
}

// Declare announces the final size. It only matters at Finish: writes sent before it may still be on their way.
func (u *Upload) Declare(size int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.declared = size
}

// Declared answers the announced final size, if there is one.
func (u *Upload) Declared() (int64, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.declared, u.declared >= 0
}

// Fail poisons the upload: every later write and Finish answer err. The first failure stays.
func (u *Upload) Fail(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.fail(err)
}

func (u *Upload) fail(err error) {
	if u.failed == nil {
		u.failed = err
		u.cancel()
	}
	u.release(u.window.clear())
	u.notify()
}

// Drop ends the upload without a file. Nothing of it stays in the bucket.
func (u *Upload) Drop(ctx context.Context) error {
	u.Fail(fault.New(fault.Unavailable, "the upload was interrupted"))
	u.work.Wait()
	return u.object.Abort(ctx)
}

func (u *Upload) release(slabs [][]byte) {
	u.budget.recycle(slabs)
	u.share.Shrink(int64(len(slabs)) * u.cfg.Slab)
}

func (u *Upload) notify() {
	close(u.changed)
	u.changed = make(chan struct{})
}
