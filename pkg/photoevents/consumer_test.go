package photoevents_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"filmgate.dev/pkg/photoevents"
	"filmgate.dev/pkg/photoevents/photoeventstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen; it fails only when something is broken.
const patience = 30 * time.Second

// start runs a consumer until stop is called; stop waits for the end.
func start(t *testing.T, s *photoeventstest.Server, c photoevents.Consumer) (stop func()) {
	t.Helper()
	nc := s.Connect(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx, nc) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(patience):
			t.Error("Run does not stop")
		}
	})
	t.Cleanup(stop)
	return stop
}

func receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

// settled waits until the consumer owes nothing.
func settled(t *testing.T, s *photoeventstest.Server, durable string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		unanswered, waiting := s.Given(t, durable)
		if unanswered == 0 && waiting == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d events unanswered, %d waiting", unanswered, waiting)
		}
	}
}

func photo(t *testing.T, n int) photoevents.Event {
	id := fmt.Sprintf("P%03d", n)
	return photoeventstest.New(t, photoevents.TypePhotoIngested, id+":"+id, photoevents.PhotoIngested{Photo: photoevents.PhotoRef{ID: id, Version: id}})
}

func TestAStoppedConsumerHearsExactlyWhatItMissed(t *testing.T) {
	s := photoeventstest.Start(t)
	heard := make(chan string, 100)
	shop := photoevents.Consumer{Durable: "shop", OnPhotoIngested: func(_ context.Context, _ photoevents.Event, p photoevents.PhotoIngested) error {
		heard <- p.Photo.ID
		return nil
	}}
	s.Publish(t, photo(t, 0))
	stop := start(t, s, shop)
	if id := receive(t, heard); id != "P000" {
		t.Errorf("heard %s first", id)
	}
	settled(t, s, "shop")
	stop()

	var want []string
	for n := 1; n <= 30; n++ {
		s.Publish(t, photo(t, n))
		want = append(want, fmt.Sprintf("P%03d", n))
	}
	s.Publish(t, photo(t, 7)) // said again, as an outbox does after a crash
	s.Restart(t)

	start(t, s, shop)
	var got []string
	for range want {
		got = append(got, receive(t, heard))
	}
	settled(t, s, "shop")
	slices.Sort(got)
	if !slices.Equal(got, want) || len(heard) != 0 {
		t.Errorf("heard %v and %d more, want %v", got, len(heard), want)
	}
}

