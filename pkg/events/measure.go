package events

import (
	"context"
	"errors"
	"log/slog"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"filmgate.dev/pkg/telemetry"
)

// Measure tells of a connection: whether it stands, how often it came back, and what the server refused. It may be asked
// for again by another part that shares the connection.
func Measure(nc *nats.Conn, r prometheus.Registerer) {
	if r == nil {
		return
	}
	stands := func() float64 {
		if nc.IsConnected() {
			return 1
		}
		return 0
	}
	if !telemetry.Ask(r, "filmgate_nats_connected", "1 while the connection to NATS stands.", nil, stands) {
		return
	}
	telemetry.AskCount(r, "filmgate_nats_reconnects_total", "How often the connection to NATS was made anew.", nil,
		func() float64 { return float64(nc.Stats().Reconnects) })
	refused := telemetry.Counter(r, "filmgate_nats_async_errors_total", "What NATS refused without anybody waiting for the answer: permission, slow_consumer, other.", "kind")
	for _, kind := range []string{"permission", "slow_consumer", "other"} {
		refused.WithLabelValues(kind)
	}
	before := nc.ErrorHandler()
	nc.SetErrorHandler(func(nc *nats.Conn, sub *nats.Subscription, err error) {
		kind := "other"
		switch {
		case errors.Is(err, nats.ErrPermissionViolation):
			kind = "permission"
		case errors.Is(err, nats.ErrSlowConsumer):
			kind = "slow_consumer"
		}
		refused.WithLabelValues(kind).Inc()
		if before != nil {
			before(nc, sub, err)
		}
	})
}

// WatchStreams tells how full streams are and how their replicas stand, until ctx ends.
func WatchStreams(ctx context.Context, js jetstream.JetStream, r prometheus.Registerer, log *slog.Logger, streams ...string) {
	if r == nil {
		return
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return telemetry.Gauge(r, "filmgate_stream_"+name, help+" Missing while the server cannot be asked.", append([]string{"stream"}, labels...)...)
	}
	messages := gauge("messages", "Messages that the stream holds.")
	bytes := gauge("bytes", "Bytes that the stream holds.")
	most := gauge("limit_bytes", "Bytes that the stream may hold; 0 is without limit.")
	replicas := gauge("replicas", "Replicas of the stream, the leader among them: current, or behind the leader.", "state")
	parked := telemetry.Gauge(r, "filmgate_dlq_messages", "Parked messages that a person should look at. Missing while the server cannot be asked.")
	for {
		for _, name := range streams {
			info, err := streamInfo(ctx, js, name)
			if err != nil {
				for _, g := range []*prometheus.GaugeVec{messages, bytes, most, replicas} {
					g.DeletePartialMatch(prometheus.Labels{"stream": name})
				}
				if name == StreamDLQ {
					parked.Reset()
				}
				log.DebugContext(ctx, "the server does not say how a stream stands", "stream", name, "error", err)
				continue
			}
			current, behind := count(info)
			messages.WithLabelValues(name).Set(float64(info.State.Msgs))
			bytes.WithLabelValues(name).Set(float64(info.State.Bytes))
			most.WithLabelValues(name).Set(float64(max(0, info.Config.MaxBytes)))
			replicas.WithLabelValues(name, "current").Set(float64(current))
			replicas.WithLabelValues(name, "behind").Set(float64(behind))
			if name == StreamDLQ { // the server's own advisories are in it too
				letters := uint64(0)
				for _, n := range info.State.Subjects {
					letters += n
				}
				parked.WithLabelValues().Set(float64(letters))
			}
		}
		if !sleep(ctx, jitter(lookEvery)) {
			return
		}
	}
}

func streamInfo(ctx context.Context, js jetstream.JetStream, name string) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	stream, err := js.Stream(ctx, name)
	if err != nil {
		return nil, err
	}
	if name == StreamDLQ { // how many letters, by their subjects: one for each consumer
		return stream.Info(ctx, jetstream.WithSubjectFilter("filmgate.dlq.v1.>"))
	}
	return stream.CachedInfo(), nil
}

// count counts a stream's replicas. A server that stands alone is one, and current.
func count(info *jetstream.StreamInfo) (current, behind int) {
	current = 1
	if info.Cluster == nil {
		return current, 0
	}
	for _, peer := range info.Cluster.Replicas {
		if peer.Current && !peer.Offline {
			current++
		} else {
			behind++
		}
	}
	return current, behind
}
