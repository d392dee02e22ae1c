package smoke

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/fault"
)

// bus is the connection to NATS, listening to what is said of the job.
type bus struct {
	conn  *nats.Conn
	heard chan *nats.Msg
	// before is the last event of the job that was stored before this run.
	before uint64
}

// listen subscribes before anything is uploaded.
func (r *run) listen(ctx context.Context) (string, error) {
	refused := make(chan error, 1)
	conn, err := r.NATS.Connect("smoke", slog.New(slog.DiscardHandler))
	if err != nil {
		return "", err
	}
	r.bus = &bus{conn: conn, heard: make(chan *nats.Msg, 64)}
	conn.SetErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		select {
		case refused <- err:
		default:
		}
	})
	for !conn.IsConnected() {
		if conn.IsClosed() || errors.Is(conn.LastError(), nats.ErrAuthorization) {
			return "", fault.Wrap(conn.LastError(), fault.Denied, "NATS refuses this user: check FILMGATE_NATS_CREDENTIALS, FILMGATE_NATS_NKEY_PATH or the password in FILMGATE_NATS_URL")
		}
		timer := time.NewTimer(100 * time.Millisecond)
		select {
		case <-ctx.Done():
			timer.Stop()
			return "", fault.Wrap(errors.Join(conn.LastError(), ctx.Err()), fault.Unavailable, "NATS cannot be reached")
		case <-timer.C:
		}
	}
	subject, err := events.Subject("photos", "v1", r.Account, r.jobID)
	if err != nil {
		return "", err
	}
	if _, err := conn.ChanSubscribe(subject+".*", r.bus.heard); err != nil {
		return "", err
	}
	if err := conn.FlushWithContext(ctx); err != nil {
		return "", fault.Wrap(err, fault.Unavailable, "NATS did not answer")
	}
	if r.bus.before, err = r.bus.last(ctx, subject+".*"); err != nil {
		return "", fault.Wrap(err, fault.Unavailable, "stream %s did not answer: it is missing, or this NATS user may not read it", events.StreamPhotos)
	}
	select {
	case err := <-refused:
		return "", fault.Wrap(err, fault.Denied, "this NATS user may not hear %s.*", subject)
	default:
		return fmt.Sprintf("%s.* at %s", subject, conn.ConnectedAddr()), nil
	}
}

// await waits until the photo was ingested, and that is stored for everybody else.
func (r *run) await(ctx context.Context) (string, error) {
	for {
		var msg *nats.Msg
		select {
		case <-ctx.Done():
			return "", fault.New(fault.Unavailable, "nothing was said of the photo; look at /readyz and the logs of album-mapper and processing")
		case msg = <-r.bus.heard:
		}
		env, err := events.Decode(msg.Data)
		if err != nil {
			return "", err
		}
		kind, _ := env.Kind()
		// Both begin with the same fields.
		var said events.PhotoFailed
		if kind != events.TypePhotoIngested && kind != events.TypePhotoFailed {
			continue
		}
		if err := json.Unmarshal(env.Data, &said); err != nil {
			return "", fmt.Errorf("reading %s: %w", env.ID, err)
		}
		if path.Base(said.File.Path) != r.photo.name { // another run's
			continue
		}
		if kind == events.TypePhotoFailed {
			return "", fault.New(fault.Invalid, "the photo could not be used: %s", said.Reason.Message)
		}
		sequence, err := r.bus.stored(ctx, msg.Subject, env.ID)
		if err != nil {
			return "", err
		}
		r.heard = time.Now()
		return fmt.Sprintf("%s, message %d of %s", env.ID, sequence, events.StreamPhotos), nil
	}
}

// stored answers the event's place in the stream: whoever listens hears an event also where no stream keeps it.
func (b *bus) stored(ctx context.Context, subject, id string) (uint64, error) {
	for after := b.before; ; {
		sequence, data, err := b.next(ctx, subject, after)
		if err == nil && sequence > 0 {
			if env, bad := events.Decode(data); bad == nil && env.ID == id {
				return sequence, nil
			}
			after = sequence // another run's
			continue
		}
		timer := time.NewTimer(100 * time.Millisecond)
		select {
		case <-ctx.Done():
			timer.Stop()
			return 0, fault.New(fault.Unavailable, "%s was said, and stream %s does not have it (%v)", id, events.StreamPhotos, err)
		case <-timer.C:
		}
	}
}

// next reads the first message of a subject behind a sequence; 0 if there is none yet.
func (b *bus) next(ctx context.Context, subject string, after uint64) (uint64, []byte, error) {
	return b.get(ctx, map[string]any{"seq": after + 1, "next_by_subj": subject})
}

// last answers the sequence of a subject's last message; 0 if there is none.
func (b *bus) last(ctx context.Context, subject string) (uint64, error) {
	sequence, _, err := b.get(ctx, map[string]any{"last_by_subj": subject})
	return sequence, err
}

const noMessage = 10037

func (b *bus) get(ctx context.Context, which map[string]any) (uint64, []byte, error) {
	request, err := json.Marshal(which)
	if err != nil {
		return 0, nil, err
	}
	asking, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	reply, err := b.conn.RequestWithContext(asking, "$JS.API.STREAM.MSG.GET."+events.StreamPhotos, request)
	if err != nil {
		return 0, nil, err
	}
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Sequence uint64 `json:"seq"`
			Data     []byte `json:"data"`
		} `json:"message"`
	}
	if err := json.Unmarshal(reply.Data, &answer); err != nil {
		return 0, nil, err
	}
	if answer.Error != nil && answer.Error.ErrorCode != noMessage {
		return 0, nil, answer.Error
	}
	return answer.Message.Sequence, answer.Message.Data, nil
}

func (b *bus) close() { b.conn.Close() }