func TestEveryTypeHasItsHandler(t *testing.T) {
	s := photoeventstest.Start(t)
	kinds := []photoevents.Type{
		photoevents.TypeFileLanded, photoevents.TypeFileRemoved, photoevents.TypeAlbumCreated, photoevents.TypeAlbumRenamed, photoevents.TypeAlbumRemoved,
		photoevents.TypePhotoIngested, photoevents.TypePhotoUpdated, photoevents.TypePhotoMoved, photoevents.TypePhotoRemoved, photoevents.TypePhotoRestored,
		photoevents.TypePhotoFailed, photoevents.TypeJobCreated, photoevents.TypeJobStatusChanged, photoevents.TypeJobLocked,
		photoevents.TypeJobRenamed,
	}
	var mu sync.Mutex
	heard := map[photoevents.Type]string{}
	note := func(e photoevents.Event, handler photoevents.Type, id string) error {
		mu.Lock()
		defer mu.Unlock()
		if e.Kind() != handler || e.Account != "demo" || e.Delivered != 1 || e.StreamSequence == 0 {
			t.Errorf("handler of %s heard %+v", handler, e)
		}
		heard[handler] = id
		return nil
	}
	start(t, s, photoevents.Consumer{
		Durable: "all",
		OnFileLanded: func(_ context.Context, e photoevents.Event, d photoevents.FileLanded) error {
			return note(e, photoevents.TypeFileLanded, d.Photo.ID)
		},
		OnFileRemoved: func(_ context.Context, e photoevents.Event, d photoevents.PhotoRemoved) error {
			return note(e, photoevents.TypeFileRemoved, d.Photo.ID)
		},
		OnAlbumCreated: func(_ context.Context, e photoevents.Event, d photoevents.AlbumChanged) error {
			return note(e, photoevents.TypeAlbumCreated, d.Album.ID)
		},
		OnAlbumRenamed: func(_ context.Context, e photoevents.Event, d photoevents.AlbumChanged) error {
			return note(e, photoevents.TypeAlbumRenamed, d.Album.ID)
		},
		OnAlbumRemoved: func(_ context.Context, e photoevents.Event, d photoevents.AlbumChanged) error {
			return note(e, photoevents.TypeAlbumRemoved, d.Album.ID)
		},
		OnPhotoIngested: func(_ context.Context, e photoevents.Event, d photoevents.PhotoIngested) error {
			return note(e, photoevents.TypePhotoIngested, d.Photo.ID)
		},
		OnPhotoUpdated: func(_ context.Context, e photoevents.Event, d photoevents.PhotoIngested) error {
			return note(e, photoevents.TypePhotoUpdated, d.Photo.ID)
		},
		OnPhotoMoved: func(_ context.Context, e photoevents.Event, d photoevents.PhotoMoved) error {
			return note(e, photoevents.TypePhotoMoved, d.Photo.ID)
		},
		OnPhotoRemoved: func(_ context.Context, e photoevents.Event, d photoevents.PhotoRemoved) error {
			return note(e, photoevents.TypePhotoRemoved, d.Photo.ID)
		},
		OnPhotoRestored: func(_ context.Context, e photoevents.Event, d photoevents.PhotoRemoved) error {
			return note(e, photoevents.TypePhotoRestored, d.Photo.ID)
		},
		OnPhotoFailed: func(_ context.Context, e photoevents.Event, d photoevents.PhotoFailed) error {
			return note(e, photoevents.TypePhotoFailed, d.Photo.ID)
		},
		OnJobCreated: func(_ context.Context, e photoevents.Event, d photoevents.JobChanged) error {
			return note(e, photoevents.TypeJobCreated, d.Job.ID)
		},
		OnJobStatusChanged: func(_ context.Context, e photoevents.Event, d photoevents.JobChanged) error {
			return note(e, photoevents.TypeJobStatusChanged, d.Job.ID)
		},
		OnJobLocked: func(_ context.Context, e photoevents.Event, d photoevents.JobChanged) error {
			return note(e, photoevents.TypeJobLocked, d.Job.ID)
		},
		OnJobRenamed: func(_ context.Context, e photoevents.Event, d photoevents.JobChanged) error {
			return note(e, photoevents.TypeJobRenamed, d.Job.ID)
		},
		Unknown: func(_ context.Context, e photoevents.Event) error {
			return note(e, "photo.sold", e.ID)
		},
	})
	for _, kind := range kinds {
		s.Publish(t, photoeventstest.Sample(t, kind))
	}
	s.Publish(t, photoeventstest.New(t, "photo.sold", "P1", map[string]any{"price": 3}))
	waitFor(t, func() bool { mu.Lock(); defer mu.Unlock(); return len(heard) == len(kinds)+1 })
	settled(t, s, "all")
	for kind, id := range heard {
		if id == "" {
			t.Errorf("%s came without its data", kind)
		}
	}
}

func waitFor(t *testing.T, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it never happened")
		}
	}
}

func TestWhatNobodyHandlesIsSkipped(t *testing.T) {
	s := photoeventstest.Start(t)
	s.Publish(t, photo(t, 1), photoeventstest.New(t, "photo.sold", "P1", map[string]any{}))
	start(t, s, photoevents.Consumer{Durable: "deaf"})
	waitFor(t, func() bool { return exists(t, s, "deaf") })
	settled(t, s, "deaf")
}

func exists(t *testing.T, s *photoeventstest.Server, durable string) bool {
	js, err := jetstream.New(s.Connect(t))
	if err != nil {
		t.Fatal(err)
	}
	_, err = js.Consumer(t.Context(), photoevents.Stream, durable)
	return err == nil
}

