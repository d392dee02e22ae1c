package files

import (
	"context"
	"errors"
	"time"

	"filmgate.dev/pkg/fault"
)

// Landing is a file whose bytes are durable and that is to appear in its folder.
type Landing struct {
	// Entry says where and what; Kind, State, ID, Supersedes and Revision are filled in by the log.
	Entry Entry
	// Base is what stood at the path at OPEN, if anything: it saves a read when it still does.
	Base *Entry
	// Exclusive refuses to write over a file.
	Exclusive bool
}

// Landed is what a landing came to.
type Landed struct {
	// Entry is what stands at the path.
	Entry Entry
	// Unchanged says that these very bytes were there already: no new version.
	Unchanged bool
	// Unnamed says, also beside an error, that nothing in the log names this upload or ever will: its object may go. Where
	// it is false, an entry, a tombstone or an append that is still on its way may need the object.
	Unnamed bool
}

// Land makes a file visible to everybody. When it answers without an error the file is there, in a folder that is there.
func (l *Log) Land(ctx context.Context, landing Landing) (Landed, error) {
	return l.land(ctx, landing, StateLanded)
}

// Stage makes a file visible under a client's temporary name, to SFTP only.
func (l *Log) Stage(ctx context.Context, landing Landing) (Landed, error) {
	return l.land(ctx, landing, StateStaged)
}

func (l *Log) land(ctx context.Context, landing Landing, state State) (Landed, error) {
	ctx, cancel := context.WithTimeout(ctx, writeBudget)
	defer cancel()
	mine := landing.Entry
	name, err := ParseName(mine.Name)
	if err != nil {
		return Landed{Unnamed: true}, err
	}
	mine.Kind, mine.Name, mine.Section, mine.State = KindFile, string(name), "", state
	mine.MovedTo, mine.GoneAt = "", time.Time{}
	if mine.LandedAt.IsZero() {
		mine.LandedAt = l.now().UTC()
	}
	place, err := mine.Place()
	if err != nil {
		return Landed{Unnamed: true}, err
	}
	// A folder that was never seen here may never have been: then nothing is appended to be taken back.
	if _, known := l.hints.where(mine.Job, mine.Parent); !known {
		if _, err := l.locate(ctx, mine.Job, mine.Parent); err != nil {
			return Landed{Unnamed: true}, err
		}
	}
	current, fresh, unnamed := Entry{State: StateGone}, false, true
	if landing.Base != nil {
		current = *landing.Base
	}
	for {
		next, verdict := over(current, mine, landing)
		switch {
		case verdict == toAppend:
			next, err = l.appendOne(ctx, next)
			if err == nil {
				return Landed{Entry: next}, l.upholdOrWithdraw(ctx, next)
			}
			if !errors.Is(err, errStale) {
				return Landed{}, err
			}
			unnamed = unnamed && !errors.Is(err, errOvertaken)
		case !fresh: // only what stands there now may decide the rest
		case verdict == landedBefore:
			return Landed{Entry: next}, l.uphold(ctx, next.Job, next.Parent)
		case verdict == sameBytes:
			next, err = l.Touch(ctx, next, mine.ModifiedAt)
			if err == nil {
				return Landed{Entry: next, Unchanged: true, Unnamed: unnamed}, l.uphold(ctx, next.Job, next.Parent)
			}
			if !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.NotFound) {
				return Landed{Unnamed: unnamed}, err
			}
		case verdict == taken:
			return Landed{Unnamed: unnamed}, fault.New(fault.Exists, "the file %q exists already", mine.Name)
		case verdict == newer:
			return Landed{Unnamed: unnamed}, fault.New(fault.Conflict, "replaced by a newer upload of the same name")
		}
		if current, err = l.standing(ctx, place.Subject()); err != nil {
			return Landed{Unnamed: unnamed}, err
		}
		fresh = true
	}
}

// verdict is what becomes of an upload that meets what stands at its path.
type verdict int

const (
	toAppend     verdict = iota // the answered entry is to be appended
	landedBefore                // the upload landed already; the answered entry tells what is known of it
	sameBytes                   // the answered entry holds the same bytes
	taken                       // an exclusive upload found a file
	newer                       // a newer upload is there
)

// over decides what becomes of mine where current stands: the conflict rules of the log, in one place.
func over(current, mine Entry, landing Landing) (Entry, verdict) {
	// Sequence 0 is nothing. A tombstone or a later version may name mine too: then an append whose answer was lost did
	// succeed, and others went on from there.
	there := current.Sequence != 0 && current.Kind == KindFile
	switch {
	case there && current.Upload == mine.Upload && !current.Gone():
		return current, landedBefore
	case there && (current.Upload == mine.Upload || current.Supersedes == mine.Upload):
		return asNew(mine, current.Sequence), landedBefore
	case current.Gone():
		return asNew(mine, current.Sequence), toAppend
	case landing.Exclusive:
		return current, taken
	case current.State == StateLanded && mine.State == StateLanded && sameContent(current, mine):
		return current, sameBytes
	// ULIDs sort by the time of their OPEN, as their edge's clock had it; what an upload saw then is older in any case.
	case current.Upload > mine.Upload && (landing.Base == nil || landing.Base.Upload != current.Upload):
		return current, newer
	}
	return asVersion(mine, current), toAppend
}

// asNew makes an upload a photo of its own.
func asNew(mine Entry, expect uint64) Entry {
	mine.ID, mine.Supersedes, mine.Revision, mine.Sequence = mine.Upload, "", 1, expect
	return mine
}

// asVersion makes an upload the next version of a photo. A photo that everybody sees is never hidden again.
func asVersion(mine, current Entry) Entry {
	mine.ID, mine.Supersedes, mine.Revision, mine.Sequence = current.ID, current.Upload, current.Revision+1, current.Sequence
	if current.State == StateLanded {
		mine.State = StateLanded
	}
	return mine
}

func sameContent(a, b Entry) bool {
	return a.SHA256 != "" && a.SHA256 == b.SHA256 && a.Bytes == b.Bytes
}
