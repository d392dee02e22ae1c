package photoeventstest

import (
	"embed"
	"encoding/json"
	"testing"
	"time"

	"filmgate.dev/pkg/photoevents"
)

//go:embed events/*.json
var samples embed.FS

// Sample answers an event of a public type with every field filled.
func Sample(t testing.TB, kind photoevents.Type) photoevents.Event {
	t.Helper()
	content, err := samples.ReadFile("events/" + string(kind) + ".json")
	if err != nil {
		t.Fatalf("there is no event type %q", kind)
	}
	event, err := photoevents.Decode(content)
	if err != nil {
		t.Fatal(err)
	}
	return event
}

// New answers an event with data of the test's own. The id is made of kind and key: the same key is the same fact.
func New(t testing.TB, kind photoevents.Type, key string, data any) photoevents.Event {
	t.Helper()
	raw, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	return photoevents.Event{
		SpecVersion:     "1.0",
		ID:              string(kind) + ":" + key,
		Type:            kind.Name(),
		Source:          "/filmgate/test",
		Subject:         "photos/" + key,
		Time:            time.Now().UTC(),
		DataContentType: "application/json",
		Account:         "demo",
		PartitionKey:    key,
		Data:            raw,
	}
}
