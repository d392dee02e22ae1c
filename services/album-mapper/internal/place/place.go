// Package place decides, for the catalog, where a folder or a photo stands, from what the files log last said of each
// path.
//
// The log keeps only the last entry of a path, so a thing can lose its place without any message that names it: its
// tombstone was overwritten by the next file of the same name before anybody read it. Therefore standing is computed
// from the entries that are held, never from the message that just came, and the order of messages cannot matter.
package place

import "filmgate.dev/pkg/files"

// Fence orders what the log said: by its epoch, then by the stream's sequence.
type Fence struct {
	Epoch    int64
	Sequence int64
}

// After reports whether f is newer than other.
func (f Fence) After(other Fence) bool {
	if f.Epoch != other.Epoch {
		return f.Epoch > other.Epoch
	}
	return f.Sequence > other.Sequence
}

// Claim is what one entry of the log says about one path: whose it is, and whether it still is.
type Claim struct {
	Subject string
	// ID is the photo or folder.
	ID string
	// Upload is the version of the photo; empty for folders.
	Upload  string
	State   files.State
	MovedTo string
	Fence   Fence
}

// Of answers the claim that an entry makes.
func Of(e files.Entry, epoch int64) Claim {
	return Claim{
		Subject: e.Subject, ID: e.ID, Upload: e.Upload, State: e.State, MovedTo: e.MovedTo,
		Fence: Fence{Epoch: epoch, Sequence: int64(e.Sequence)}, //nolint:gosec // a stream has no 2^63 messages
	}
}

// Left reports whether the claim only says that its thing went to another path. It frees the path and says nothing else.
func (c Claim) Left() bool { return c.State == files.StateGone && c.MovedTo != "" }

// State is how a thing stands.
type State string

// The ways to stand.
const (
	Here   State = "here"   // in the tree, for everybody
	Staged State = "staged" // in the tree under a client's temporary name: not for the catalog
	Gone   State = "gone"   // removed, or its path is another's
)

// Standing is how a thing stands. Where Until is set, the thing lost its path to another and no message said why: it was
// removed, or it went somewhere and the message of that is still to come. Once everything up to Until was heard, it is
// certain that it was removed.
type Standing struct {
	State State
	Until Fence
}

// Stand answers how the thing stands whose newest own claim is given. At answers the claim now held for a path.
func Stand(own Claim, at func(subject string) (Claim, bool, error)) (Standing, error) {
	switch own.State {
	case files.StateGone:
		return Standing{State: Gone}, nil
	case files.StateStaged:
		return Standing{State: Staged}, nil
	}
	subject, fence := own.Subject, own.Fence
	for {
		now, ok, err := at(subject)
		switch {
		case err != nil:
			return Standing{}, err
		case !ok || !now.Fence.After(fence):
			// Nothing newer is known of the path: it stands there, or is on its way there from its last one.
			return Standing{State: Here}, nil
		case now.ID != own.ID:
			return Standing{State: Gone, Until: now.Fence}, nil
		case now.State == files.StateGone && !now.Left():
			// Removed in a folder that nobody here has heard of.
			return Standing{State: Gone}, nil
		case !now.Left():
			return Standing{State: Here}, nil
		}
		if target, ok, err := at(now.MovedTo); err != nil {
			return Standing{}, err
		} else if ok && target.ID != own.ID && target.Upload != "" && target.Upload == now.Upload {
			// Its bytes became a version of the photo that it was moved over.
			return Standing{State: Gone}, nil
		}
		subject, fence = now.MovedTo, now.Fence
	}
}
