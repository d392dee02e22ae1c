package files

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/fault"
)

const (
	// epochKey is where the stream's metadata keep the log's epoch: raised by every rebuild or import.
	epochKey = "filmgate-epoch"
	// maxStreamBytes holds about 9 million entries. A smaller disk gets the largest half of it that fits.
	maxStreamBytes, minStreamBytes = 8 << 30, 64 << 20
	maxUploadsBytes                = 1 << 30
	insufficientStorage            = 10047
	// markerTTL is how long UPLOADS remembers that a record was deleted.
	markerTTL = time.Hour
)

// Provision creates the stream FILES and the bucket UPLOADS, or patches what differs. It never destroys: limits that an
// operator raised stay, and so does the epoch.
func Provision(ctx context.Context, js jetstream.JetStream, replicas int) error {
	if replicas < 1 || replicas > 5 {
		return fault.New(fault.Invalid, "the files log cannot have %d replicas", replicas)
	}
	if err := provision(ctx, js, filesStream(replicas)); err != nil {
		return fmt.Errorf("provision %s: %w", Stream, err)
	}
	if err := provision(ctx, js, uploadsStream(replicas)); err != nil {
		return fmt.Errorf("provision %s: %w", uploadsName, err)
	}
	return nil
}

// Streams answers the names of what Provision makes.
func Streams() []string { return []string{Stream, uploadsStreamName} }

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

func provision(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig) error {
	stream, err := js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return create(ctx, js, want)
	}
	if err != nil {
		return err
	}
	have := stream.CachedInfo().Config
	want.MaxBytes = have.MaxBytes
	want.Duplicates = have.Duplicates
	want.Placement = have.Placement
	want.Compression = have.Compression
	metadata := maps.Clone(want.Metadata)
	if metadata == nil {
		metadata = map[string]string{}
	}
	maps.Copy(metadata, have.Metadata)
	want.Metadata = metadata
	_, err = js.UpdateStream(ctx, want)
	return err
}

func create(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig) error {
	for {
		_, err := js.CreateStream(ctx, want)
		var api *jetstream.APIError
		if errors.As(err, &api) && api.ErrorCode == insufficientStorage && want.MaxBytes/2 >= minStreamBytes {
			want.MaxBytes /= 2
			continue
		}
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another replica was faster
			return provision(ctx, js, want)
		}
		return err
	}
}
