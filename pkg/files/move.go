package files

import (
	"context"
	"errors"
	"time"

	"filmgate.dev/pkg/fault"
)

// MoveRequest asks for a rename or a move within a job.
type MoveRequest struct {
	// From is what to move, as it was read.
	From Entry
	// ToParent and ToName say where to.
	ToParent, ToName string
	// Replace lets a file take the place of another one.
	Replace bool
	// Land makes a staged file visible to everybody: the rename from its temporary name.
	Land bool
	// By is who asks; the tombstone names them. The entry keeps who uploaded it.
	By By
}

// Move renames or moves a file or a folder and answers it as it stands now; what a folder holds hangs on its id and is
// not touched. It is one atomic step: nobody ever sees the entry at two places, or at none.
//
// A staged file that replaces a landed one becomes the next version of that photo; the same bytes become none. A landed
// file that replaces another keeps its own photo id, as every rename does, and the other photo is gone from the path.
func (l *Log) Move(ctx context.Context, r MoveRequest) (Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, writeBudget)
	defer cancel()
	source, err := r.From.Place()
	if err != nil {
		return Entry{}, err
	}
	to, target, err := l.destination(r)
	if err != nil {
		return Entry{}, err
	}
	if to.Parent != r.From.Parent {
		if err := l.open(ctx, to.Job, to.Parent); err != nil {
			return Entry{}, err
		}
	}
	from := r.From
	for fresh := false; ; fresh = true {
		if fresh || from.Sequence == 0 {
			if from, err = l.standing(ctx, source.Subject()); err != nil {
				return Entry{}, err
			}
		}
		if from.Gone() || from.ID != r.From.ID || from.Upload != r.From.Upload {
			return Entry{}, notFound(r.From.Name)
		}
		steps, err := l.steps(ctx, r, from, to, target)
		if err != nil {
			return Entry{}, err
		}
		written, err := l.append(ctx, steps...)
		if errors.Is(err, errStale) {
			continue
		}
		if err != nil {
			return Entry{}, err
		}
		return written[0], l.upholdOrBack(ctx, r, written[0])
	}
}

// destination answers the place to move to, and an entry that says where that is.
func (l *Log) destination(r MoveRequest) (Entry, Place, error) {
	to := r.From
	to.Parent, to.Name = r.ToParent, r.ToName
	if !r.From.Folder() {
		name, err := ParseName(r.ToName)
		if err != nil {
			return Entry{}, Place{}, err
		}
		if r.ToParent == Root {
			return Entry{}, Place{}, fault.New(fault.Invalid, "put photos into an album folder, e.g. %s/Class 1/", r.From.JobName)
		}
		to.Name = string(name)
		place, err := to.Place()
		return to, place, err
	}
	if (r.ToParent == Root) != (r.From.Parent == Root) {
		return Entry{}, Place{}, fault.New(fault.Invalid, "an album cannot become a part of an album, nor a part an album")
	}
	place, err := l.asFolder(&to)
	return to, place, err
}

// steps are the appends that make the move, as things stand now.
func (l *Log) steps(ctx context.Context, r MoveRequest, from, to Entry, target Place) ([]Entry, error) {
	next := from
	next.Parent, next.Name, next.Section = to.Parent, to.Name, to.Section
	next.Revision++
	next.ChangedBy, next.ChangedAt = r.By.User, l.now().UTC()
	if next.State == StateRemoving || r.Land { // who renames a folder wants to keep it
		next.State, next.GoneAt = StateLanded, time.Time{}
	}
	if target.Subject() == from.Subject {
		return []Entry{next}, nil
	}
	current, err := l.standing(ctx, target.Subject())
	if err != nil {
		return nil, err
	}
	next.Sequence = current.Sequence
	gone := l.tombstone(from, r.By)
	gone.MovedTo = target.Subject()
	switch {
	case current.Gone():
	case from.Folder() || !r.Replace:
		return nil, fault.New(fault.Exists, "%q exists already", current.Name)
	case from.State == StateStaged && current.State == StateLanded && sameContent(from, current):
		kept := current
		if !from.ModifiedAt.IsZero() {
			kept.ModifiedAt = from.ModifiedAt
		}
		kept.Revision++
		gone.MovedTo = ""
		return []Entry{kept, gone}, nil
	case from.State == StateStaged:
		next = asVersion(next, current)
	}
	return []Entry{next, gone}, nil
}

// upholdOrBack upholds the folder that an entry was moved into, or moves the entry back where that cannot be.
func (l *Log) upholdOrBack(ctx context.Context, r MoveRequest, moved Entry) error {
	err := l.uphold(ctx, moved.Job, moved.Parent)
	if !fault.Is(err, fault.NotFound) || moved.Parent == r.From.Parent {
		return err
	}
	if _, back := l.Move(ctx, MoveRequest{From: moved, ToParent: r.From.Parent, ToName: r.From.Name, By: r.By}); back != nil {
		return errors.Join(err, back)
	}
	return err
}
