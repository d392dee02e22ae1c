package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"time"

	"filmgate.dev/pkg/fault"
)

const (
	// MaxMessage bounds a message on a stream, headers included.
	MaxMessage = 64 << 10
	// MaxEnvelope bounds an encoded envelope; what is left of MaxMessage is for the headers.
	MaxEnvelope = MaxMessage - 1<<10

	// ContentType says that a message is a CloudEvent in structured JSON.
	ContentType = "application/cloudevents+json"

	specVersion = "1.0"
	jsonData    = "application/json"
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

var (
	installationForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	// An id travels in the header Nats-Msg-Id too, so its parts are plain.
	idPartForm = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,128}$`)
)

// NewEnvelope says that something became true at a time. The id is made of the fact: "<type>:<key>:<version>", or
// "<type>:<key>" where there is no version. Data is the registered Go type of t; subject and partition key come from it.
func NewEnvelope(installation string, t Type, account, key, version string, at time.Time, data any) (Envelope, error) {
	kind, known := kindOf(t)
	switch {
	case !known:
		return Envelope{}, fault.New(fault.Invalid, "there is no event type %q", t)
	case !installationForm.MatchString(installation):
		return Envelope{}, fault.New(fault.Invalid, "%q cannot name an installation: use letters, digits, . _ and -", installation)
	case !tokenForm.MatchString(account):
		return Envelope{}, fault.New(fault.Invalid, "an event of %s needs an account, not %q", t, account)
	case !idPartForm.MatchString(key):
		return Envelope{}, fault.New(fault.Invalid, "an event of %s needs a key, not %q", t, key)
	case version != "" && !idPartForm.MatchString(version):
		return Envelope{}, fault.New(fault.Invalid, "an event of %s cannot have the version %q", t, version)
	case at.IsZero():
		return Envelope{}, fault.New(fault.Invalid, "an event of %s needs a time", t)
	}
	about, err := kind.aboutOf(data)
	if err != nil {
		return Envelope{}, err
	}
	raw, err := marshal(withoutNulls(data))
	if err != nil {
		return Envelope{}, fmt.Errorf("encode the data of %s: %w", t, err)
	}
	id := string(t) + ":" + key
	if version != "" {
		id += ":" + version
	}
	env := Envelope{
		SpecVersion:     specVersion,
		ID:              id,
		Type:            t.Name(),
		Source:          "/filmgate/" + installation,
		Subject:         about.noun + "/" + about.id,
		Time:            at.UTC(),
		DataContentType: jsonData,
		DataSchema:      kind.SchemaURL(),
		Account:         account,
		PartitionKey:    about.id,
		Sequence:        about.sequence,
		Data:            raw,
	}
	if _, err := Encode(env); err != nil {
		return Envelope{}, err
	}
	return env, nil
}

// Kind answers the event's short type, "photo.ingested"; ok is false for types that this build does not know.
func (e Envelope) Kind() (t Type, ok bool) {
	t = shortType(e.Type)
	_, ok = kindOf(t)
	return t, ok
}

// Encode writes the envelope as one JSON document of at most MaxEnvelope bytes.
func Encode(env Envelope) ([]byte, error) {
	if err := env.check(); err != nil {
		return nil, err
	}
	data, err := marshal(env)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "event %s cannot be written as JSON", env.ID)
	}
	if len(data) > MaxEnvelope {
		return nil, fault.New(fault.Invalid, "event %s has %d bytes, more than the %d that fit in a message", env.ID, len(data), MaxEnvelope)
	}
	return data, nil
}

// Decode reads an envelope. Unknown fields and types are fine; a document that is no CloudEvent is Invalid.
func Decode(data []byte) (Envelope, error) {
	if len(data) > MaxMessage {
		return Envelope{}, fault.New(fault.Invalid, "an event of %d bytes is more than the %d that are allowed", len(data), MaxMessage)
	}
	var env Envelope
	if err := json.Unmarshal(data, &env); err != nil {
		return Envelope{}, fault.Wrap(err, fault.Invalid, "this is not a CloudEvent in JSON")
	}
	if err := env.check(); err != nil {
		return Envelope{}, err
	}
	return env, nil
}

func (e Envelope) check() error {
	switch {
	case e.SpecVersion != specVersion:
		return fault.New(fault.Invalid, "this is not a CloudEvent of version %s: specversion is %q", specVersion, e.SpecVersion)
	case e.ID == "", e.Type == "", e.Source == "":
		return fault.New(fault.Invalid, "a CloudEvent needs id, type and source")
	case len(e.ID) > 512:
		return fault.New(fault.Invalid, "an event id of %d bytes is too long", len(e.ID))
	case e.DataContentType != "" && !strings.HasPrefix(e.DataContentType, jsonData):
		return fault.New(fault.Invalid, "the data of event %s is %s, not JSON", e.ID, e.DataContentType)
	case len(e.Data) == 0 || bytes.Equal(e.Data, []byte("null")):
		return fault.New(fault.Invalid, "event %s has no data", e.ID)
	}
	return nil
}

// withoutNulls answers a copy of a struct in which every nil list of it is an empty one: the contract says array, not null.
func withoutNulls(data any) any {
	v := reflect.Indirect(reflect.ValueOf(data))
	clean := reflect.New(v.Type()).Elem()
	clean.Set(v)
	for i := range clean.NumField() {
		if field := clean.Field(i); field.Kind() == reflect.Slice && field.IsNil() {
			field.Set(reflect.MakeSlice(field.Type(), 0, 0))
		}
	}
	return clean.Interface()
}

// marshal leaves <, > and & as they are: names of people and folders are not HTML.
func marshal(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}
