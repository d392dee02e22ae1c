package events

import (
	"context"
	"encoding/json"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/telemetry"
)

const (
	// lookEvery is how often the server is asked how a consumer or a stream stands.
	lookEvery = 10 * time.Second
	lookAgain = 2 * time.Second
	// lookFor bounds such a question.
	lookFor = 3 * time.Second
)

// state is how a consumer stands on the server. Every replica asks and answers the same, so dashboards take the highest.
type state struct {
	labels                                               prometheus.Labels
	pending, unacked, most, redelivered, pulling, oldest *prometheus.GaugeVec
}

func newState(c ConsumerConfig) state {
	gauge := func(name, help string) *prometheus.GaugeVec {
		return telemetry.Gauge(c.Metrics, "filmgate_consumer_"+name, help+" Missing while the server cannot be asked.", "stream", "consumer")
	}
	return state{
		labels:      prometheus.Labels{"stream": c.Stream, "consumer": c.Durable},
		pending:     gauge("pending_messages", "Messages that were never delivered yet."),
		unacked:     gauge("ack_pending_messages", "Messages that were delivered and not acknowledged yet, with those that wait for a retry."),
		most:        gauge("ack_pending_limit", "How many messages may be delivered and not acknowledged."),
		redelivered: gauge("redelivered_messages", "Messages not acknowledged that were delivered more than once."),
		pulling:     gauge("waiting_pulls", "Pulls that wait for a message: 0 when nobody listens, or all are at work."),
		oldest:      gauge("oldest_seconds", "Age of the oldest message that is not acknowledged; 0 when there is none."),
	}
}

func (s state) all() []*prometheus.GaugeVec {
	return []*prometheus.GaugeVec{s.pending, s.unacked, s.most, s.redelivered, s.pulling, s.oldest}
}

// look asks how the consumer stands, until ctx ends.
func (c *consumer) look(ctx context.Context) {
	if c.Metrics == nil {
		return
	}
	for {
		wait := lookEvery
		if err := c.lookOnce(ctx); err != nil {
			wait = lookAgain
			for _, gauge := range c.gauges.state.all() {
				gauge.Delete(c.gauges.state.labels) // no number is better than an old one
			}
			c.Log.DebugContext(ctx, "the server does not say how the consumer stands", "error", err)
		}
		if !sleep(ctx, jitter(wait)) {
			return
		}
	}
}

func (c *consumer) lookOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	consumer, err := c.js.Consumer(ctx, c.Stream, c.Durable)
	if err != nil {
		return err
	}
	info, s := consumer.CachedInfo(), c.gauges.state
	var age float64
	if info.NumPending > 0 || info.NumAckPending > 0 {
		oldest, err := c.oldest(ctx, info.AckFloor.Stream+1)
		if err != nil {
			return err
		}
		if !oldest.IsZero() {
			age = max(0, time.Since(oldest).Seconds())
		}
	}
	s.pending.With(s.labels).Set(float64(info.NumPending))
	s.unacked.With(s.labels).Set(float64(info.NumAckPending))
	s.most.With(s.labels).Set(float64(info.Config.MaxAckPending))
	s.redelivered.With(s.labels).Set(float64(info.NumRedelivered))
	s.pulling.With(s.labels).Set(float64(info.NumWaiting))
	s.oldest.With(s.labels).Set(age)
	return nil
}

// oldest answers when the first message from a sequence on was stored that the consumer hears; zero when there is none any
// more.
func (c *consumer) oldest(ctx context.Context, from uint64) (oldest time.Time, err error) {
	filters := c.FilterSubjects
	if len(filters) == 0 {
		filters = []string{">"}
	}
	for _, filter := range filters {
		stored, err := next(ctx, c.js.Conn(), c.Stream, filter, from)
		if err != nil {
			return time.Time{}, err
		}
		if oldest.IsZero() || !stored.IsZero() && stored.Before(oldest) {
			oldest = stored
		}
	}
	return oldest, nil
}

// next asks when the next message of a subject was stored. The library's own way asks for the whole stream first.
func next(ctx context.Context, nc *nats.Conn, stream, subject string, from uint64) (time.Time, error) {
	question, err := json.Marshal(map[string]any{"seq": from, "next_by_subj": subject})
	if err != nil {
		return time.Time{}, err
	}
	reply, err := nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+stream, question)
	if err != nil {
		return time.Time{}, err
	}
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Time time.Time `json:"time"`
		} `json:"message"`
	}
	if err := json.Unmarshal(reply.Data, &answer); err != nil {
		return time.Time{}, err
	}
	if e := answer.Error; e != nil && e.ErrorCode != jetstream.JSErrCodeMessageNotFound {
		return time.Time{}, fault.Wrap(e, fault.Unavailable, "the stream %s does not say what waits", stream)
	}
	return answer.Message.Time, nil
}
