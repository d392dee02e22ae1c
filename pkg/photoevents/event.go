package photoevents

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

const (
	typePrefix = "dev.filmgate."
	typeSuffix = ".v1"
)

// Event is a CloudEvents 1.0 event. The typed handlers receive its data beside it.
type Event struct {
	SpecVersion     string          `json:"specversion"`
	ID              string          `json:"id"`      // the same for every retry, replay and repair of the same fact
	Type            string          `json:"type"`    // "dev.filmgate.photo.ingested.v1"; see Kind
	Source          string          `json:"source"`  // "/filmgate/<installation>"
	Subject         string          `json:"subject"` // "photos/<id>", "albums/<id>" or "jobs/<id>"
	Time            time.Time       `json:"time"`    // when the fact became true
	DataContentType string          `json:"datacontenttype"`
	DataSchema      string          `json:"dataschema,omitempty"`
	Account         string          `json:"account"`
	PartitionKey    string          `json:"partitionkey"`
	Sequence        string          `json:"sequence,omitempty"` // ordered, as text, among events of one partition key
	TraceParent     string          `json:"traceparent,omitempty"`
	Data            json.RawMessage `json:"data"`

	// StreamSequence is the event's number in the stream, and Delivered counts deliveries to this consumer, from 1.
	StreamSequence uint64 `json:"-"`
	Delivered      int    `json:"-"`
}

// Kind answers the event's type without prefix and version: TypePhotoIngested. Types that are not of this version of
// Filmgate's contract are answered whole.
func (e Event) Kind() Type {
	short, prefixed := strings.CutPrefix(e.Type, typePrefix)
	short, suffixed := strings.CutSuffix(short, typeSuffix)
	if !prefixed || !suffixed {
		return Type(e.Type)
	}
	return Type(short)
}

// Name answers the CloudEvents type: "dev.filmgate.photo.ingested.v1".
func (t Type) Name() string { return typePrefix + string(t) + typeSuffix }

// Decode reads an event. Unknown fields and types are fine.
func Decode(message []byte) (Event, error) {
	var e Event
	if err := json.Unmarshal(message, &e); err != nil {
		return Event{}, fmt.Errorf("this is not a CloudEvent in JSON: %w", err)
	}
	if e.SpecVersion != "1.0" || e.ID == "" || e.Type == "" || e.Source == "" {
		return Event{}, fmt.Errorf("this is not a CloudEvent of version 1.0: specversion %q, id %q, type %q, source %q", e.SpecVersion, e.ID, e.Type, e.Source)
	}
	return e, nil
}
