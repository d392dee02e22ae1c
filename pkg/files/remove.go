package files

import (
	"context"
	"errors"
	"time"

	"filmgate.dev/pkg/fault"
)

// TombstoneTTL is how long the log remembers that something stood at a path: longer than the trash.
const TombstoneTTL = 30 * 24 * time.Hour

// tombstone answers the entry's end: complete, so that it can be put back.
func (l *Log) tombstone(e Entry, by By) Entry {
	e.State, e.GoneAt, e.MovedTo = StateGone, l.now().UTC(), ""
	e.ChangedBy = by.User
	e.Revision++
	return e
}

// Remove removes a file as it was read: not one that has taken its place since. An entry without a sequence that nothing
// stands for, such as an upload whose CLOSE failed, leaves a tombstone for its upload all the same, so that nothing
// brings it back.
func (l *Log) Remove(ctx context.Context, e Entry, by By) error {
	if e.Folder() {
		return fault.New(fault.Invalid, "%q is a folder", e.Name)
	}
	place, err := e.Place()
	if err != nil {
		return err
	}
	current := e
	for fresh := false; ; fresh = true {
		if fresh || current.Sequence == 0 {
			if current, err = l.standing(ctx, place.Subject()); err != nil {
				return err
			}
		}
		switch {
		case current.Gone() && e.Sequence == 0 && current.Upload != e.Upload:
			sequence := current.Sequence
			current = asNew(e, sequence)
			current.Kind = KindFile
		case current.Gone():
			return notFound(e.Name)
		case current.Upload != e.Upload:
			return fault.New(fault.Conflict, "%q was replaced by another upload meanwhile", e.Name)
		}
		_, err = l.appendOne(ctx, l.tombstone(current, by))
		if !errors.Is(err, errStale) {
			return err
		}
	}
}

// Touch sets a file's modification time. A zero time, or the one it has, changes nothing.
func (l *Log) Touch(ctx context.Context, e Entry, mtime time.Time) (Entry, error) {
	place, err := e.Place()
	if err != nil {
		return Entry{}, err
	}
	current := e
	for fresh := false; ; fresh = true {
		if fresh || current.Sequence == 0 {
			if current, err = l.standing(ctx, place.Subject()); err != nil {
				return Entry{}, err
			}
		}
		switch {
		case current.Gone() || current.ID != e.ID:
			return Entry{}, notFound(e.Name)
		case current.Upload != e.Upload:
			return Entry{}, fault.New(fault.Conflict, "%q was replaced by another upload meanwhile", e.Name)
		case mtime.IsZero() || mtime.Equal(current.ModifiedAt):
			if fresh {
				return current, nil
			}
			// What was read may be gone by now.
			continue
		}
		current.ModifiedAt = mtime.UTC()
		current.Revision++
		touched, err := l.appendOne(ctx, current)
		if !errors.Is(err, errStale) {
			return touched, err
		}
	}
}

// Restore puts a removed file back at its place, or at the one that the tombstone is changed to name. Exists when
// another file stands there, or when this one is back already.
func (l *Log) Restore(ctx context.Context, tombstone Entry, by By) (Entry, error) {
	if tombstone.Folder() {
		return Entry{}, fault.New(fault.Invalid, "%q is a folder: make it again", tombstone.Name)
	}
	place, err := tombstone.Place()
	if err != nil {
		return Entry{}, err
	}
	if _, err := l.locate(ctx, tombstone.Job, tombstone.Parent); err != nil {
		return Entry{}, err
	}
	for {
		current, err := l.standing(ctx, place.Subject())
		if err != nil {
			return Entry{}, err
		}
		if !current.Gone() {
			return current, fault.New(fault.Exists, "%q exists already", current.Name)
		}
		if current.ID != tombstone.ID || current.MovedTo != "" {
			if e, err := l.photo(ctx, tombstone.Job, tombstone.ID); err != nil || e.Sequence != 0 {
				return e, err
			}
		}
		back := tombstone
		back.State, back.MovedTo, back.GoneAt = StateLanded, "", time.Time{}
		back.ChangedBy, back.ChangedAt = by.User, l.now().UTC()
		back.Revision = max(back.Revision, current.Revision) + 1
		back.Sequence = current.Sequence
		back, err = l.appendOne(ctx, back)
		if errors.Is(err, errStale) {
			continue
		}
		if err != nil {
			return Entry{}, err
		}
		return back, l.upholdOrWithdraw(ctx, back)
	}
}

// photo finds where a photo stands, if it stands anywhere: its tombstone is not the last word about it any more.
func (l *Log) photo(ctx context.Context, job Job, id string) (Entry, error) {
	all, err := l.entries(ctx, job.prefix()+"f.>")
	if err != nil {
		return Entry{}, err
	}
	for _, e := range all {
		if e.ID == id && !e.Gone() {
			return e, fault.New(fault.Exists, "the photo is back already, as %q", e.Name)
		}
	}
	return Entry{}, nil
}
