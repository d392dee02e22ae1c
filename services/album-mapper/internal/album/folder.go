// Package album knows the folders of a job's tree as the catalog sees them: albums and their two sections.
//
// A folder's id is its album's id and never changes; its name and its path do.
package album

import (
	"cmp"
	"time"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/files"

	"filmgate.dev/services/album-mapper/internal/place"
)

// Folder is one row of the catalog: an album, or one of its section folders.
type Folder struct {
	Account string
	JobID   string
	ID      string
	// Parent is the album's id for a section; files.Root for an album.
	Parent  string
	Kind    files.Kind
	Section events.Section
	Name    string
	// JobName is the internal name of its job when the entry was written.
	JobName   string
	CreatedAt time.Time
	ChangedAt time.Time
	ChangedBy string
	Revision  int64

	Claim    place.Claim
	Standing place.Standing
	Told     Told
}

// Told is what other teams were told of an album so far.
type Told struct {
	Name    string `json:"name,omitempty"` // empty = nothing yet
	Removed bool   `json:"removed,omitempty"`
	Said    int64  `json:"said,omitempty"` // how many events; numbers them
}

// Album answers the id of the album that files in this folder belong to.
func (f Folder) Album() string {
	if f.Kind == files.KindSection {
		return f.Parent
	}
	return f.ID
}

// In answers the section that files in this folder belong to: files directly in an album are individuals.
func (f Folder) In() events.Section {
	if f.Kind == files.KindSection && f.Section == events.SectionGroup {
		return events.SectionGroup
	}
	return events.SectionIndividuals
}

// Learn takes over what a newer entry says of the folder.
func (f *Folder) Learn(e files.Entry, claim place.Claim) {
	f.Account, f.JobID, f.ID, f.Parent, f.Kind = e.Job.Account, e.Job.ID, e.ID, e.Parent, e.Kind
	f.JobName = e.JobName
	f.Section, f.Name, f.Revision, f.Claim, f.ChangedBy = events.Section(e.Section), e.Name, e.Revision, claim, cmp.Or(e.ChangedBy, e.User)
	if !e.LandedAt.IsZero() {
		f.CreatedAt = e.LandedAt
	}
	f.ChangedAt = f.CreatedAt
	if e.ChangedAt.After(f.ChangedAt) {
		f.ChangedAt = e.ChangedAt
	}
	if e.Gone() {
		f.ChangedAt = e.GoneAt
	}
}

// News is one event to say of an album.
type News struct {
	Type events.Type
	// Version makes the event's id; empty where the album's id suffices.
	Version      int64
	PreviousName string
}

// Tell answers what other teams have not been told yet, and remembers that they will be.
func (f *Folder) Tell() []News {
	if f.Kind != files.KindAlbum {
		return nil
	}
	var news []News
	say := func(n News) {
		f.Told.Said++
		news = append(news, n)
	}
	here := f.Standing.State == place.Here
	switch {
	case f.Told.Name == "":
		// Also for an album that is gone already: whoever hears that it went has heard that it came.
		say(News{Type: events.TypeAlbumCreated})
		f.Told.Name = f.Name
	case here && f.Told.Removed:
		say(News{Type: events.TypeAlbumCreated, Version: f.Revision})
		f.Told.Name, f.Told.Removed = f.Name, false
	case here && f.Told.Name != f.Name:
		say(News{Type: events.TypeAlbumRenamed, Version: f.Revision, PreviousName: f.Told.Name})
		f.Told.Name = f.Name
	}
	if !here && !f.Told.Removed && f.Standing.Until == (place.Fence{}) {
		say(News{Type: events.TypeAlbumRemoved, Version: f.Revision})
		f.Told.Removed = true
	}
	return news
}
