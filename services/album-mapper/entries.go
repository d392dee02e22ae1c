package albummapper

import (
	"context"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"

	"filmgate.dev/services/album-mapper/internal/photo"
	"filmgate.dev/services/album-mapper/internal/place"
	"filmgate.dev/services/album-mapper/internal/store"
)

// entryHeard takes one entry of the files log into the catalog. It may be old, known, or the first of its path in days:
// what it says is recorded, and whatever it touches is computed again from what is recorded.
func (t *turn) entryHeard(ctx context.Context, e files.Entry, epoch int64) error {
	return t.hear(ctx, e, epoch, false)
}

// orphanHeard takes in the removal of what stood in a folder of which the log has no word left: that one was removed as well, and
// another one has its name. All that is kept is that its path is free: no album is left in whose trash it could lie. What was known
// before it went there is removed from where it was known.
func (t *turn) orphanHeard(ctx context.Context, e files.Entry, epoch int64) error {
	return t.hear(ctx, e, epoch, true)
}

func (t *turn) hear(ctx context.Context, e files.Entry, epoch int64, orphan bool) error {
	claim := place.Of(e, epoch)
	held, known, err := t.Claim(ctx, claim.Subject)
	if err != nil {
		return err
	}
	if known && held.Fence == claim.Fence {
		t.stale++
		return nil
	}
	// First everything that may have to wait for another message, so that a transaction of many can go on without this.
	if !claim.Left() && !orphan && e.Parent != files.Root {
		if _, err := t.folder(ctx, e.Parent); err != nil {
			return err
		}
	}
	fresh := !known || claim.Fence.After(held.Fence)
	if !fresh {
		t.stale++
	}
	var bound []string
	if fresh {
		if bound, err = t.Bound(ctx, claim.Subject); err != nil {
			return err
		}
		if err := t.PutEntry(ctx, e, claim); err != nil {
			return err
		}
	}
	if !claim.Left() && !orphan {
		if err := t.learn(ctx, e, claim, fresh); err != nil {
			return err
		}
	}
	for _, id := range bound {
		if id == e.ID && !claim.Left() && !orphan {
			continue // has just been computed
		}
		if err := t.restand(ctx, id, e.Folder()); err != nil {
			return err
		}
	}
	return nil
}

// learn takes over what an entry says of its folder or photo. Fresh is one that is the newest of its path.
func (t *turn) learn(ctx context.Context, e files.Entry, claim place.Claim, fresh bool) error {
	if e.Folder() {
		return t.learnFolder(ctx, e, claim)
	}
	return t.learnFile(ctx, e, claim, fresh)
}

func (t *turn) learnFolder(ctx context.Context, e files.Entry, claim place.Claim) error {
	f, known, err := t.Folder(ctx, e.ID)
	if err != nil || known && !claim.Fence.After(f.Claim.Fence) {
		return err
	}
	f.Learn(e, claim)
	if f.Standing, err = t.stand(ctx, claim); err != nil {
		return err
	}
	return t.tellFolder(ctx, f)
}

func (t *turn) learnFile(ctx context.Context, e files.Entry, claim place.Claim, fresh bool) error {
	p, known, err := t.Photo(ctx, e.ID)
	if err != nil {
		return err
	}
	if !known {
		if hidden(e) {
			return t.uploadSeen(ctx, e, nil)
		}
		p = &photo.Photo{}
		p.Learn(e, claim)
		// Something newer may be recorded that was no photo by itself: a landed file that went to a temporary name.
		newest, newestClaim, ok, err := t.NewestEntry(ctx, e.ID)
		if err != nil {
			return err
		}
		if ok && newestClaim.Fence.After(claim.Fence) {
			p.Learn(newest, newestClaim)
		}
		// A staged upload was heard of before it had a photo, and what took its place was lost.
		if err := t.SupersedeStaged(ctx, p.ID(), p.Version()); err != nil {
			return err
		}
	}
	before := p.Version()
	if claim.Fence.After(p.Claim.Fence) {
		p.Learn(e, claim)
	}
	if fresh && p.Claim == claim && claim.State == files.StateLanded {
		p.Standing = place.Standing{State: place.Here} // nothing newer is held of its path
	} else if p.Standing, err = t.stand(ctx, p.Claim); err != nil {
		return err
	}
	if err := t.uploadSeen(ctx, e, p); err != nil {
		return err
	}
	if before != p.Version() {
		if err := t.uploadIs(ctx, before, p.ID(), store.FateSuperseded); err != nil {
			return err
		}
	}
	if p.Version() != e.Upload {
		if err := t.uploadIs(ctx, p.Version(), p.ID(), fateOf(p)); err != nil {
			return err
		}
	}
	return t.tellPhoto(ctx, p)
}

