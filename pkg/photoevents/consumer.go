package photoevents

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"github.com/nats-io/nats.go"
)

// Stream is where the events are.
const Stream = "PHOTOS"

// Consumer is one program's durable place in the stream, and what the program does with each type of event.
//
// A handler that returns nil is done with the event. Any other error brings the event again after 0.5, 2, 10, 30, 60 s, and
// then every minute; see Permanent and RetryAfter. Handlers run concurrently, so events are in no order: compare
// Event.Sequence, or the photo's version, where that matters.
type Consumer struct {
	// Durable names the program's place. Processes with the same name share the events among them; a stopped program
	// goes on where it stopped.
	Durable string
	// Account limits a consumer that does not exist yet to one account's events. Empty = all that the credentials allow.
	Account string
	// Since is where a consumer that does not exist yet begins. Zero = with the oldest event, at most 30 days ago.
	Since time.Time
	// Concurrency is how many handlers run at once in this process; 0 = 4.
	Concurrency int
	// Attempts is after how many deliveries a failing event is given up; 0 = never.
	Attempts int
	// AckWait is how soon another process takes over the events of one that died, for a consumer that does not exist yet;
	// 0 = 30 s. It does not limit handlers: they are kept alive.
	AckWait time.Duration
	// Log takes what goes wrong; nil = nowhere.
	Log *slog.Logger

	OnFileLanded       func(context.Context, Event, FileLanded) error
	OnFileRemoved      func(context.Context, Event, PhotoRemoved) error
	OnAlbumCreated     func(context.Context, Event, AlbumChanged) error
	OnAlbumRenamed     func(context.Context, Event, AlbumChanged) error
	OnAlbumRemoved     func(context.Context, Event, AlbumChanged) error
	OnPhotoIngested    func(context.Context, Event, PhotoIngested) error
	OnPhotoUpdated     func(context.Context, Event, PhotoIngested) error
	OnPhotoMoved       func(context.Context, Event, PhotoMoved) error
	OnPhotoRemoved     func(context.Context, Event, PhotoRemoved) error
	OnPhotoRestored    func(context.Context, Event, PhotoRemoved) error
	OnPhotoFailed      func(context.Context, Event, PhotoFailed) error
	OnJobCreated       func(context.Context, Event, JobChanged) error
	OnJobStatusChanged func(context.Context, Event, JobChanged) error
	OnJobLocked        func(context.Context, Event, JobChanged) error
	OnJobRenamed       func(context.Context, Event, JobChanged) error

	// Unknown is told every event without a handler above, also of types that are invented later. Nil = they are skipped.
	Unknown func(context.Context, Event) error
}

// Run consumes until ctx ends and the handlers that were running have finished, and then answers nil. It waits for a server
// that is away and for a consumer that is missing, and says so in Log. Only a connection that is closed for good ends it with
// an error: nats.go closes one whose credentials are refused twice. The connection stays the caller's.
func (c Consumer) Run(ctx context.Context, nc *nats.Conn) error {
	if err := c.defaults(); err != nil {
		return err
	}
	w, err := newWorker(c, nc)
	if err != nil {
		return err
	}
	return w.work(ctx)
}

var tokenForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func (c *Consumer) defaults() error {
	if c.Concurrency == 0 {
		c.Concurrency = 4
	}
	if c.AckWait == 0 {
		c.AckWait = 30 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	switch {
	case !tokenForm.MatchString(c.Durable):
		return fmt.Errorf("photoevents: a consumer cannot be called %q: use 1 to 64 letters, digits, _ and -", c.Durable)
	case c.Account != "" && !tokenForm.MatchString(c.Account):
		return fmt.Errorf("photoevents: there can be no account %q", c.Account)
	case c.Concurrency < 1 || c.Concurrency > 1000:
		return fmt.Errorf("photoevents: concurrency %d is not between 1 and 1000", c.Concurrency)
	case c.Attempts < 0:
		return fmt.Errorf("photoevents: %d attempts are less than none", c.Attempts)
	case c.AckWait < time.Second:
		return fmt.Errorf("photoevents: AckWait %s is less than a second", c.AckWait)
	}
	c.Log = c.Log.With("stream", Stream, "consumer", c.Durable)
	return nil
}

// handle gives an event to its handler.
func (c *Consumer) handle(ctx context.Context, e Event) error {
	var typed func(context.Context, Event) error
	switch e.Kind() {
	case TypeFileLanded:
		typed = typedHandler(c.OnFileLanded)
	case TypeFileRemoved:
		typed = typedHandler(c.OnFileRemoved)
	case TypeAlbumCreated:
		typed = typedHandler(c.OnAlbumCreated)
	case TypeAlbumRenamed:
		typed = typedHandler(c.OnAlbumRenamed)
	case TypeAlbumRemoved:
		typed = typedHandler(c.OnAlbumRemoved)
	case TypePhotoIngested:
		typed = typedHandler(c.OnPhotoIngested)
	case TypePhotoUpdated:
		typed = typedHandler(c.OnPhotoUpdated)
	case TypePhotoMoved:
		typed = typedHandler(c.OnPhotoMoved)
	case TypePhotoRemoved:
		typed = typedHandler(c.OnPhotoRemoved)
	case TypePhotoRestored:
		typed = typedHandler(c.OnPhotoRestored)
	case TypePhotoFailed:
		typed = typedHandler(c.OnPhotoFailed)
	case TypeJobCreated:
		typed = typedHandler(c.OnJobCreated)
	case TypeJobStatusChanged:
		typed = typedHandler(c.OnJobStatusChanged)
	case TypeJobLocked:
		typed = typedHandler(c.OnJobLocked)
	case TypeJobRenamed:
		typed = typedHandler(c.OnJobRenamed)
	}
	switch {
	case typed != nil:
		return typed(ctx, e)
	case c.Unknown != nil:
		return c.Unknown(ctx, e)
	}
	return nil
}

// typedHandler answers nil for no handler.
func typedHandler[T any](handle func(context.Context, Event, T) error) func(context.Context, Event) error {
	if handle == nil {
		return nil
	}
	return func(ctx context.Context, e Event) error {
		var data T
		if err := json.Unmarshal(e.Data, &data); err != nil {
			return Permanent(fmt.Errorf("the data of event %s is no %T: %w", e.ID, data, err))
		}
		return handle(ctx, e, data)
	}
}
