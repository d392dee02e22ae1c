package files

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"filmgate.dev/pkg/fault"
)

const (
	// attempt is how long one request may take: a dying leader answers nobody, and its successor must be asked anew.
	attempt = time.Second
	// pause keeps a caller from spinning while there is no leader.
	pause = 50 * time.Millisecond
	// A leader's loss takes up to 8.4 s; clients are told something before they give up.
	readBudget  = 10 * time.Second
	writeBudget = 15 * time.Second

	noMessageFound    = 10037
	streamNotFound    = 10059
	wrongLastSequence = 10071
	wrongLastConstant = 10164
	incompleteBatch   = 10176
)

// errStale says that a subject has moved on since its sequence was read; errOvertaken is one that says so after an answer
// was lost: what was written may have been there before. errOpen says that this is not decided yet.
var (
	errStale     = errors.New("the subject has a newer message")
	errOpen      = errors.New("an earlier write is under way")
	errOvertaken = fmt.Errorf("%w, after an unknown outcome", errStale)
)

// stream is one last-value stream: compare-and-set writes, reads at the leader, listings. It knows nothing of entries.
type stream struct {
	nc   *nats.Conn
	js   jetstream.JetStream
	name string
	// listing has a place for each listing that may be read at once.
	listing chan struct{}
}

func newStream(nc *nats.Conn, js jetstream.JetStream, name string) stream {
	return stream{nc: nc, js: js, name: name, listing: make(chan struct{}, maxListings)}
}

// message is what stands at a subject.
type message struct {
	Subject  string
	Header   nats.Header
	Data     []byte
	Sequence uint64
}

// write is one message to append, and the sequence that its subject must still have: 0 for none.
type write struct {
	Subject string
	Data    []byte
	Header  nats.Header
	Expect  uint64
}

// last reads the last message of a subject at the leader, never by direct get. No message is NotFound.
func (s stream) last(ctx context.Context, subject string) (message, error) {
	request, err := json.Marshal(map[string]string{"last_by_subj": subject})
	if err != nil {
		return message{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, readBudget)
	defer cancel()
	for {
		m, err := s.get(ctx, request)
		if err == nil || fault.Is(err, fault.NotFound) {
			return m, err
		}
		if !retryable(err) || !rest(ctx) {
			return message{}, fault.Wrap(err, fault.Unavailable, "the server could not be asked in time; try again")
		}
	}
}

func (s stream) get(ctx context.Context, request []byte) (message, error) {
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Subject  string `json:"subject"`
			Sequence uint64 `json:"seq"`
			Header   []byte `json:"hdrs"`
			Data     []byte `json:"data"`
		} `json:"message"`
	}
	if err := s.request(ctx, nats.NewMsg("$JS.API.STREAM.MSG.GET."+s.name), request, &answer); err != nil {
		return message{}, err
	}
	if e := answer.Error; e != nil {
		if e.ErrorCode == noMessageFound {
			return message{}, fault.New(fault.NotFound, "not found")
		}
		return message{}, e
	}
	m := message{Subject: answer.Message.Subject, Data: answer.Message.Data, Sequence: answer.Message.Sequence}
	if len(answer.Message.Header) > 0 {
		header, err := nats.DecodeHeadersMsg(answer.Message.Header)
		if err != nil {
			return message{}, err
		}
		m.Header = header
	}
	return m, nil
}

// commit appends one message, or several atomically, and answers the sequence of the last one. It is errStale when a
// subject has moved on. An unknown outcome is tried again under the same expectations until it is known: of all attempts
// at most one can succeed.
func (s stream) commit(ctx context.Context, writes ...write) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, writeBudget)
	defer cancel()
	unsure := false
	for {
		seq, err := s.send(ctx, writes)
		switch {
		case err == nil:
			return seq, nil
		case stale(err) && !unsure:
			return 0, errStale
		case stale(err):
			if seq, err = s.ours(ctx, writes); !errors.Is(err, errOpen) {
				return seq, err
			}
		}
		unsure = true
		if !errors.Is(err, errOpen) && !retryable(err) || !rest(ctx) {
			return 0, fault.Wrap(err, fault.Unavailable, "the server could not save this in time; try again")
		}
	}
}

// ours tells whether an earlier attempt, whose answer was lost, is what made the subjects move on. It is errOpen while
// none of them has: a leader refuses also what meets a write that its followers have not confirmed yet, and that may be
// the earlier attempt.
func (s stream) ours(ctx context.Context, writes []write) (uint64, error) {
	moved := false
	for i, w := range writes {
		m, err := s.last(ctx, w.Subject)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return 0, err
		}
		if m.Sequence != w.Expect && bytes.Equal(m.Data, w.Data) {
			return m.Sequence + uint64(len(writes)-1-i), nil
		}
		moved = moved || m.Sequence != w.Expect
	}
	if !moved {
		return 0, errOpen
	}
	return 0, errOvertaken
}

// send makes one attempt. Several messages are a batch (ADR-50): the last one carries the commit.
func (s stream) send(ctx context.Context, writes []write) (uint64, error) {
	batch := nuid.Next()
	for i, w := range writes {
		m := nats.NewMsg(w.Subject)
		for key, values := range w.Header {
			m.Header[key] = values
		}
		m.Header.Set(jetstream.ExpectedStreamHeader, s.name)
		m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(w.Expect, 10))
		if len(writes) > 1 {
			m.Header.Set("Nats-Batch-Id", batch)
			m.Header.Set("Nats-Batch-Sequence", strconv.Itoa(i+1))
		}
		if i < len(writes)-1 {
			m.Data = w.Data
			if err := s.nc.PublishMsg(m); err != nil {
				return 0, err
			}
			continue
		}
		if len(writes) > 1 {
			m.Header.Set("Nats-Batch-Commit", "1")
		}
		var ack struct {
			Error    *jetstream.APIError `json:"error"`
			Sequence uint64              `json:"seq"`
		}
		if err := s.request(ctx, m, w.Data, &ack); err != nil {
			return 0, err
		}
		if ack.Error != nil {
			return 0, ack.Error
		}
		return ack.Sequence, nil
	}
	return 0, errors.New("nothing to append")
}

func (s stream) request(ctx context.Context, m *nats.Msg, data []byte, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	m.Data = data
	reply, err := s.nc.RequestMsgWithContext(ctx, m)
	if err != nil {
		return err
	}
	return json.Unmarshal(reply.Data, answer)
}

func stale(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && (api.ErrorCode == wrongLastSequence || api.ErrorCode == wrongLastConstant)
}

// retryable reports whether asking again can help: no answer, no leader, too much at once, or no stream yet.
func retryable(err error) bool {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return api.Code >= 500 || api.Code == 429 || api.ErrorCode == incompleteBatch || api.ErrorCode == streamNotFound
	}
	return !fault.Is(err, fault.NotFound) && !errors.Is(err, nats.ErrConnectionClosed) && !errors.Is(err, nats.ErrMaxPayload)
}

// rest waits a moment before the next attempt; false when there is no time for one.
func rest(ctx context.Context) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
