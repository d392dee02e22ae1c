package jobs

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"filmgate.dev/pkg/fault"
	jobsv1 "filmgate.dev/proto/jobs/v1"
)

// Board is what one user may see, now.
type Board struct {
	edge   Edge
	cfg    Config
	user   user
	cancel context.CancelFunc
	log    *slog.Logger
	ready  chan struct{} // closed by the first snapshot
	ended  chan struct{} // closed when the user may no longer be connected
	begun  *Begun
	made   time.Time
	joined int // guarded by the watcher

	mu     sync.Mutex
	jobs   map[string]Job // by folded name; also the invisible ones that we heard of
	heard  time.Time      // when the stream last spoke
	frozen time.Time      // since when job-status speaks without its database
	reason string         // of the end
}

func newBoard(edge Edge, cfg Config, user user, cancel context.CancelFunc, log *slog.Logger) *Board {
	return &Board{
		edge: edge, cfg: cfg, user: user, cancel: cancel, log: log,
		ready: make(chan struct{}), ended: make(chan struct{}), jobs: make(map[string]Job), begun: newBegun(cfg.Grace), made: time.Now(),
	}
}

// Ended is closed when the user's connections must be closed; Reason then says why.
func (b *Board) Ended() <-chan struct{} { return b.ended }

// Reason says why the user may no longer be connected.
func (b *Board) Reason() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.reason
}

// Begun answers what the user has begun to upload.
func (b *Board) Begun() *Begun { return b.begun }

// List answers the visible jobs in the order of their names.
func (b *Board) List(ctx context.Context) ([]Job, error) {
	if err := b.await(ctx); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []Job
	for _, job := range b.jobs {
		if job.Visible {
			list = append(list, job)
		}
	}
	slices.SortFunc(list, func(x, y Job) int { return cmp.Compare(fold(x.Name), fold(y.Name)) })
	return list, nil
}

// await waits for the first snapshot.
func (b *Board) await(ctx context.Context) error {
	select {
	case <-b.ready:
		return nil
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Silence)
	defer cancel()
	select {
	case <-b.ready:
		return nil
	case <-ctx.Done():
		return fault.New(fault.Unavailable, "the list of jobs is not available right now; try again in a minute")
	}
}

// Known answers what was last heard of the job, without asking anybody.
func (b *Board) Known(name string) (Job, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	job, ok := b.jobs[fold(name)]
	return job, ok
}

// Find answers the job, if it is visible.
func (b *Board) Find(ctx context.Context, name string) (Job, error) {
	if err := b.await(ctx); err != nil {
		return Job{}, err
	}
	if job, ok := b.Known(name); ok && job.Visible {
		return job, nil
	}
	return Job{}, fault.New(fault.NotFound, "there is no job %q", name)
}

// Writable answers the job if something new may be made in it, or why not in words. The answer is at most cfg.Silence
// old, unless job-status cannot be reached.
func (b *Board) Writable(ctx context.Context, name string) (Job, error) {
	job, known := b.Known(name)
	if !known || !b.fresh(0) {
		asked, err := b.ask(ctx, name)
		switch {
		case err == nil:
			job, known = asked, true
		case fault.Is(err, fault.NotFound):
			known = false
		case !known && b.fresh(0): // the snapshot had it not
		case !b.fresh(b.cfg.Serve):
			return Job{}, fault.Wrap(err, fault.Unavailable, "it cannot be checked right now whether the job takes uploads; try again in a minute")
		}
	}
	switch {
	case !known:
		return Job{}, fault.New(fault.NotFound, "there is no job %q", name)
	case !job.Writable && job.Reason == "":
		return Job{}, fault.New(fault.Denied, "job %s takes no uploads", job.Name)
	case !job.Writable:
		return Job{}, fault.New(fault.Denied, "%s", job.Reason)
	}
	return job, nil
}

// silence answers for how long the stream has said nothing.
func (b *Board) silence() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.heard.IsZero() {
		return time.Since(b.made)
	}
	return time.Since(b.heard)
}

// fresh reports whether the stream spoke within the silence, or so much longer ago.
func (b *Board) fresh(longer time.Duration) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.heard.IsZero() && time.Since(b.heard) <= b.cfg.Silence+longer
}

func (b *Board) ask(ctx context.Context, name string) (Job, error) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Check)
	defer cancel()
	access, err := b.edge.CheckJob(ctx, &jobsv1.CheckJobRequest{UserId: b.user.id, InternalName: name})
	if err != nil {
		return Job{}, fault.FromStatus(err)
	}
	job := jobOf(access)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.jobs[fold(job.Name)] = job
	return job, nil
}
