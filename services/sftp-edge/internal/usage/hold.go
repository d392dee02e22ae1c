package usage

import (
	"context"
	"sync"
	"sync/atomic"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
)

// Folder is a folder to put something into, or a job where ID is files.Root. The names are for the words of a refusal.
type Folder struct {
	Job     files.Job
	JobName string
	ID      string
	Name    string
}

// Hold is the room that one running upload takes in its folder and its job.
type Hold struct {
	meter   *Meter
	into    Folder
	folder  *tally // nil: it takes no name there, because it is the next version of a file that is there
	job     *tally // nil: jobs have no quota
	names   int64  // 1, or 0 for a next version
	instead int64  // bytes of the version that it replaces

	growing sync.Mutex
	paid    int64        // bytes taken in the job
	room    atomic.Int64 // up to here it may grow without asking
}

// Enter makes sure that a folder has room for one more name: a file or section in an album, an album in a job. Changed
// notes that it is there.
func (m *Meter) Enter(ctx context.Context, into Folder) error {
	t, err := m.name(ctx, into)
	if t != nil {
		m.give(t, amount{names: 1})
	}
	return err
}

// File takes room for a file, which may be the next version of base.
func (m *Meter) File(ctx context.Context, into Folder, base *files.Entry) (*Hold, error) {
	h := &Hold{meter: m, into: into}
	if base != nil {
		h.instead = base.Bytes
	} else {
		h.names, h.paid = 1, 1 // a job that has not a byte left takes no file, not even an empty one
		t, err := m.name(ctx, into)
		if err != nil {
			return nil, err
		}
		h.folder = t
	}
	h.room.Store(h.instead + h.paid)
	if !m.limits.quota() {
		return h, nil
	}
	t := m.tally(place{job: into.Job})
	if err := m.take(ctx, t, amount{h.names, h.paid}, h.quota(), h.refuse); err != nil {
		h.Drop()
		return nil, err
	}
	h.job = t
	return h, nil
}

// name takes a name in a folder; nil where there is no limit.
func (m *Meter) name(ctx context.Context, into Folder) (*tally, error) {
	most, words := m.limits.Names, fullFolder
	if into.ID == files.Root {
		most, words = m.limits.Folders, fullOfAlbums
	}
	if most == 0 {
		return nil, nil
	}
	t := m.tally(place{into.Job, into.ID})
	err := m.take(ctx, t, amount{names: 1}, amount{names: most}, func(held amount) error { return words(into, held.names) })
	if err != nil {
		return nil, err
	}
	return t, nil
}

func (h *Hold) quota() amount { return amount{h.meter.limits.Files, h.meter.limits.Bytes} }

func (h *Hold) refuse(held amount) error { return fullJob(h.into, h.meter.limits, held) }

// Has reports whether there is room up to an end without Grow.
func (h *Hold) Has(end int64) bool { return h.job == nil || end <= h.room.Load() }

// Grow takes room for bytes up to an end. It never fails because the log does not answer: what was begun is finished.
func (h *Hold) Grow(ctx context.Context, end int64) error {
	if h.Has(end) {
		return nil
	}
	h.growing.Lock()
	defer h.growing.Unlock()
	for _, to := range []int64{(end + step - 1) / step * step, end} { // near the limit what is needed, and no more
		more := to - h.room.Load()
		if more <= 0 {
			return nil
		}
		err := h.meter.take(ctx, h.job, amount{bytes: more}, h.quota(), h.refuse)
		switch {
		case err == nil:
			h.paid += more
		case fault.Is(err, fault.Denied) && to != end:
			continue
		case fault.Is(err, fault.Denied):
			return err
		}
		h.room.Store(to)
		return nil
	}
	return nil
}

// Land ends the hold: the file is there now, with so many bytes.
func (h *Hold) Land(bytes int64) {
	h.meter.changed(h.into.Job, h.into.ID, amount{names: h.names})
	h.meter.changed(h.into.Job, "", amount{h.names, bytes - h.instead})
	h.Drop()
}

// Drop ends the hold: nothing of the upload is there. After Land it does nothing.
func (h *Hold) Drop() {
	if h.folder != nil {
		h.meter.give(h.folder, amount{names: 1})
	}
	if h.job != nil {
		h.meter.give(h.job, amount{h.names, h.paid})
	}
	h.folder, h.job = nil, nil
}

// Room answers a job's quota and what is left of it; limited is false where jobs have none.
func (m *Meter) Room(ctx context.Context, job files.Job) (quota, free files.Holding, limited bool, err error) {
	if !m.limits.quota() {
		return quota, free, false, nil
	}
	t := m.tally(place{job: job})
	err = m.take(ctx, t, amount{}, amount{}, nil) // nothing is never too much
	m.mu.Lock()
	defer m.mu.Unlock()
	now := t.now()
	quota = files.Holding{Files: m.limits.Files, Bytes: m.limits.Bytes}
	free = files.Holding{Files: max(0, quota.Files-now.names), Bytes: max(0, quota.Bytes-now.bytes)}
	return quota, free, true, err
}
