package files

import (
	"context"
	"errors"
	"time"

	"github.com/oklog/ulid/v2"

	"filmgate.dev/pkg/fault"
)

// maxHops bounds how often a folder that was renamed and renamed again is followed.
const maxHops = 16

// Make creates a folder: an album when its parent is Root, otherwise a section of the album that is its parent. The
// caller gives Job, JobName, Parent, Name, optionally ID, and who; the rest is filled in. If there is such a folder
// already, that one is answered with an Exists error. A folder made where one was removed is that folder again, under
// the same id, so that what arrives late for it is in the right place.
func (l *Log) Make(ctx context.Context, e Entry) (Entry, error) {
	if e.ID == "" {
		e.ID = ulid.Make().String()
	}
	if e.LandedAt.IsZero() {
		e.LandedAt = l.now().UTC()
	}
	e.State = StateLanded
	place, err := l.asFolder(&e)
	if err != nil {
		return Entry{}, err
	}
	if err := l.open(ctx, e.Job, e.Parent); err != nil {
		return Entry{}, err
	}
	for {
		current, err := l.standing(ctx, place.Subject())
		if err != nil {
			return Entry{}, err
		}
		if !current.Gone() {
			if current.State == StateRemoving {
				if err := l.uphold(ctx, e.Job, current.ID); err != nil {
					return Entry{}, err
				}
				current.State = StateLanded
			}
			return current, fault.New(fault.Exists, "the folder %q exists already", current.Name)
		}
		made := e
		made.Revision, made.Sequence = 1, current.Sequence
		if current.Sequence != 0 && current.MovedTo == "" {
			made.ID, made.Revision = current.ID, current.Revision+1
		}
		made, err = l.appendOne(ctx, made)
		if errors.Is(err, errStale) {
			continue
		}
		if err != nil {
			return Entry{}, err
		}
		return made, l.upholdOrWithdraw(ctx, made)
	}
}

// asFolder fills in what kind of folder the entry is, by where it stands.
func (l *Log) asFolder(e *Entry) (Place, error) {
	n, err := ParseName(e.Name)
	if err != nil {
		return Place{}, err
	}
	e.Name = string(n)
	section, isSection := l.aliases.section(e.Name)
	switch {
	case e.Parent == Root && isSection:
		return Place{}, fault.New(fault.Invalid, "%q is a part of an album: create an album folder first", e.Name)
	case e.Parent == Root:
		e.Kind, e.Section = KindAlbum, ""
	case isSection:
		e.Kind, e.Section = KindSection, section
	default:
		return Place{}, fault.New(fault.Invalid, "an album holds only the folders %q and %q", SectionGroup, SectionIndividuals)
	}
	return e.Place()
}

// open checks that new things may be put into a folder.
func (l *Log) open(ctx context.Context, job Job, id string) error {
	if id == Root {
		return job.check()
	}
	folder, err := l.locate(ctx, job, id)
	if err != nil {
		return err
	}
	return l.Admit(ctx, folder)
}

// brokenOff is how old a mark is whose removal is over, one way or another: much longer than one takes.
const brokenOff = time.Minute

// Admit refuses to put something new into a folder that was removed or is being removed. The mark of a removal that was
// broken off is taken away: it would keep everybody out for ever.
func (l *Log) Admit(ctx context.Context, folder Entry) error {
	switch {
	case folder.Gone():
		return fault.New(fault.NotFound, "the folder %q was removed", folder.Name)
	case folder.State == StateRemoving && l.now().Sub(folder.GoneAt) < brokenOff:
		return fault.New(fault.Denied, "the folder %q is being removed", folder.Name)
	case folder.State == StateRemoving:
		return l.uphold(ctx, folder.Job, folder.ID)
	}
	return nil
}

// FolderByID reads a folder wherever it stands, also when it was removed: then its tombstone.
func (l *Log) FolderByID(ctx context.Context, job Job, id string) (Entry, error) {
	return l.locate(ctx, job, id)
}

