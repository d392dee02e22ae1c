package watch

import (
	"context"
	"time"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/services/job-status/internal/access"
	"filmgate.dev/services/job-status/internal/user"
)

// Sink takes what a stream says, in order: one snapshot first. An error from it ends the stream.
type Sink interface {
	Snapshot(access.View) error
	Change(jobs []access.Access, revision int64) error
	Heartbeat(revision int64, frozen bool) error
	// Ended is the last: the user's connections must be closed, for a reason in words.
	Ended(reason string) error
}

// stream is one user's watch. It holds what the edge was told; nothing is queued but the fact that something changed.
type stream struct {
	account  string
	changed  chan struct{}
	revision int64 // guarded by the hub: the revision it was last woken for

	view  access.View // what was told
	known map[string]access.Access
}

func (s *stream) notify() {
	select {
	case s.changed <- struct{}{}:
	default: // it will read everything anyway
	}
}

// Watch streams what the user sees until ctx ends, the user may no longer be connected, or the hub stops.
// credentials is the revision under which the connection was authenticated.
func (h *Hub) Watch(ctx context.Context, userID string, credentials int64, sink Sink) error {
	view, err := h.read(ctx, userID)
	if fault.Is(err, fault.NotFound) {
		return sink.Ended("this user no longer exists; ask your studio")
	}
	if err != nil {
		return err
	}
	if reason := mustEnd(view.User, credentials); reason != "" {
		return sink.Ended(reason)
	}
	s := &stream{account: view.User.Account, revision: view.Revision, changed: make(chan struct{}, 1), view: view, known: byID(view.Jobs)}
	if !h.join(s) {
		return fault.New(fault.Unavailable, "too many connections are watched at the moment; try again")
	}
	defer h.leave(s)
	if err := sink.Snapshot(view); err != nil {
		return err
	}
	beat := time.NewTicker(h.config.Heartbeat)
	defer beat.Stop()
	behind := false // something changed that could not be read yet
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-h.stopped:
			return fault.New(fault.Unavailable, "the server is stopping; connect again")
		case <-s.changed:
			behind = true
		case <-beat.C:
			// Beat first: reading may be what is slow.
			if err := sink.Heartbeat(s.view.Revision, h.isFrozen()); err != nil {
				return err
			}
		}
		if !behind {
			continue
		}
		ended, err := h.advance(ctx, s, credentials, sink)
		switch {
		case ended:
			return err
		case fault.Is(err, fault.Unavailable):
			continue // with the next beat
		case err != nil:
			return err
		}
		behind = false
	}
}

// advance reads what is so now and says what is different.
func (h *Hub) advance(ctx context.Context, s *stream, credentials int64, sink Sink) (ended bool, err error) {
	now, err := h.read(ctx, s.view.User.ID)
	if err != nil {
		return false, err
	}
	if reason := mustEnd(now.User, credentials); reason != "" {
		return true, sink.Ended(reason)
	}
	known := byID(now.Jobs)
	var changed []access.Access
	for _, a := range now.Jobs {
		if old, ok := s.known[a.Job.ID]; !ok || !a.Same(old) {
			changed = append(changed, a)
		}
	}
	var gone []string
	for id := range s.known {
		if _, still := known[id]; !still {
			gone = append(gone, id)
		}
	}
	if len(gone) > 0 {
		timed, cancel := context.WithTimeout(ctx, queryTimeout)
		defer cancel()
		list, err := h.store.Gone(timed, now.User, gone)
		if err != nil {
			return false, err
		}
		for _, a := range list {
			// It may have come back since now was read: the next look says so, and an edge hears one story at a time.
			a.Visible, a.Writable = false, false
			changed = append(changed, a)
		}
	}
	if len(changed) > 0 {
		if err := sink.Change(changed, now.Revision); err != nil {
			return true, err
		}
	}
	s.view, s.known = now, known
	return false, nil
}

// read is bounded in time, and in how many do it at once.
func (h *Hub) read(ctx context.Context, userID string) (access.View, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	select {
	case h.readers <- struct{}{}:
		defer func() { <-h.readers }()
	case <-ctx.Done():
		return access.View{}, ctx.Err()
	}
	return h.store.View(ctx, userID)
}

// mustEnd answers why a connection cannot go on, in words, or "".
func mustEnd(u user.User, credentials int64) string {
	if err := u.MayConnect(); err != nil {
		return fault.Message(err)
	}
	if u.CredentialsRevision != credentials {
		return "the password, keys or rights of this user were changed; connect again"
	}
	return ""
}

func byID(list []access.Access) map[string]access.Access {
	m := make(map[string]access.Access, len(list))
	for _, a := range list {
		m[a.Job.ID] = a
	}
	return m
}
