package events

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"filmgate.dev/pkg/fault"
)

func TestSubjects(t *testing.T) {
	cases := []struct {
		want string
		make func() (string, error)
	}{
		{"filmgate.photos.v1.demo.J1.photo_ingested", func() (string, error) { return PhotosSubject("demo", "J1", TypePhotoIngested) }},
		{"filmgate.photos.v1.demo.J1.job_status_changed", func() (string, error) { return PhotosSubject("demo", "J1", TypeJobStatusChanged) }},
		{"filmgate.work.v1.demo.J1.picture", func() (string, error) { return WorkSubject("demo", "J1", WorkPicture) }},
		{"filmgate.work.v1.demo.J1.done", func() (string, error) { return WorkSubject("demo", "J1", WorkDone) }},
		{"filmgate.progress.v1.demo.J1", func() (string, error) { return ProgressSubject("demo", "J1") }},
		{"filmgate.hint.v1.demo.J1", func() (string, error) { return HintSubject("demo", "J1") }},
	}
	for _, c := range cases {
		if got, err := c.make(); err != nil || got != c.want {
			t.Errorf("got %q, %v; want %q", got, err, c.want)
		}
	}
	for _, bad := range []string{"", "*", ">", "a*", "a.b", "a b", "ä", "a\r\n", strings.Repeat("a", 65)} {
		if got, err := PhotosSubject(bad, "J1", TypePhotoIngested); !fault.Is(err, fault.Invalid) {
			t.Errorf("account %q gave %q, %v", bad, got, err)
		}
		if got, err := HintSubject("demo", bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("job %q gave %q, %v", bad, got, err)
		}
	}
	if got, err := WorkSubject("demo", "J1", "left"); !fault.Is(err, fault.Invalid) {
		t.Errorf("side left gave %q, %v", got, err)
	}
}

func TestNoTextBreaksOutOfASubject(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tokens := rapid.SliceOfN(rapid.String(), 1, 4).Draw(t, "tokens")
		subject, err := Subject(tokens...)
		if err == nil && (strings.Count(subject, ".") != len(tokens) || strings.ContainsAny(subject, "*> \t\r\n")) {
			t.Fatalf("%q became %q", tokens, subject)
		}
	})
}