// locate finds a folder by its id, also when it was removed: then the tombstone.
func (l *Log) locate(ctx context.Context, job Job, id string) (Entry, error) {
	if subject, ok := l.hints.where(job, id); ok {
		for range maxHops {
			e, err := l.standing(ctx, subject)
			if err != nil {
				return Entry{}, err
			}
			if e.ID != id {
				break
			}
			if e.MovedTo == "" {
				return e, nil
			}
			subject = e.MovedTo
		}
	}
	if err := job.check(); err != nil {
		return Entry{}, err
	}
	all, err := l.entries(ctx, job.prefix()+"d.>")
	if err != nil {
		return Entry{}, err
	}
	var found Entry
	for _, e := range all {
		if e.ID != id || e.MovedTo != "" {
			continue
		}
		if !e.Gone() {
			return e, nil
		}
		if e.Sequence > found.Sequence {
			found = e
		}
	}
	if found.Sequence == 0 {
		return Entry{}, fault.New(fault.NotFound, "the folder was removed")
	}
	return found, nil
}

// uphold sees to it that a folder and the one above it stand, and is called after something was put into it: whoever
// removes a folder marks it first and then looks into it, so one of the two always sees the other.
func (l *Log) uphold(ctx context.Context, job Job, id string) error {
	for id != Root {
		folder, err := l.locate(ctx, job, id)
		if err != nil {
			return err
		}
		if folder.State != StateLanded {
			folder.State, folder.GoneAt = StateLanded, time.Time{}
			folder.Revision++
			if _, err := l.appendOne(ctx, folder); errors.Is(err, errStale) {
				continue
			} else if err != nil {
				return err
			}
		}
		id = folder.Parent
	}
	return nil
}

// upholdOrWithdraw upholds the folder that e was just put into. Where that cannot be, because another folder has taken
// its place meanwhile, e is taken away again: nobody was told that it is there.
func (l *Log) upholdOrWithdraw(ctx context.Context, e Entry) error {
	err := l.uphold(ctx, e.Job, e.Parent)
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	_, withdrawn := l.appendOne(ctx, l.tombstone(e, By{UserID: e.UserID, User: e.User, Client: e.Client}))
	if withdrawn != nil && !errors.Is(withdrawn, errStale) {
		return withdrawn
	}
	return err
}

// Rmdir removes an empty folder. It marks the folder, looks into it, and only then removes it: what arrives after the
// look finds the mark and takes it off, and the removal fails.
func (l *Log) Rmdir(ctx context.Context, e Entry, by By) error {
	place, err := e.Place()
	if err != nil {
		return err
	}
	if err := l.empty(ctx, e); err != nil {
		return err
	}
	marked, err := l.mark(ctx, place.Subject(), e)
	if err != nil {
		return err
	}
	if err := l.empty(ctx, e); err != nil {
		// Also when the caller has gone: a mark that stays keeps everybody out.
		return errors.Join(err, l.uphold(context.WithoutCancel(ctx), e.Job, e.ID))
	}
	_, err = l.appendOne(ctx, l.tombstone(marked, by))
	if errors.Is(err, errStale) {
		return fault.New(fault.Invalid, "the folder %q is not empty: something has just arrived in it", e.Name)
	}
	return err
}

func (l *Log) mark(ctx context.Context, subject string, e Entry) (Entry, error) {
	for {
		current, err := l.standing(ctx, subject)
		if err != nil {
			return Entry{}, err
		}
		if current.Gone() || current.ID != e.ID {
			return Entry{}, notFound(e.Name)
		}
		if current.State == StateRemoving { // a removal that was broken off, or the page's
			return current, nil
		}
		current.State, current.GoneAt = StateRemoving, l.now().UTC()
		current.Revision++
		marked, err := l.appendOne(ctx, current)
		if !errors.Is(err, errStale) {
			return marked, err
		}
	}
}

// empty refuses in words what a folder still holds.
func (l *Log) empty(ctx context.Context, folder Entry) error {
	entries, err := l.List(ctx, folder.Job, folder.ID)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return fault.New(fault.Invalid, "the folder %q is not empty: %q is in it", folder.Name, entries[0].Name)
	}
	records, err := l.uploads.List(ctx, folder.Job, folder.ID)
	if err != nil {
		return err
	}
	for _, r := range records {
		if r.Expires.IsZero() || r.Expires.After(l.now()) {
			return fault.New(fault.Invalid, "the folder %q is not empty: the upload of %q is not finished", folder.Name, r.Name)
		}
	}
	return nil
}