func TestErrorsDecideWhatHappens(t *testing.T) {
	s := photoeventstest.Start(t)
	deliveries := func(id string, events <-chan photoevents.Event) (list []int) {
		for len(events) > 0 {
			if e := <-events; e.PartitionKey == id {
				list = append(list, e.Delivered)
			}
		}
		return list
	}
	cases := map[string]struct {
		fail func(photoevents.Event) error
		want []int
	}{
		"permanent": {func(photoevents.Event) error {
			return fmt.Errorf("wrapped: %w", photoevents.Permanent(errors.New("no")))
		}, []int{1}},
		"again": {func(e photoevents.Event) error {
			if e.Delivered < 3 {
				return photoevents.RetryAfter(errors.New("later"), time.Millisecond)
			}
			return nil
		}, []int{1, 2, 3}},
		"given-up": {func(photoevents.Event) error { return photoevents.RetryAfter(errors.New("never"), time.Millisecond) }, []int{1, 2, 3, 4}},
		"panics": {func(e photoevents.Event) error {
			if e.Delivered == 1 {
				panic("boom")
			}
			return nil
		}, []int{1, 2}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			events := make(chan photoevents.Event, 100)
			start(t, s, photoevents.Consumer{Durable: name, Attempts: 4, Unknown: func(_ context.Context, e photoevents.Event) error {
				if e.PartitionKey != name {
					return nil
				}
				events <- e
				return c.fail(e)
			}})
			s.Publish(t, photoeventstest.New(t, "photo.tested", name, map[string]any{}))
			waitFor(t, func() bool { return len(events) == len(c.want) })
			settled(t, s, name)
			if got := deliveries(name, events); !slices.Equal(got, c.want) {
				t.Errorf("deliveries %v, want %v", got, c.want)
			}
		})
	}
	if photoevents.Permanent(nil) != nil || photoevents.RetryAfter(nil, time.Second) != nil {
		t.Error("no error is no error")
	}
}

func TestDataThatCannotBeReadIsGivenUp(t *testing.T) {
	s := photoeventstest.Start(t)
	var called atomic.Bool
	start(t, s, photoevents.Consumer{Durable: "shop", OnPhotoIngested: func(context.Context, photoevents.Event, photoevents.PhotoIngested) error {
		called.Store(true)
		return nil
	}})
	bad := photo(t, 1)
	bad.Data = json.RawMessage(`{"photo":7}`)
	s.Publish(t, bad)
	waitFor(t, func() bool { return exists(t, s, "shop") })
	settled(t, s, "shop")
	if called.Load() {
		t.Error("the handler was told nonsense")
	}
}

func TestAConsumerOfOneAccount(t *testing.T) {
	s := photoeventstest.Start(t)
	heard := make(chan string, 10)
	other := photo(t, 1)
	other.Account = "other"
	s.Publish(t, other, photo(t, 2))
	start(t, s, photoevents.Consumer{Durable: "shop", Account: "demo", Unknown: func(_ context.Context, e photoevents.Event) error {
		heard <- e.ID
		return nil
	}})
	if id := receive(t, heard); id != "photo.ingested:P002:P002" {
		t.Errorf("heard %s", id)
	}
	settled(t, s, "shop")
	if len(heard) != 0 {
		t.Errorf("heard %s of another account", <-heard)
	}
}

func TestTheCredentialsAllowNothingElse(t *testing.T) {
	s := photoeventstest.Start(t)
	nc := s.Connect(t)
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(300*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "filmgate.photos.v1.demo.J.photo_ingested", nil, jetstream.WithRetryAttempts(0)); err == nil {
		t.Error("a consumer published a photo")
	}
	if err := js.DeleteStream(t.Context(), photoevents.Stream); err == nil {
		t.Error("a consumer deleted the stream")
	}
}

func TestBadSettingsAreRefusedInWords(t *testing.T) {
	for want, c := range map[string]photoevents.Consumer{
		"cannot be called":   {Durable: "my shop"},
		"no account":         {Durable: "shop", Account: "*"},
		"concurrency -1":     {Durable: "shop", Concurrency: -1},
		"less than none":     {Durable: "shop", Attempts: -1},
		"less than a second": {Durable: "shop", AckWait: 30},
		"needs a connection": {Durable: "shop"},
	} {
		if err := c.Run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want words like %q, got %v", want, err)
		}
	}
}

func TestTheSDKNeedsTheClientOnly(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range strings.Lines(string(out)) {
		pkg = strings.TrimSpace(pkg)
		if strings.Contains(pkg, "nats-server") || strings.HasPrefix(pkg, "filmgate.dev/") && pkg != "filmgate.dev/pkg/photoevents" {
			t.Errorf("the SDK depends on %s", pkg)
		}
	}
}
