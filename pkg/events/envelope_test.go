package events

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	cloudevent "github.com/cloudevents/sdk-go/v2/event"
	"pgregory.net/rapid"

	"filmgate.dev/pkg/fault"
)

func TestAnEnvelopeSaysTheFact(t *testing.T) {
	env := landedEvent(t, uploadID)
	want := Envelope{
		SpecVersion:     "1.0",
		ID:              "file.landed:" + uploadID,
		Type:            "dev.filmgate.file.landed.v1",
		Source:          "/filmgate/test",
		Subject:         "photos/" + photoID,
		Time:            noon(),
		DataContentType: "application/json",
		DataSchema:      "https://filmgate.dev/schema/file.landed/1.0.json",
		Account:         "demo",
		PartitionKey:    photoID,
		Data:            env.Data,
	}
	if !reflect.DeepEqual(env, want) {
		t.Errorf("got  %+v\nwant %+v", env, want)
	}
	if kind, ok := env.Kind(); kind != TypeFileLanded || !ok {
		t.Errorf("kind is %q, %v", kind, ok)
	}

	job, err := NewEnvelope("test", TypeJobStatusChanged, "demo", jobID, "12", noon(), &JobChanged{Job: Job{ID: jobID}, Revision: 12})
	if err != nil {
		t.Fatal(err)
	}
	if job.ID != "job.status_changed:"+jobID+":12" || job.Subject != "jobs/"+jobID || job.Sequence != "00000000000000000012" {
		t.Errorf("job event is %+v", job)
	}
}

func TestListsAreNeverNull(t *testing.T) {
	env, err := NewEnvelope("test", TypePhotoIngested, "demo", photoID, uploadID, noon(), PhotoIngested{Photo: PhotoRef{ID: photoID}})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(env.Data), "null") {
		t.Errorf("a nil list became null: %s", env.Data)
	}
}

func TestBadFactsAreRefused(t *testing.T) {
	cases := map[string]func() (Envelope, error){
		"unknown type":     func() (Envelope, error) { return NewEnvelope("i", "photo.eaten", "a", "k", "", noon(), landed()) },
		"bad installation": func() (Envelope, error) { return NewEnvelope("a b", TypeFileLanded, "a", "k", "", noon(), landed()) },
		"bad account":      func() (Envelope, error) { return NewEnvelope("i", TypeFileLanded, "a.b", "k", "", noon(), landed()) },
		"no key":           func() (Envelope, error) { return NewEnvelope("i", TypeFileLanded, "a", "", "", noon(), landed()) },
		"newline in key":   func() (Envelope, error) { return NewEnvelope("i", TypeFileLanded, "a", "k\r\nx", "", noon(), landed()) },
		"bad version":      func() (Envelope, error) { return NewEnvelope("i", TypeFileLanded, "a", "k", "v w", noon(), landed()) },
		"no time":          func() (Envelope, error) { return NewEnvelope("i", TypeFileLanded, "a", "k", "", time.Time{}, landed()) },
		"other data":       func() (Envelope, error) { return NewEnvelope("i", TypeFileLanded, "a", "k", "", noon(), JobChanged{}) },
		"nil data":         func() (Envelope, error) { return NewEnvelope("i", TypeFileLanded, "a", "k", "", noon(), nil) },
		"nil pointer": func() (Envelope, error) {
			return NewEnvelope("i", TypeFileLanded, "a", "k", "", noon(), (*FileLanded)(nil))
		},
		"no id in data": func() (Envelope, error) { return NewEnvelope("i", TypeFileLanded, "a", "k", "", noon(), FileLanded{}) },
		"too big": func() (Envelope, error) {
			big := landed()
			big.File.Name = strings.Repeat("x", MaxEnvelope)
			return NewEnvelope("i", TypeFileLanded, "a", "k", "", noon(), big)
		},
	}
	for name, make := range cases {
		if env, err := make(); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %+v, %v", name, env, err)
		}
	}
}

