package events_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/events/eventstest"
)

func TestEveryEventEverReleasedIsReadable(t *testing.T) {
	files, err := filepath.Glob("testdata/v1/*.json")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[events.Type]bool{}
	for _, name := range files {
		message, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		env := eventstest.Valid(t, message)
		kind, known := env.Kind()
		if !known || !strings.HasPrefix(filepath.Base(name), string(kind)+".1.") {
			t.Errorf("%s is of the type %s", name, env.Type)
		}
		seen[kind] = true
		for _, k := range events.Kinds() {
			if k.Type == kind {
				strict(t, name, env.Data, reflect.New(reflect.TypeOf(k.Data)))
			}
		}
	}
	for _, k := range events.Kinds() {
		if !seen[k.Type] {
			t.Errorf("testdata/v1 has no %s", k.Type)
		}
	}
}

// strict reads data without tolerance: what was once released still has its field.
func strict(t *testing.T, name string, data []byte, into reflect.Value) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into.Interface()); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

func TestTheEmptiestEventIsValid(t *testing.T) {
	env, err := events.NewEnvelope("demo", events.TypePhotoIngested, "demo", "P1", "", eventTime(t), events.PhotoIngested{Photo: events.PhotoRef{ID: "P1"}})
	if err != nil {
		t.Fatal(err)
	}
	message, err := events.Encode(env)
	if err != nil {
		t.Fatal(err)
	}
	eventstest.Valid(t, message)
}

func TestUnknownFieldsAreIgnored(t *testing.T) {
	env, err := eventstest.Sample(events.TypeJobStatusChanged)
	if err != nil {
		t.Fatal(err)
	}
	env.Data = json.RawMessage(strings.Replace(string(env.Data), `{"job":{`, `{"mood":"good","job":{"shoes":[1],`, 1))
	message, err := events.Encode(env)
	if err != nil {
		t.Fatal(err)
	}
	eventstest.Valid(t, message)
	if _, data, err := events.Open[events.JobChanged](message); err != nil || data.Revision != 12 {
		t.Errorf("%+v, %v", data, err)
	}
	if _, _, err := events.Open[events.PhotoFailed](message); err == nil {
		t.Error("a job was read as a failed photo")
	}
}
