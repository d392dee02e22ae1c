package main

import (
	"os"
	"slices"
	"testing"
)

// TestMain makes this binary what the measurements start: themselves.
func TestMain(m *testing.M) {
	if slices.Contains(os.Args, "-spawn") || slices.Contains(os.Args, "-inspect") {
		main()
		return
	}
	os.Exit(m.Run())
}

// Each file is looked at by a process of its own: what it answers, and how much memory that took at most. `make bench-bombs` shows the
// time, too.
func TestBombs(t *testing.T) {
	dir := t.TempDir()
	for _, b := range bombs {
		if b.large {
			continue // some seconds and a gigabyte, only to see that a picture is used
		}
		a, err := b.try(t.Context(), dir)
		if err != nil {
			t.Fatalf("%s: %v", b.name, err)
		}
		if err := b.check(a); err != nil {
			t.Errorf("%s: %v", b.name, err)
		}
		t.Logf("%s: %s %s (%.2f CPU s, %.0f MB)", b.name, a.code, a.sentence, a.cpu, a.memory)
	}
}
