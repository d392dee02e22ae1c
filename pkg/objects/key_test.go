package objects_test

import (
	"strings"
	"testing"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/objects"
)

func TestKeys(t *testing.T) {
	for want, make := range map[string]func() (string, error){
		"o/acme/J1/U1":              func() (string, error) { return objects.OriginalKey("acme", "J1", "U1") },
		"o/acme/J1/":                func() (string, error) { return objects.OriginalPrefix("acme", "J1") },
		"d/acme/J1/P1/U2/thumb.jpg": func() (string, error) { return objects.DerivativeKey("acme", "J1", "P1", "U2", "thumb") },
		"d/acme/J1/P1/U2/":          func() (string, error) { return objects.DerivativePrefix("acme", "J1", "P1", "U2") },
		"t/U1/3":                    func() (string, error) { return objects.TailKey("U1", 3) },
		"t/U1/":                     func() (string, error) { return objects.TailPrefix("U1") },
		"l/acme/J1/0007":            func() (string, error) { return objects.CheckpointKey("acme", "J1", "0007") },
		"l/acme/J1/":                func() (string, error) { return objects.CheckpointPrefix("acme", "J1") },
	} {
		if got, err := make(); err != nil || got != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
}

func TestNoUserTextBecomesPartOfAKey(t *testing.T) {
	for _, text := range []string{"", ".", "..", "a/b", "Class 1", "ä", "a*", ">", "a.jpg", "a\x00", strings.Repeat("x", 65)} {
		for name, make := range map[string]func() (string, error){
			"account": func() (string, error) { return objects.OriginalKey(text, "j", "u") },
			"upload":  func() (string, error) { return objects.OriginalKey("a", "j", text) },
			"name":    func() (string, error) { return objects.DerivativeKey("a", "j", "p", "u", text) },
			"tail":    func() (string, error) { return objects.TailKey(text, 0) },
			"prefix":  func() (string, error) { return objects.OriginalPrefix("a", text) },
		} {
			if key, err := make(); !fault.Is(err, fault.Invalid) || key != "" {
				t.Errorf("%q as %s: got %q, %v", text, name, key, err)
			}
		}
	}
}

func TestParseOriginalKey(t *testing.T) {
	got, err := objects.ParseOriginalKey("o/acme/J1/U1")
	if want := (objects.Original{Account: "acme", Job: "J1", Upload: "U1"}); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, key := range []string{"", "o", "o/a/j", "o/a/j/", "o/a/j/u/x", "d/a/j/u", "/o/a/j/u", "o//j/u", "o/a/../u", "o/a/j/u.jpg"} {
		if got, err := objects.ParseOriginalKey(key); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: got %+v, %v", key, got, err)
		}
	}
}
