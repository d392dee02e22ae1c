package page

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/services/studio/internal/live"
	"filmgate.dev/services/studio/internal/session"
)

const (
	// heartbeat keeps proxies from closing a quiet stream, and finds readers who are gone.
	heartbeat = 10 * time.Second
	// recheck is how often a stream asks whether its session is still good.
	recheck = 30 * time.Second
	// maxRunning is how many running uploads a page names.
	maxRunning = 4
)

// running is the small progress line of a page.
type running struct {
	Count int            `json:"count"`
	Bytes int64          `json:"bytes"`
	First []runningEntry `json:"first"`
}

type runningEntry struct {
	Path string `json:"path"`
	Size string `json:"size"`
}

// events streams what changes in a job to an open page.
func (p *Pages) events(w http.ResponseWriter, r *http.Request, who session.Session) error {
	job, err := p.findJob(r)
	if err != nil {
		return err
	}
	if job.GetAccount() != who.Principal.GetAccount() {
		return fault.New(fault.NotFound, "there is no such job")
	}
	watch, err := p.Live.Watch(who.Key(), job.GetAccount(), job.GetId())
	if err != nil {
		return err
	}
	defer watch.Close()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	s := eventStream{w, http.NewResponseController(w)}
	if err := s.say("hello", nil); err != nil {
		return nil //nolint:nilerr // the browser went away
	}
	checked := time.Now()
	for {
		change, err := watch.Next(r.Context(), heartbeat)
		if errors.Is(err, io.EOF) || r.Context().Err() != nil {
			return nil
		}
		if err == nil && time.Since(checked) > recheck {
			checked = time.Now()
			if fault.IsUnauthenticated(p.Sessions.Check(r.Context(), who)) {
				_ = s.say("signed-out", nil) // the stream ends either way
				return nil
			}
		}
		if err == nil {
			err = s.tell(change)
		}
		if err != nil {
			p.Log.Debug("live stream ended", "job", job.GetId(), "err", err)
			return nil
		}
	}
}

// eventStream writes server-sent events.
type eventStream struct {
	w       io.Writer
	control *http.ResponseController
}

func (s eventStream) tell(change live.Change) error {
	if change.UploadsChanged {
		now := running{Count: len(change.Uploads), First: []runningEntry{}}
		for i, u := range change.Uploads {
			now.Bytes += u.Bytes
			if i < maxRunning {
				now.First = append(now.First, runningEntry{u.Path, size(u.Bytes)})
			}
		}
		if err := s.say("uploads", now); err != nil {
			return err
		}
	}
	switch {
	case change.Resync:
		return s.say("resync", nil)
	case len(change.Photos) > 0:
		return s.say("changed", change.Photos)
	case !change.UploadsChanged:
		return s.send(": still here\n\n")
	default:
		return nil
	}
}

// say sends one event. Its data is JSON, which has no line ends of its own.
func (s eventStream) say(event string, data any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	return s.send(fmt.Sprintf("event: %s\ndata: %s\n\n", event, text))
}

func (s eventStream) send(text string) error {
	// A test's recorder has no deadlines.
	_ = s.control.SetWriteDeadline(time.Now().Add(heartbeat))
	if _, err := io.WriteString(s.w, text); err != nil {
		return err
	}
	return s.control.Flush()
}
