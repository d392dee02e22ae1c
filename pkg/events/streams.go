package events

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/fault"
)

// The streams.
const (
	StreamWork   = "WORK"
	StreamPhotos = "PHOTOS"
	StreamDLQ    = "DLQ"
)

const day = 24 * time.Hour

func streams(replicas int) []jetstream.StreamConfig {
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
	for _, want := range streams(replicas) {
		if err := provision(ctx, js, want); err != nil {
			return fmt.Errorf("provision stream %s: %w", want.Name, err)
		}
	}
	return nil
}

func provision(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig) error {
	stream, err := js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		_, err = js.CreateStream(ctx, want)
		if !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			return unavailable(err, "the event server did not create stream %s", want.Name)
		}
		// Another process was faster, with other limits.
		stream, err = js.Stream(ctx, want.Name)
	}
	if err != nil {
		return unavailable(err, "the event server did not answer about stream %s", want.Name)
	}
	have := stream.CachedInfo().Config
	if have.Retention != want.Retention || have.Storage != want.Storage {
		return fault.New(fault.Conflict, "stream %s exists with %s retention on %s storage; Filmgate needs %s on %s, and will not delete it",
			want.Name, have.Retention, have.Storage, want.Retention, want.Storage)
	}
	patched := patch(have, want)
	if reflect.DeepEqual(have, patched) {
		return nil
	}
	_, err = js.UpdateStream(ctx, patched)
	return unavailable(err, "the event server did not change stream %s", want.Name)
}

// patch answers have with what want asks for; whatever else an operator set stays.
func patch(have, want jetstream.StreamConfig) jetstream.StreamConfig {
	have.Description = want.Description
	have.Discard = want.Discard
	have.Subjects = slices.Clone(have.Subjects)
	for _, subject := range want.Subjects {
		if !slices.Contains(have.Subjects, subject) {
			have.Subjects = append(have.Subjects, subject)
		}
	}
	have.MaxAge = raise(have.MaxAge, want.MaxAge)
	have.MaxBytes = raise(have.MaxBytes, want.MaxBytes)
	have.MaxMsgSize = raise(have.MaxMsgSize, want.MaxMsgSize)
	have.Duplicates = max(have.Duplicates, want.Duplicates)
	have.Replicas = max(have.Replicas, want.Replicas)
	return have
}

// raise answers the higher of two limits, of which zero and less mean none.
func raise[T ~int32 | ~int64](have, want T) T {
	if have <= 0 {
		return have
	}
	return max(have, want)
}

func unavailable(err error, format string, args ...any) error {
	return fault.Wrap(err, fault.Unavailable, format, args...)
}
