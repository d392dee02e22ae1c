package events

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/provision"
)

// The streams.
const (
	StreamWork   = "WORK"
	StreamPhotos = "PHOTOS"
	StreamDLQ    = "DLQ"
)

const day = 24 * time.Hour

// Streams answers what WORK, PHOTOS and DLQ are to be, with at least one replica.
func Streams(replicas int) []jetstream.StreamConfig {
	list := []jetstream.StreamConfig{
		{
			Name:        StreamWork,
			Description: "album-mapper and processing: photos to be processed, and their answers",
			Subjects:    []string{AllWork},
			MaxAge:      7 * day,
			MaxBytes:    1 << 30,
			Discard:     jetstream.DiscardNew, // the outbox waits; dropping the oldest would lose photos
			MaxMsgSize:  MaxMessage,
		},
		{
			Name:        StreamPhotos,
			Description: "the public events, for everybody; 30 days of replay",
			Subjects:    []string{AllPhotos},
			MaxAge:      30 * day,
			MaxBytes:    4 << 30,
			Discard:     jetstream.DiscardOld,
			MaxMsgSize:  MaxMessage,
		},
		{
			Name:        StreamDLQ,
			Description: "messages that a consumer gave up, for operators",
			Subjects: []string{
				"filmgate.dlq.v1.>",
				"$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>",
				"$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.>",
			},
			MaxAge:     90 * day,
			MaxBytes:   256 << 20,
			Discard:    jetstream.DiscardOld,
			MaxMsgSize: MaxMessage + 8<<10, // a whole message and why it is here
		},
	}
	for i := range list {
		list[i].Retention = jetstream.LimitsPolicy
		list[i].Storage = jetstream.FileStorage
		list[i].Duplicates = 2 * time.Hour
		list[i].Replicas = max(replicas, 1)
	}
	return list
}

// Provision creates the streams WORK, PHOTOS and DLQ, or patches what is there. It never deletes a stream, and it never
// lowers a limit or a number of replicas that an operator raised.
func Provision(ctx context.Context, js jetstream.JetStream, replicas int) error {
	for _, want := range Streams(replicas) {
		if err := (provision.JetStream{JS: js}).Stream(ctx, want); err != nil {
			return err
		}
	}
	return nil
}

func unavailable(err error, format string, args ...any) error {
	return fault.Wrap(err, fault.Unavailable, format, args...)
}
