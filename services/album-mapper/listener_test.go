package albummapper

import (
	"encoding/json"
	"fmt"
	"testing"

	"filmgate.dev/pkg/events"
)

// listener is another team's consumer: it knows only what it is told, in the order of each photo's sequence.
type listener struct {
	albums   map[string]string // id → name
	photos   map[string]*heard
	sequence map[string]string
}

type heard struct {
	state   string
	at      events.Place
	removed bool
	ready   int // photo.ingested
}

func newListener() *listener {
	return &listener{albums: map[string]string{}, photos: map[string]*heard{}, sequence: map[string]string{}}
}

func (l *listener) hear(env events.Envelope) error {
	kind, _ := env.Kind()
	if kind != events.TypePhotoMapped {
		if env.Sequence <= l.sequence[env.PartitionKey] {
			return fmt.Errorf("%s comes after sequence %s and has %s", env.ID, l.sequence[env.PartitionKey], env.Sequence)
		}
		l.sequence[env.PartitionKey] = env.Sequence
	}
	switch kind {
	case events.TypeAlbumCreated, events.TypeAlbumRenamed, events.TypeAlbumRemoved:
		var d events.AlbumChanged
		if err := json.Unmarshal(env.Data, &d); err != nil {
			return err
		}
		_, known := l.albums[d.Album.ID]
		if known == (kind == events.TypeAlbumCreated) {
			return fmt.Errorf("%s: known before: %t", env.ID, known)
		}
		if kind == events.TypeAlbumRenamed && d.PreviousName != l.albums[d.Album.ID] {
			return fmt.Errorf("%s: the album was called %q, not %q", env.ID, l.albums[d.Album.ID], d.PreviousName)
		}
		if kind == events.TypeAlbumRemoved {
			delete(l.albums, d.Album.ID)
			return nil
		}
		l.albums[d.Album.ID] = d.Album.Name
		return nil
	case events.TypePhotoMapped, events.TypeFileRemoved:
		return nil
	}
	// Every other event tells where the photo is.
	var d struct {
		Photo   events.PhotoRef `json:"photo"`
		Album   events.Album    `json:"album"`
		Section events.Section  `json:"section"`
		File    events.File     `json:"file"`
		From    events.Place    `json:"from"`
	}
	if err := json.Unmarshal(env.Data, &d); err != nil {
		return err
	}
	at := events.Place{Album: d.Album, Section: d.Section, Name: d.File.Name}
	p, known := l.photos[d.Photo.ID]
	if !known {
		if kind != events.TypeFileLanded {
			return fmt.Errorf("%s is the first that is heard of the photo", env.ID)
		}
		l.photos[d.Photo.ID] = &heard{state: "processing", at: at}
		return nil
	}
	if p.removed && (kind == events.TypePhotoIngested || kind == events.TypePhotoUpdated || kind == events.TypePhotoFailed) {
		return fmt.Errorf("%s: the photo is in the trash", env.ID)
	}
	switch kind {
	case events.TypeFileLanded:
		return nil // another version; its photo.updated or photo.failed follows if it matters
	case events.TypePhotoMoved:
		if d.From.Album.ID != p.at.Album.ID || d.From.Section != p.at.Section || d.From.Name != p.at.Name {
			return fmt.Errorf("%s: moved from %v, and stood at %v", env.ID, d.From, p.at)
		}
	case events.TypePhotoIngested:
		p.state, p.ready = "ready", p.ready+1
	case events.TypePhotoUpdated:
		p.state = "ready"
	case events.TypePhotoFailed:
		p.state = "failed"
	case events.TypePhotoRemoved:
		p.removed = true
	case events.TypePhotoRestored:
		p.removed = false
	}
	p.at = at
	if p.ready > 1 {
		return fmt.Errorf("%s: ingested more than once", env.ID)
	}
	return nil
}

func (l *listener) picture() map[string]string {
	all := map[string]string{}
	for id := range l.albums {
		all["folder "+id] = "here"
	}
	for id, p := range l.photos {
		if !p.removed {
			all["photo "+id] = p.state
		}
	}
	return all
}

// places answers what must be a part of the description of each thing.
func (l *listener) places() map[string]string {
	all := map[string]string{}
	for id, name := range l.albums {
		all["folder "+id] = " album  " + name + " "
	}
	for id, p := range l.photos {
		all["photo "+id] = " " + p.at.Name + " "
	}
	return all
}

func dataOf[T any](t testing.TB, env events.Envelope) T {
	t.Helper()
	var data T
	if err := json.Unmarshal(env.Data, &data); err != nil {
		t.Fatal(err)
	}
	return data
}
