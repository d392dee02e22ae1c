package provision

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/fault"
)

// What the server says, by number.
const (
	accountFull  = 10002
	noPeers      = 10005 // of a cluster, also for want of room
	serverFull   = 10023
	diskFull     = 10047
	notClustered = 10074
)

// minStreamBytes is the least that a stream is made with on a small disk.
const minStreamBytes = 64 << 20

// JetStream makes and patches streams and consumers.
type JetStream struct {
	JS jetstream.JetStream
	// DryRun only says what would be done.
	DryRun bool
	// Tell hears of each object; nil: nobody does.
	Tell func(Change)
}

func (p JetStream) tell(did Did, what string, how ...string) {
	if p.Tell != nil {
		p.Tell(Change{did, what, how})
	}
}

// Stream makes the stream, or patches what is there: limits are raised and never lowered, and whatever an operator added
// stays. The size is the operator's once the stream is there.
func (p JetStream) Stream(ctx context.Context, want jetstream.StreamConfig) error {
	stream, err := p.JS.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if p.DryRun {
			p.tell(Made, title(want))
			return nil
		}
		how, err := p.create(ctx, want)
		if !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			if err == nil {
				p.tell(Made, title(want), how...)
			}
			return answer(err, want)
		}
		// Another process was faster, with other limits.
		stream, err = p.JS.Stream(ctx, want.Name)
		if err != nil {
			return answer(err, want)
		}
	} else if err != nil {
		return answer(err, want)
	}
	have := stream.CachedInfo().Config
	if err := refuse(have, want); err != nil {
		return err
	}
	patched := patch(have, want)
	how := differences(have, patched)
	if len(how) == 0 {
		p.tell(Left, title(want))
		return nil
	}
	if !p.DryRun {
		if _, err := p.JS.UpdateStream(ctx, patched); err != nil {
			return answer(err, want)
		}
	}
	p.tell(Changed, title(want), how...)
	return nil
}

// create makes the stream. A disk that is too small gets the largest half of it that fits.
func (p JetStream) create(ctx context.Context, want jetstream.StreamConfig) (how []string, err error) {
	for {
		_, err = p.JS.CreateStream(ctx, want)
		if !full(err) || want.MaxBytes/2 < minStreamBytes {
			return how, err
		}
		want.MaxBytes /= 2
		how = []string{fmt.Sprintf("with room for %d MiB, because the server's disk has no more", want.MaxBytes>>20)}
	}
}

func title(c jetstream.StreamConfig) string {
	if bucket, ok := strings.CutPrefix(c.Name, "KV_"); ok {
		return "key-value bucket " + bucket
	}
	return "stream " + c.Name
}

// refuse says what cannot be patched without taking something away.
func refuse(have, want jetstream.StreamConfig) error {
	no := func(format string, args ...any) error {
		return fault.New(fault.Conflict, "%s exists and "+format, append([]any{title(want)}, args...)...)
	}
	switch {
	case !related(have.Subjects, want.Subjects):
		return no("holds %s: it is somebody else's, and Filmgate will not add to it; give Filmgate a NATS account of its own", strings.Join(have.Subjects, ", "))
	case have.Retention != want.Retention || have.Storage != want.Storage:
		return no("has %s retention on %s storage; Filmgate needs %s on %s, and will not delete it",
			have.Retention, have.Storage, want.Retention, want.Storage)
	case have.Mirror != nil || len(have.Sources) > 0:
		return no("is filled from another stream; Filmgate will not write into a copy: promote or delete it first")
	case have.Sealed:
		return no("is sealed: nothing can be written to it any more")
	case have.SubjectTransform != nil:
		return no("rewrites subjects; Filmgate's would be lost")
	case have.Replicas > want.Replicas:
		return no("has %d replicas; with FILMGATE_NATS_REPLICAS=%d it would lose copies of what it holds: set FILMGATE_NATS_REPLICAS=%d",
			have.Replicas, want.Replicas, have.Replicas)
	case want.MaxMsgsPerSubject > 0 && (have.MaxMsgsPerSubject <= 0 || have.MaxMsgsPerSubject > want.MaxMsgsPerSubject):
		return no("keeps more than %d message per subject; Filmgate keeps that many, and will not delete the others", want.MaxMsgsPerSubject)
	}
	return nil
}

