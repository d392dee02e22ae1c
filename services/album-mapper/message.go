package albummapper

import (
	"fmt"
	"time"

	"filmgate.dev/pkg/events"
)

// message is one event on its way to the outbox.
type message struct {
	kind     events.Type
	account  string
	job      string
	key      string // with version: what makes the event's id
	version  string
	at       time.Time
	sequence int64
	trace    string
	took     time.Duration // of a photo that is ready: since it landed
	data     any
}

func (m message) subject() (string, error) {
	if m.kind == events.TypePhotoMapped {
		return events.WorkSubject(m.account, m.job, events.WorkPicture)
	}
	return events.PhotosSubject(m.account, m.job, m.kind)
}

func sequence(n int64) string { return fmt.Sprintf("%020d", n) }
