package files_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
)

func landedFile() files.Entry {
	return files.Entry{
		Kind: files.KindFile, State: files.StateLanded, Job: files.Job{Account: "demo", ID: "J1"}, JobName: "JOB00001",
		Parent: "A", ID: "P", Name: "x.jpg", Upload: "U", Revision: 1, Bytes: 3, SHA256: strings.Repeat("a", 64), CRC32C: "0123abcd",
		LandedAt: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC),
	}
}

func TestDecode(t *testing.T) {
	good := landedFile()
	place, err := good.Place()
	if err != nil {
		t.Fatal(err)
	}
	decode := func(e files.Entry) (files.Entry, error) {
		data, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		return files.Decode(place.Subject(), data, 7)
	}
	got, err := decode(good)
	want := good
	want.Subject, want.Sequence = place.Subject(), 7
	if err != nil || got != want {
		t.Fatalf("decoded %+v, %v; want %+v", got, err, want)
	}
	for name, spoil := range map[string]func(e *files.Entry){
		"state":             func(e *files.Entry) { e.State = "lost" },
		"kind":              func(e *files.Entry) { e.Kind = "link" },
		"folder state":      func(e *files.Entry) { e.State = files.StateRemoving },
		"folder kind":       func(e *files.Entry) { e.Kind = files.KindSection; e.Section = "group" },
		"job":               func(e *files.Entry) { e.Job.ID = "J2" },
		"account":           func(e *files.Entry) { e.Job.Account = "demo.x" },
		"parent":            func(e *files.Entry) { e.Parent = "B" },
		"root":              func(e *files.Entry) { e.Parent = files.Root },
		"name":              func(e *files.Entry) { e.Name = "y.jpg" },
		"no name":           func(e *files.Entry) { e.Name = "" },
		"id":                func(e *files.Entry) { e.ID = "a b" },
		"upload":            func(e *files.Entry) { e.Upload = "" },
		"upload wildcard":   func(e *files.Entry) { e.Upload = "*" },
		"bytes":             func(e *files.Entry) { e.Bytes = -1 },
		"sha256":            func(e *files.Entry) { e.SHA256 = "xyz" },
		"crc32c":            func(e *files.Entry) { e.CRC32C = "123" },
		"revision":          func(e *files.Entry) { e.Revision = 0 },
		"moved but present": func(e *files.Entry) { e.MovedTo = "filmgate.files.v1.demo.J1.f.A.x" },
		"too large":         func(e *files.Entry) { e.Client = strings.Repeat("c", 64<<10) },
	} {
		e := good
		spoil(&e)
		if _, err := decode(e); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, subject := range []string{"", "filmgate.files.v1.demo.J1.f.A", "filmgate.files.v1.demo.J1.x.A.00000000000000000000000000",
		"filmgate.files.v1.demo.J1.f.A.short", "filmgate.files.v1.*.J1.f.A.00000000000000000000000000", place.Subject() + ".x"} {
		if _, err := files.Decode(subject, nil, 1); !fault.Is(err, fault.Invalid) {
			t.Errorf("subject %q: %v", subject, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	good := landedFile()
	place, err := good.Place()
	if err != nil {
		f.Fatal(err)
	}
	data, err := json.Marshal(good)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(place.Subject(), data)
	f.Add("filmgate.files.v1.a.b.d.root.00000000000000000000000000", []byte(`{"kind":"album"}`))
	f.Fuzz(func(t *testing.T, subject string, data []byte) {
		e, err := files.Decode(subject, data, 1)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("fails with %v", err)
			}
			return
		}
		if place, err := e.Place(); err != nil || place.Subject() != subject {
			t.Fatalf("an entry of %s stands at %v, %v", subject, place, err)
		}
	})
}
