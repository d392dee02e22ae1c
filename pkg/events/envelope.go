package events

import (
	"encoding/json"
	"time"
)

// Envelope is a CloudEvents 1.0 event in structured JSON, with Filmgate's extensions.
type Envelope struct {
	SpecVersion     string          `json:"specversion"` // "1.0"
	ID              string          `json:"id"`          // "<type>:<photo>:<version>", the same for every retry and replay
	Type            string          `json:"type"`        // "dev.filmgate.photo.ingested.v1"
	Source          string          `json:"source"`      // "/filmgate/<installation>"
	Subject         string          `json:"subject"`     // "photos/<photo id>", "albums/<id>", "jobs/<id>"
	Time            time.Time       `json:"time"`        // when the fact became true
	DataContentType string          `json:"datacontenttype"`
	DataSchema      string          `json:"dataschema,omitempty"` // "https://filmgate.dev/schema/photo.ingested/1.0.json"
	Account         string          `json:"account"`
	PartitionKey    string          `json:"partitionkey"`          // photo id, or the id in Subject
	Sequence        string          `json:"sequence,omitempty"`    // zero-padded, ordered within a partition key
	TraceParent     string          `json:"traceparent,omitempty"` // W3C
	Data            json.RawMessage `json:"data"`
}
