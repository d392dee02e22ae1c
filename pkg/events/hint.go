package events

import (
	"encoding/json"

	"github.com/nats-io/nats.go"

	"filmgate.dev/pkg/fault"
)

// maxHintIDs bounds the ids in a hint; more than that and "read it again" is the better hint.
const maxHintIDs = 500

// PublishHint tells whoever looks that the catalog of a job changed. Nobody may be listening, and that is no error.
func PublishHint(nc *nats.Conn, account string, hint Hint) error {
	subject, err := HintSubject(account, hint.JobID)
	if err != nil {
		return err
	}
	if len(hint.PhotoIDs) > maxHintIDs {
		hint.PhotoIDs = nil
	}
	if len(hint.AlbumIDs) > maxHintIDs {
		hint.AlbumIDs = nil
	}
	return say(nc, subject, hint)
}

// PublishProgress tells whoever looks how far the uploads of a job are.
func PublishProgress(nc *nats.Conn, account string, progress Progress) error {
	subject, err := ProgressSubject(account, progress.JobID)
	if err != nil {
		return err
	}
	return say(nc, subject, progress)
}

func say(nc *nats.Conn, subject string, v any) error {
	data, err := marshal(v)
	if err != nil {
		return err
	}
	if len(data) > MaxMessage {
		return fault.New(fault.Invalid, "a message of %d bytes on %s is more than the %d that are allowed", len(data), subject, MaxMessage)
	}
	return unavailable(nc.Publish(subject, data), "the event server did not take a message on %s", subject)
}

// DecodeHint reads a hint.
func DecodeHint(data []byte) (Hint, error) { return hear[Hint](data) }

// DecodeProgress reads progress.
func DecodeProgress(data []byte) (Progress, error) { return hear[Progress](data) }

func hear[T any](data []byte) (T, error) {
	var v T
	if len(data) > MaxMessage {
		return v, fault.New(fault.Invalid, "a message of %d bytes is more than the %d that are allowed", len(data), MaxMessage)
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return v, fault.Wrap(err, fault.Invalid, "this is not the JSON of a %T", v)
	}
	return v, nil
}
