// Package upload turns the packets of one incoming file back into a row of bytes and streams them into the bucket, so
// that no photo is ever whole in memory.
//
// Packets may come in any order and from several goroutines at once. A write waits for the bucket or for memory, never
// without limit for bytes that the client still owes: those might stand behind it in the same queue.
package upload

import (
	"context"
	"io"
	"sync"
	"time"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
)

// Config is the measures of an upload. The zero value of a field means its default.
type Config struct {
	Part       int64         // bytes of every part but the last; default 8 MiB
	Slack      int64         // how far beyond an unfinished part writes are taken; default 4 MiB
	Slab       int64         // unit of memory, a divisor of Part; default 256 KiB
	InFlight   int           // parts on their way to the bucket; default 2
	Floor      int64         // memory that an upload keeps from Reserve to its end; default 5 slabs
	GapWait    time.Duration // how long a write far beyond a gap waits for it to be filled; default 2 s
	MemoryWait time.Duration // how long a write waits for memory; default 30 s
	// Step hears of each step of Finish: hash, put, parts, complete, seal. It answers what ends the step; nil: nobody hears.
	Step func(ctx context.Context, name string) (inside context.Context, end func(error))
}

func (c Config) step(ctx context.Context, name string, do func(context.Context) error) error {
	if c.Step == nil {
		return do(ctx)
	}
	ctx, end := c.Step(ctx, name)
	err := do(ctx)
	end(err)
	return err
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
	set(&c.Floor, (spillSlabs+1)*c.Slab)
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

// Object is where an upload's bytes go: a small file by Put, a large one by Begin, Part and Complete. What cannot be
// finished yet is kept by Spill and Save.
type Object interface {
	Put(ctx context.Context, body Body, crc32c uint32) error
	Begin(ctx context.Context) error
	// Part stores part number n, counted from 1; parts may be stored at the same time.
	Part(ctx context.Context, n int, body Body, crc32c uint32) error
	// Spill stores a piece of the tail, and Tail reads it back.
	Spill(ctx context.Context, piece files.Piece, body Body) error
	Tail(ctx context.Context, piece files.Piece) (io.ReadCloser, error)
	// Save remembers how far the upload is; brokenOff lets anybody go on from there. Conflict when somebody does already.
	Save(ctx context.Context, c Checkpoint, brokenOff bool) error
	// Seal announces the whole file before it is made. Where it answers kept, whoever finds it from then on finishes it.
	Seal(ctx context.Context, r Result) (kept bool, err error)
	Complete(ctx context.Context, crc32c uint32) error
	// Abort removes whatever the other calls have left behind. Leave lets it be as it was last saved or sealed.
	Abort(ctx context.Context) error
	Leave(ctx context.Context) error
}

// ErrTaken ends an upload whose client has come back on another connection and goes on there.
var ErrTaken = fault.New(fault.Conflict, "the upload goes on on another connection")

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

	mu        sync.Mutex
	changed   chan struct{} // closed and renewed whenever a waiter should look again
	window    window
	declared  int64   // final size announced by the client; -1 = none
	failed    error   // poisons the handle
	choice    *Choice // what the client may go on from, until it is known whether it does
	concluded bool    // somebody ends it
	dropped   bool    // nothing of it is wanted
	closing   bool
	pausing   bool // broken off: nothing but whole parts is handed on
	begun     bool
	pumping   bool
	sealed    bool
	resumed   bool
	parts     int // handed on
	inFlight  int
	touched   bool // at least one byte was written

	prefix  int64         // bytes of a file that was there, which are read from the bucket
	tail    []files.Piece // pieces that stand at the window's start, and not in memory
	pieces  int           // number of the next one
	durable Checkpoint    // parts that are stored, without a gap
	saved   Checkpoint    // what is remembered
	marks   []mark        // parts on their way
	saving  bool

	spilling bool
	spare    int64 // bytes of the share that no slab takes
	floor    int64 // bytes that the share keeps
	opened   time.Time
	from     int64 // where the client began
	written  time.Time
}

// New begins an upload into object, with memory from budget. The end of ctx breaks off the transfer of parts.
func New(ctx context.Context, cfg Config, object Object, budget *Budget) *Upload {
	cfg = cfg.Defaults()
	ctx, cancel := context.WithCancel(ctx)
	return &Upload{
		cfg: cfg, object: object, budget: budget, share: budget.Join(), ctx: ctx, cancel: cancel,
		digest: newDigest(), changed: make(chan struct{}), window: newWindow(cfg.Slab), declared: -1,
		opened: time.Now(), written: time.Now(),
	}
}

// Offer lets the client go on from what is there instead of beginning anew. Call it before the first write.
func (u *Upload) Offer(c *Choice) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.choice = c
}

// Reserve waits for the memory that the upload keeps until its end, so that it never fails for want of memory once a byte
// was taken: a client that sends faster than there is memory waits, a slow one has its bytes stored early.
func (u *Upload) Reserve(ctx context.Context) error {
	if err := u.share.Reserve(ctx, u.cfg.Floor); err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.spare, u.floor = u.cfg.Floor, u.cfg.Floor
	return nil
}

// Reach answers how many bytes have arrived without a gap.
func (u *Upload) Reach() int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.choice != nil {
		return u.window.have.from(u.choice.Size)
	}
	return max(u.window.reach(), u.prefix)
}

// Resumed reports whether the client goes on from what was there. It is decided for good once the upload ends.
func (u *Upload) Resumed() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.resumed
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

// Drop ends the upload without a file. Nothing of it stays in the bucket; what the client could have gone on from does.
func (u *Upload) Drop(ctx context.Context) error {
	if !u.conclude() {
		return ErrEnding
	}
	defer u.end()
	u.mu.Lock()
	u.dropped = true
	u.fail(fault.New(fault.Unavailable, "the upload was interrupted"))
	u.mu.Unlock()
	u.work.Wait()
	return u.giveUp(ctx)
}

// Concluded reports whether somebody ends the upload already: a failure comes too late then.
func (u *Upload) Concluded() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.concluded
}

func (u *Upload) notify() {
	close(u.changed)
	u.changed = make(chan struct{})
}