func TestTheCloudEventsSDKReadsWhatWeWrite(t *testing.T) {
	ours := landedEvent(t, uploadID)
	ours.TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	ours.Sequence = "00000000000000000007"
	data, err := Encode(ours)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), "<Süd> & Co") {
		t.Errorf("names are written as they are, not escaped for HTML: %s", data)
	}

	var theirs cloudevent.Event
	if err := json.Unmarshal(data, &theirs); err != nil {
		t.Fatal(err)
	}
	if err := theirs.Validate(); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{
		"specversion": theirs.SpecVersion(), "id": theirs.ID(), "type": theirs.Type(), "source": theirs.Source(), "subject": theirs.Subject(),
		"time": theirs.Time().Format(time.RFC3339Nano), "datacontenttype": theirs.DataContentType(), "dataschema": theirs.DataSchema(),
	}
	for name, value := range theirs.Extensions() {
		got[name] = value.(string)
	}
	want := map[string]string{
		"specversion": "1.0", "id": ours.ID, "type": ours.Type, "source": ours.Source, "subject": ours.Subject,
		"time": "2026-03-04T12:00:00Z", "datacontenttype": "application/json", "dataschema": ours.DataSchema,
		"account": "demo", "partitionkey": photoID, "sequence": ours.Sequence, "traceparent": ours.TraceParent,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the SDK read\n%v\nwant\n%v", got, want)
	}
	var read FileLanded
	if err := theirs.DataAs(&read); err != nil || !reflect.DeepEqual(read, landed()) {
		t.Errorf("the SDK read the data %+v, %v", read, err)
	}

	// And we read what it writes.
	written, err := theirs.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	back, err := Decode(written)
	if err != nil || !reflect.DeepEqual(back, ours) {
		t.Errorf("from the SDK we read\n%+v, %v\nwant\n%+v", back, err, ours)
	}
}

func TestDecode(t *testing.T) {
	const good = `{"specversion":"1.0","id":"a","type":"dev.filmgate.photo.eaten.v1","source":"/x","data":{},"shoe":42,"datacontenttype":"application/json; charset=utf-8"}`
	env, err := Decode([]byte(good))
	if err != nil {
		t.Fatalf("unknown fields and types are fine: %v", err)
	}
	if kind, known := env.Kind(); known || kind != "photo.eaten" {
		t.Errorf("kind is %q, %v", kind, known)
	}
	bad := map[string]string{
		"empty":        ``,
		"not JSON":     `photo`,
		"not an event": `{}`,
		"array":        `[]`,
		"version":      strings.Replace(good, "1.0", "0.3", 1),
		"no id":        strings.Replace(good, `"id":"a"`, `"id":""`, 1),
		"id a number":  strings.Replace(good, `"id":"a"`, `"id":1`, 1),
		"long id":      strings.Replace(good, `"id":"a"`, `"id":"`+strings.Repeat("a", 513)+`"`, 1),
		"no source":    strings.Replace(good, `"/x"`, `""`, 1),
		"null data":    strings.Replace(good, `"data":{}`, `"data":null`, 1),
		"no data":      strings.Replace(good, `"data":{},`, ``, 1),
		"other data":   strings.Replace(good, `application/json`, `image/png`, 1),
		"bad time":     strings.Replace(good, `"shoe":42`, `"time":"yesterday"`, 1),
		"too big":      strings.Replace(good, `42`, `"`+strings.Repeat("x", MaxMessage)+`"`, 1),
	}
	for name, message := range bad {
		if env, err := Decode([]byte(message)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %+v, %v", name, env, err)
		}
	}
}

func TestEveryNameSurvives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := landed()
		data.File.Name = rapid.StringN(0, 255, 1020).Draw(t, "name")
		data.File.Bytes = rapid.Int64Range(0, 1<<53).Draw(t, "bytes")
		env, err := NewEnvelope("test", TypeFileLanded, "demo", uploadID, "", noon(), data)
		if err != nil {
			t.Fatal(err)
		}
		message, err := Encode(env)
		if err != nil {
			t.Fatal(err)
		}
		back, read, err := Open[FileLanded](message)
		if err != nil || !reflect.DeepEqual(back, env) || read.File.Bytes != data.File.Bytes || read.File.Name != strings.ToValidUTF8(data.File.Name, "\uFFFD") {
			t.Fatalf("wrote %+v\nread  %+v %+v, %v", env, back, read, err)
		}
	})
}
