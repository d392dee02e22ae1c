package studio_test

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"time"

	"filmgate.dev/pkg/events"
	"filmgate.dev/services/studio"
)

// stream reads server-sent events until the test ends.
type stream struct {
	t    *testing.T
	said chan string // "event data"
}

func (b *browser) stream(t *testing.T, path string) stream {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.w.url+path, nil)
	must(t, err)
	answer, err := b.client.Do(request)
	must(t, err)
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("the stream answered %d, %s", answer.StatusCode, answer.Header.Get("Content-Type"))
	}
	s := stream{t, make(chan string, 100)}
	done := make(chan struct{})
	t.Cleanup(func() { _ = answer.Body.Close(); <-done })
	go func() {
		defer close(done)
		defer close(s.said)
		event := ""
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "event":
				event = value
			case "data":
				s.said <- event + " " + value
			}
		}
	}()
	return s
}

// waitFor reads until the stream says it.
func (s stream) waitFor(want string) {
	s.t.Helper()
	for limit := time.After(20 * time.Second); ; {
		select {
		case got, ok := <-s.said:
			if !ok {
				s.t.Fatalf("the stream ended before %q", want)
			}
			if strings.Contains(got, want) {
				return
			}
		case <-limit:
			s.t.Fatalf("the stream never said %q", want)
		}
	}
}

func (s stream) waitEnd() {
	s.t.Helper()
	for limit := time.After(20 * time.Second); ; {
		select {
		case _, ok := <-s.said:
			if !ok {
				return
			}
		case <-limit:
			s.t.Fatal("the stream never ended")
		}
	}
}

func TestAnOpenPageIsTold(t *testing.T) {
	w := newWorld(t, studio.Config{})
	b := w.signedIn("ada@example.org")
	s := b.stream(t, "/jobs/"+w.job.GetId()+"/events")
	s.waitFor("hello")

	w.hint(w.job, "01PHOTO")
	s.waitFor(`changed ["01PHOTO"]`)

	must(t, w.nats.Publish("filmgate.hint.v1.demo."+w.job.GetId(), []byte("no JSON")))
	must(t, events.PublishProgress(w.nats, "demo", events.Progress{JobID: w.job.GetId(), Uploads: []events.UploadProgress{
		{UploadID: "u1", Path: "JOB00001/Class 1/x.jpg", Bytes: 4_200_000},
	}}))
	s.waitFor(`uploads {"count":1,"bytes":4200000,"first":[{"path":"JOB00001/Class 1/x.jpg","size":"4.2 MB"}]}`)
	must(t, events.PublishProgress(w.nats, "demo", events.Progress{JobID: w.job.GetId(), Uploads: []events.UploadProgress{{UploadID: "u1", Done: true}}}))
	s.waitFor(`uploads {"count":0,`)

	w.hint(w.job) // about an album
	s.waitFor("resync")
	many := make([]string, 400)
	for i := range many {
		many[i] = "01PHOTO" + strings.Repeat("x", i%20) + string(rune('a'+i%26)) + string(rune('a'+i/26))
	}
	w.hint(w.job, many...)
	s.waitFor("resync")
}

func TestWhatWasSaidWhileNATSWasAwayIsReadAgain(t *testing.T) {
	w := newWorld(t, studio.Config{})
	s := w.signedIn("ada@example.org").stream(t, "/jobs/"+w.job.GetId()+"/events")
	s.waitFor("hello")
	must(t, w.nats.ForceReconnect())
	s.waitFor("resync")
}

func TestAnotherJobIsNotHeard(t *testing.T) {
	w := newWorld(t, studio.Config{})
	other := w.addJob("demo", "JOB00002", "", 1)
	b := w.signedIn("ada@example.org")
	s := b.stream(t, "/jobs/"+w.job.GetId()+"/events")
	s.waitFor("hello")
	w.hint(other, "01OTHER")
	w.hint(w.job, "01MINE")
	s.waitFor(`changed ["01MINE"]`)
}

func TestStreamsAreBounded(t *testing.T) {
	w := newWorld(t, studio.Config{})
	b := w.signedIn("ada@example.org")
	path := "/jobs/" + w.job.GetId() + "/events"
	for range 8 {
		b.stream(t, path).waitFor("hello")
	}
	b.get(path, "Filmgate-Part", "1").wants(t, http.StatusServiceUnavailable, "too many open pages")
	w.signedIn("ada@example.org").stream(t, path).waitFor("hello")
}

func TestStreamsEndWithTheService(t *testing.T) {
	w := newWorld(t, studio.Config{})
	s := w.signedIn("ada@example.org").stream(t, "/jobs/"+w.job.GetId()+"/events")
	s.waitFor("hello")
	w.stop()
	s.waitEnd()
}
