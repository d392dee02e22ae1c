// Package photo knows one photo of the catalog: where it stands, which version it shows, and what was said of it.
//
// Everything here is a function of states: a photo that learns the same entries and answers in another order, or more
// than once, ends the same.
package photo

import (
	"time"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/files"

	"filmgate.dev/services/album-mapper/internal/place"
)

// State is how far the current version has come.
type State string

// The states of a version.
const (
	Processing State = "processing"
	Ready      State = "ready"
	Failed     State = "failed"
	// Removed is a photo in the trash, whatever its version's state; only answered, never stored.
	Removed State = "removed"
)

// Photo is one row of the catalog.
type Photo struct {
	// Entry is the newest that the log said of this photo at the path where it stands or stood.
	Entry    files.Entry
	Claim    place.Claim
	Standing place.Standing

	State   State
	Problem events.Reason
	// Attempt counts how often the current version was given to processing.
	Attempt int
	ReadyAt time.Time
	Hidden  bool
	// Result is the newest answer with derivatives. While a new version is being processed, it is the old one's.
	Result *events.PhotoProcessed
	Told   Told

	// DuplicateOf is the first photo of the job with the same bytes. Only filled by reads.
	DuplicateOf string
}

// ID answers the photo's id.
func (p *Photo) ID() string { return p.Entry.ID }

// Version answers the current version's upload id.
func (p *Photo) Version() string { return p.Entry.Upload }

// Shown answers the state as people see it.
func (p *Photo) Shown() State {
	if p.Standing.State == place.Gone {
		return Removed
	}
	return p.State
}

// Learn takes over what a newer entry says of the photo.
func (p *Photo) Learn(e files.Entry, claim place.Claim) {
	if e.Upload != p.Entry.Upload {
		p.State, p.Attempt, p.Problem, p.ReadyAt = Processing, 1, events.Reason{}, time.Time{}
	}
	p.Entry, p.Claim = e, claim
}

// Processed takes over derivatives. False if they are not of the current version, or known.
func (p *Photo) Processed(result events.PhotoProcessed, at time.Time) bool {
	if result.Version != p.Version() || p.State == Ready {
		return false
	}
	p.State, p.Problem, p.ReadyAt, p.Result = Ready, events.Reason{}, at, &result
	return true
}

// Rejected takes over why the current version can never be a picture. An older version's derivatives go: they would show
// what is not there any more. False if it is not so, or known.
func (p *Photo) Rejected(rejection events.PhotoRejected) bool {
	if rejection.Version != p.Version() || rejection.Attempt < p.Attempt || p.State != Processing {
		return false
	}
	p.State, p.Problem, p.Result = Failed, rejection.Reason, nil
	return true
}

// Retry gives a failed version to processing once more. False if it has not failed.
func (p *Photo) Retry() bool {
	if p.State != Failed {
		return false
	}
	p.State, p.Problem = Processing, events.Reason{}
	p.Attempt++
	return true
}
