package photo

import (
	"strconv"

	"filmgate.dev/pkg/events"

	"filmgate.dev/services/album-mapper/internal/place"
)

// Told is what others were told of a photo so far. Comparing it with what is makes every event be said exactly once,
// however often and in whatever order the photo learns.
type Told struct {
	Mapped string `json:"mapped,omitempty"` // version and attempt given to processing
	Ready  string `json:"ready,omitempty"`  // version last said to be ready
	Failed string `json:"failed,omitempty"` // version and attempt last said to have failed
	// Spot is where it was last said to stand; empty = never said to be anywhere.
	Spot    Spot  `json:"spot,omitzero"`
	Removed bool  `json:"removed,omitempty"`
	Said    int64 `json:"said,omitempty"` // how many events; numbers them
}

// Spot is where a photo stands, for people.
type Spot struct {
	Album   string         `json:"album"` // id
	Section events.Section `json:"section"`
	Name    string         `json:"name"`
}

// News is one event to say of a photo.
type News struct {
	Type events.Type
	// Version makes the event's id, together with the photo's.
	Version string
	// Previous is the version that was ready before, for photo.updated.
	Previous string
	// From is where it stood, for photo.moved.
	From Spot
}

// Tell answers what others have not been told yet of a photo that stands, or last stood, at a spot; and remembers that
// they will be. Section is the revision of the section folder it stands in, 0 for none: a photo also moves with its folder,
// and then its own revision stays.
func (p *Photo) Tell(at Spot, section int64) []News {
	var news []News
	say := func(n News) {
		p.Told.Said++
		news = append(news, n)
	}
	revision := strconv.FormatInt(p.Entry.Revision, 10)
	attempt := p.Version() + ":" + strconv.Itoa(p.Attempt)
	told := p.Told.Spot

	switch {
	case p.Standing.State == place.Staged:
		return nil
	case p.Standing.State == place.Gone:
		if p.Told.Removed || p.Standing.Until != (place.Fence{}) {
			return nil
		}
		say(News{Type: events.TypeFileRemoved, Version: revision})
		say(News{Type: events.TypePhotoRemoved, Version: revision})
		p.Told.Spot, p.Told.Removed = at, true
		return news
	case p.Told.Removed:
		say(News{Type: events.TypePhotoRestored, Version: revision})
	case told != (Spot{}) && told != at:
		if section > 1 {
			revision += "." + strconv.FormatInt(section, 10)
		}
		say(News{Type: events.TypePhotoMoved, Version: revision, From: told})
	}
	p.Told.Spot, p.Told.Removed = at, false

	switch {
	case p.State == Processing && p.Told.Mapped != attempt:
		say(News{Type: events.TypePhotoMapped, Version: attempt})
		p.Told.Mapped = attempt
	case p.State == Ready && p.Told.Ready == "":
		say(News{Type: events.TypePhotoIngested, Version: p.Version()})
		p.Told.Ready = p.Version()
	case p.State == Ready && p.Told.Ready != p.Version():
		say(News{Type: events.TypePhotoUpdated, Version: p.Version(), Previous: p.Told.Ready})
		p.Told.Ready = p.Version()
	case p.State == Failed && p.Told.Failed != attempt:
		version := p.Version()
		if p.Attempt > 1 {
			version = attempt
		}
		say(News{Type: events.TypePhotoFailed, Version: version})
		p.Told.Failed = attempt
	}
	return news
}
