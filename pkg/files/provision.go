package files

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/provision"
)

const (
	// epochKey is where the stream's metadata keep the log's epoch: raised by every rebuild or import.
	epochKey = "filmgate-epoch"
	// maxStreamBytes holds about 9 million entries. A smaller disk gets the largest half of it that fits.
	maxStreamBytes  = 8 << 30
	maxUploadsBytes = 1 << 30
	// markerTTL is how long UPLOADS remembers that a record was deleted.
	markerTTL = time.Hour
)

// Provision creates the stream FILES and the bucket UPLOADS, or patches what differs. It never destroys: limits that an
// operator raised stay, and so does the epoch.
func Provision(ctx context.Context, js jetstream.JetStream, replicas int) error {
	if replicas < 1 || replicas > 5 {
		return fault.New(fault.Invalid, "the files log cannot have %d replicas", replicas)
	}
	for _, want := range Streams(replicas) {
		if err := (provision.JetStream{JS: js}).Stream(ctx, want); err != nil {
			return err
		}
	}
	return nil
}

// StreamNames answers the names of what Provision makes.
func StreamNames() []string { return []string{Stream, uploadsStreamName} }

// Streams answers what FILES and the bucket UPLOADS are to be.
func Streams(replicas int) []jetstream.StreamConfig {
	return []jetstream.StreamConfig{filesStream(replicas), uploadsStream(replicas)}
}

func filesStream(replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:               Stream,
		Description:        "the folder tree of every job: one subject per entry, one message kept per subject",
		Subjects:           []string{Subjects},
		Storage:            jetstream.FileStorage,
		Retention:          jetstream.LimitsPolicy,
		Discard:            jetstream.DiscardNew,
		Replicas:           replicas,
		MaxMsgsPerSubject:  1,
		MaxBytes:           maxStreamBytes,
		MaxMsgSize:         maxEntryBytes,
		Duplicates:         2 * time.Minute, // unused: a message of the log has no id
		DenyDelete:         true,
		AllowAtomicPublish: true,
		AllowMsgTTL:        true,
		AllowDirect:        false, // a direct get may be answered by a replica that is behind
		Metadata:           map[string]string{epochKey: "1"},
	}
}

// uploadsStream is a key-value bucket as the client library lays it out, so that its tools can show it.
func uploadsStream(replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:                   uploadsStreamName,
		Description:            "uploads in flight and broken off",
		Subjects:               []string{uploadsPrefix + ">"},
		Storage:                jetstream.FileStorage,
		Retention:              jetstream.LimitsPolicy,
		Discard:                jetstream.DiscardNew,
		Replicas:               replicas,
		MaxMsgsPerSubject:      1,
		MaxBytes:               maxUploadsBytes,
		MaxMsgSize:             maxEntryBytes,
		Duplicates:             2 * time.Minute,
		DenyDelete:             true,
		AllowRollup:            true,
		AllowDirect:            true,
		AllowMsgTTL:            true,
		SubjectDeleteMarkerTTL: markerTTL,
	}
}