// related reports whether the stream can be an older or a wider one of ours: it holds something below the same first word.
func related(have, want []string) bool {
	first := func(s string) string { word, _, _ := strings.Cut(s, "."); return word }
	return slices.ContainsFunc(have, func(h string) bool {
		return slices.ContainsFunc(want, func(w string) bool { return first(h) == first(w) })
	})
}

// patch answers have with what want asks for; whatever else an operator set stays.
func patch(have, want jetstream.StreamConfig) jetstream.StreamConfig {
	have.Description = want.Description
	have.Discard = want.Discard
	have.NoAck = false
	have.AllowDirect = want.AllowDirect
	have.Subjects = slices.Clone(have.Subjects)
	for _, subject := range want.Subjects {
		if !slices.Contains(have.Subjects, subject) {
			have.Subjects = append(have.Subjects, subject)
		}
	}
	have.MaxAge = raise(have.MaxAge, want.MaxAge)
	have.MaxMsgSize = max(have.MaxMsgSize, want.MaxMsgSize) // what may come is bounded; what is there stays
	have.MaxMsgsPerSubject = raise(have.MaxMsgsPerSubject, want.MaxMsgsPerSubject)
	have.Duplicates = max(have.Duplicates, want.Duplicates)
	have.Replicas = max(have.Replicas, want.Replicas)
	have.DenyDelete = have.DenyDelete || want.DenyDelete
	have.AllowRollup = have.AllowRollup || want.AllowRollup
	have.AllowMsgTTL = have.AllowMsgTTL || want.AllowMsgTTL
	have.AllowAtomicPublish = have.AllowAtomicPublish || want.AllowAtomicPublish
	if want.SubjectDeleteMarkerTTL > 0 {
		have.SubjectDeleteMarkerTTL = want.SubjectDeleteMarkerTTL
	}
	metadata := maps.Clone(want.Metadata)
	if metadata == nil {
		metadata = map[string]string{}
	}
	maps.Copy(metadata, have.Metadata)
	if len(metadata) > len(have.Metadata) {
		have.Metadata = metadata
	}
	return have
}

// raise answers the higher of two limits, of which zero and less mean none.
func raise[T ~int32 | ~int64](have, want T) T {
	if have <= 0 {
		return have
	}
	if want <= 0 {
		return 0
	}
	return max(have, want)
}

// answer puts what the server said into words.
func answer(err error, want jetstream.StreamConfig) error {
	if err == nil {
		return nil
	}
	switch c := code(err); {
	case full(err):
		return fault.Wrap(err, fault.Conflict, "%s needs %d MiB, and the server's disk or the account's limit has no room for them", title(want), want.MaxBytes>>20)
	case c == notClustered || c == noPeers:
		return fault.Wrap(err, fault.Conflict, "%s needs %d servers that keep copies, and there are fewer: set FILMGATE_NATS_REPLICAS=1, or give the cluster more servers",
			title(want), want.Replicas)
	case c != 0 && status(err) < 500:
		return fault.Wrap(err, fault.Conflict, "%s: the event server refuses: %v", title(want), err)
	}
	return fault.Wrap(err, fault.Unavailable, "the event server did not answer about %s", title(want))
}

// full reports whether there is no room for a stream of that size.
func full(err error) bool {
	switch code(err) {
	case accountFull, serverFull, diskFull:
		return true
	case noPeers:
		return strings.Contains(err.Error(), "insufficient storage")
	}
	return false
}

func code(err error) jetstream.ErrorCode {
	if known := api(err); known != nil {
		return known.ErrorCode
	}
	return 0
}

func status(err error) int {
	if known := api(err); known != nil {
		return known.Code
	}
	return 0
}

// api answers what the server said, also behind the library's own errors.
func api(err error) *jetstream.APIError {
	var direct *jetstream.APIError
	if errors.As(err, &direct) {
		return direct
	}
	var named jetstream.JetStreamError
	if errors.As(err, &named) {
		return named.APIError()
	}
	return nil
}