// hidden reports whether an entry is of a file that never was a photo: one under a temporary name, or the tombstone of one,
// or the tombstone of an upload that never landed.
func hidden(e files.Entry) bool {
	if e.Gone() {
		_, temporary := files.Temporary(e.Name)
		return temporary || e.LandedAt.IsZero()
	}
	return e.State == files.StateStaged
}

func (t *turn) stand(ctx context.Context, own place.Claim) (place.Standing, error) {
	return place.Stand(own, func(subject string) (place.Claim, bool, error) { return t.Claim(ctx, subject) })
}

// restand computes again where something stands after another thing's entry, or its own leaving, changed a path.
func (t *turn) restand(ctx context.Context, id string, isFolder bool) error {
	if isFolder {
		f, known, err := t.Folder(ctx, id)
		if err != nil || !known {
			return err
		}
		now, err := t.stand(ctx, f.Claim)
		if err != nil || now == f.Standing {
			return err
		}
		f.Standing = now
		return t.tellFolder(ctx, f)
	}
	p, known, err := t.Photo(ctx, id)
	if err != nil || !known {
		return err
	}
	now, err := t.stand(ctx, p.Claim)
	if err != nil || now == p.Standing {
		return err
	}
	p.Standing = now
	if err := t.uploadIs(ctx, p.Version(), p.ID(), fateOf(p)); err != nil {
		return err
	}
	return t.tellPhoto(ctx, p)
}

// settle says that what lost its path was removed, once everything was heard that could have told otherwise.
func (t *turn) settle(ctx context.Context, epoch, floor int64) error {
	photos, err := t.UnsettledPhotos(ctx, epoch, floor)
	if err != nil {
		return err
	}
	for _, id := range photos {
		p, known, err := t.Photo(ctx, id)
		if err != nil || !known {
			return err
		}
		p.Standing.Until = place.Fence{}
		if err := t.tellPhoto(ctx, p); err != nil {
			return err
		}
	}
	folders, err := t.UnsettledFolders(ctx, epoch, floor)
	if err != nil {
		return err
	}
	for _, id := range folders {
		f, known, err := t.Folder(ctx, id)
		if err != nil || !known {
			return err
		}
		f.Standing.Until = place.Fence{}
		if err := t.tellFolder(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// checkEntry refuses what no build of ours writes, before it can harm anything.
func checkEntry(e files.Entry) error {
	switch {
	case e.ID == "" || e.Subject == "" || e.Job.Account == "" || e.Job.ID == "" || e.Parent == "" || e.Name == "":
		return fault.New(fault.Invalid, "the entry at %s lacks its job, parent, id or name", e.Subject)
	case e.Kind != files.KindAlbum && e.Kind != files.KindSection && e.Kind != files.KindFile:
		return fault.New(fault.Invalid, "the entry at %s is of the unknown kind %q", e.Subject, e.Kind)
	case e.Kind == files.KindFile && e.Upload == "":
		return fault.New(fault.Invalid, "the entry at %s names no upload", e.Subject)
	}
	return nil
}
