package sftpd

import (
	"slices"
	"sync"
	"time"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/services/sftp-edge/internal/original"
	"filmgate.dev/services/sftp-edge/internal/progress"
)

// Transfers are the uploads that run on this edge.
type Transfers struct {
	mu    sync.Mutex
	open  map[string][]*writer // by place, newest last
	ended []progress.Upload    // since progress was last asked for
	empty chan struct{}        // closed when nothing is open any more, if somebody waits
}

// maxEnded bounds what is kept for a progress that nobody asks for.
const maxEnded = 1000

// NewTransfers makes an empty register.
func NewTransfers() *Transfers { return &Transfers{open: make(map[string][]*writer)} }

// add registers an upload. An older one to the same place can no longer land: its client has begun anew.
func (t *Transfers) add(w *writer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, older := range t.open[w.key] {
		older.upload.Fail(fault.New(fault.Conflict, "replaced by a newer upload of the same name"))
	}
	t.open[w.key] = append(t.open[w.key], w)
}

func (t *Transfers) remove(w *writer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !slices.Contains(t.open[w.key], w) {
		return
	}
	left := slices.DeleteFunc(t.open[w.key], func(o *writer) bool { return o == w })
	if len(left) == 0 {
		delete(t.open, w.key)
	} else {
		t.open[w.key] = left
	}
	if len(t.ended) < maxEnded {
		done := w.progress()
		done.Done = true
		t.ended = append(t.ended, done)
	}
	if len(t.open) == 0 && t.empty != nil {
		close(t.empty)
		t.empty = nil
	}
}

// at answers the newest upload of a user to a place.
func (t *Transfers) at(key, user string) *writer {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, w := range slices.Backward(t.open[key]) {
		if w.user() == user {
			return w
		}
	}
	return nil
}

// into answers the uploads into a folder.
func (t *Transfers) into(folder string) []*writer {
	t.mu.Lock()
	defer t.mu.Unlock()
	var found []*writer
	for _, ws := range t.open {
		for _, w := range ws {
			if w.folder.ID == folder || w.folder.Parent == folder {
				found = append(found, w)
			}
		}
	}
	return found
}

// all answers every upload.
func (t *Transfers) all() []*writer {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []*writer
	for _, ws := range t.open {
		list = append(list, ws...)
	}
	return list
}

// Idle waits until nothing is open, at most so long.
func (t *Transfers) Idle(most time.Duration) {
	t.mu.Lock()
	if len(t.open) == 0 {
		t.mu.Unlock()
		return
	}
	empty := make(chan struct{})
	t.empty = empty
	t.mu.Unlock()
	select {
	case <-empty:
	case <-time.After(most):
	}
}

// Progress answers how far every upload is, and those that ended since it was last asked.
func (t *Transfers) Progress() []progress.Upload {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := t.ended
	t.ended = nil
	for _, ws := range t.open {
		for _, w := range ws {
			list = append(list, w.progress())
		}
	}
	return list
}

// Originals answers the objects that are being written.
func (t *Transfers) Originals() []*original.Original {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []*original.Original
	for _, ws := range t.open {
		for _, w := range ws {
			list = append(list, w.object)
			if old := w.old.Load(); old != nil {
				list = append(list, old)
			}
		}
	}
	return list
}

// count answers how many uploads run.
func (t *Transfers) count() (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, ws := range t.open {
		n += len(ws)
	}
	return n
}
