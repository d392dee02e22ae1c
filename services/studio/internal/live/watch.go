package live

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"filmgate.dev/pkg/events"

	"github.com/nats-io/nats.go"
)

const (
	// maxIDs is when naming what changed costs more than reading the page again.
	maxIDs = 300
	// maxUploads bounds the uploads remembered for one page.
	maxUploads = 500
	// quiet is when an upload that nobody speaks of any more is no longer shown.
	quiet = 6 * time.Second
)

// Change is what happened in a job since the last answer.
type Change struct {
	// Photos that came, went or changed.
	Photos []string
	// Everything has to be read again: messages may have been missed.
	Resync bool
	// Uploads running now; meaningful when UploadsChanged.
	Uploads        []events.UploadProgress
	UploadsChanged bool
}

// Watch gathers what happens in one job for one page.
type Watch struct {
	hub   *Hub
	owner Owner
	wake  chan struct{} // holds one token while something is pending
	done  chan struct{}
	once  sync.Once

	subs   []*nats.Subscription
	status chan nats.Status
	last   time.Time // of the last answer; Next has one caller

	mu             sync.Mutex
	photos         map[string]struct{}
	resync         bool
	uploads        map[string]upload
	uploadsChanged bool
}

type upload struct {
	events.UploadProgress
	heard time.Time
}

func newWatch(h *Hub, owner Owner) *Watch {
	return &Watch{
		hub: h, owner: owner,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
		photos: map[string]struct{}{}, uploads: map[string]upload{},
	}
}

func (w *Watch) subscribe(hints, progress string) error {
	hintSub, err := w.hub.nats.Subscribe(hints, w.hint)
	if err != nil {
		return err
	}
	w.subs = append(w.subs, hintSub)
	progressSub, err := w.hub.nats.Subscribe(progress, w.progress)
	if err != nil {
		return err
	}
	w.subs = append(w.subs, progressSub)
	// What was said while the connection was away is lost.
	w.status = w.hub.nats.StatusChanged(nats.CONNECTED)
	return w.hub.nats.FlushTimeout(2 * time.Second)
}

func (w *Watch) hint(msg *nats.Msg) {
	hint, err := events.DecodeHint(msg.Data)
	if err != nil {
		w.hub.log.Warn("unreadable hint", "subject", msg.Subject, "err", err)
		return
	}
	w.mu.Lock()
	// A hint without photos is about an album, or about too many photos to name.
	w.resync = w.resync || len(hint.PhotoIDs) == 0
	for _, id := range hint.PhotoIDs {
		w.photos[id] = struct{}{}
	}
	if w.resync || len(w.photos) > maxIDs {
		w.resync = true
		clear(w.photos)
	}
	w.mu.Unlock()
	w.stir()
}

func (w *Watch) progress(msg *nats.Msg) {
	progress, err := events.DecodeProgress(msg.Data)
	if err != nil {
		w.hub.log.Warn("unreadable progress", "subject", msg.Subject, "err", err)
		return
	}
	w.mu.Lock()
	for _, u := range progress.Uploads {
		_, known := w.uploads[u.UploadID]
		switch {
		case u.Done:
			delete(w.uploads, u.UploadID)
		case known || len(w.uploads) < maxUploads:
			w.uploads[u.UploadID] = upload{u, time.Now()}
		}
	}
	w.uploadsChanged = true
	w.mu.Unlock()
	w.stir()
}

func (w *Watch) stir() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Next waits for something to say, gathers a moment longer, and answers it all. After `patience` without anything it
// answers an empty Change, so that the caller can see whether its reader is still there. io.EOF says the watch is closed.
func (w *Watch) Next(ctx context.Context, patience time.Duration) (Change, error) {
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case <-w.wake:
	case _, open := <-w.status:
		if !open {
			return Change{}, io.EOF
		}
		w.mu.Lock()
		w.resync = true
		w.mu.Unlock()
	case <-timeout.C:
	case <-w.done:
		return Change{}, io.EOF
	case <-ctx.Done():
		return Change{}, ctx.Err()
	}
	if wait := w.hub.every - time.Since(w.last); wait > 0 {
		gather := time.NewTimer(wait)
		defer gather.Stop()
		select {
		case <-gather.C:
		case <-w.done:
			return Change{}, io.EOF
		case <-ctx.Done():
			return Change{}, ctx.Err()
		}
	}
	w.last = time.Now()
	return w.take(w.last), nil
}

// take empties what was gathered.
func (w *Watch) take(now time.Time) Change {
	w.mu.Lock()
	defer w.mu.Unlock()
	change := Change{Resync: w.resync, Photos: slices.Sorted(maps.Keys(w.photos))}
	clear(w.photos)
	w.resync = false
	for id, u := range w.uploads {
		if now.Sub(u.heard) > quiet {
			delete(w.uploads, id)
			w.uploadsChanged = true
		}
	}
	if change.UploadsChanged = w.uploadsChanged; change.UploadsChanged {
		change.Uploads = make([]events.UploadProgress, 0, len(w.uploads))
		for _, id := range slices.Sorted(maps.Keys(w.uploads)) {
			change.Uploads = append(change.Uploads, w.uploads[id].UploadProgress)
		}
	}
	w.uploadsChanged = false
	return change
}

// Close ends the watch and its subscriptions. It may be called twice and while Next waits.
func (w *Watch) Close() {
	w.once.Do(func() {
		close(w.done)
		w.hub.leave(w)
		for _, sub := range w.subs {
			// A connection that is closed has no subscription left to end.
			if err := sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) && !errors.Is(err, nats.ErrBadSubscription) {
				w.hub.log.Warn("end a live subscription", "err", err)
			}
		}
		if w.status != nil {
			w.hub.nats.RemoveStatusListener(w.status)
		}
	})
}
