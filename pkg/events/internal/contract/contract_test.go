package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const eventsDir = "../.."

func TestTheContractIsCurrent(t *testing.T) {
	files, err := contract(eventsDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		have, err := os.ReadFile(filepath.Join(eventsDir, f.name))
		if err != nil || !bytes.Equal(have, f.content) {
			t.Errorf("%s is not what pkg/events says: run go generate ./pkg/events (%v)", f.name, err)
		}
	}
}

func TestAReleasedSchemaIsNotOverwritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pkg", "events")
	if err := os.CopyFS(dir, os.DirFS(eventsDir)); err != nil {
		t.Fatal(err)
	}
	released := filepath.Join(dir, "schema", "photo.failed", "1.0.json")
	if err := os.WriteFile(released, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(dir, false); err == nil || !strings.Contains(err.Error(), "photo.failed/1.0.json would change") {
		t.Errorf("got %v", err)
	}
	if err := run(dir, true); err != nil {
		t.Error(err)
	}
	if content, err := os.ReadFile(released); err != nil || len(content) < 100 {
		t.Errorf("-unreleased did not write %s, %v", content, err)
	}
}

func TestAMinorVersionOnlyAdds(t *testing.T) {
	// Each schema is compared with the minor version before it.
	err := fs.WalkDir(os.DirFS(eventsDir), "schema", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".json") {
			return err
		}
		before, ok := previousMinor(path)
		if !ok {
			return nil
		}
		older, newer := readSchema(t, before), readSchema(t, path)
		for _, breakage := range breakages(older, newer) {
			t.Errorf("%s breaks readers of %s: %s", path, before, breakage)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestBreakagesAreSeen(t *testing.T) {
	older := readSchema(t, "schema/photo.failed/1.0.json")
	spoil := map[string]func(*schema){
		"$defs.Reason.code: removed":              func(s *schema) { delete(s.Defs["Reason"].Properties, "code") },
		"$defs.File.bytes: integer became string": func(s *schema) { s.Defs["File"].Properties["bytes"].Type = "string" },
		"reason: no longer always there":          func(s *schema) { s.Required = s.Required[:len(s.Required)-1] },
		"photo: another definition":               func(s *schema) { s.Properties["photo"].Ref = "#/$defs/Job" },
	}
	for want, f := range spoil {
		newer := readSchema(t, "schema/photo.failed/1.0.json")
		f(newer)
		if got := breakages(older, newer); len(got) != 1 || got[0] != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	newer := readSchema(t, "schema/photo.failed/1.0.json")
	newer.Properties["hint"] = &schema{Type: "string"}
	if got := breakages(older, newer); len(got) != 0 {
		t.Errorf("an addition is no breakage: %q", got)
	}
}
