package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRefusesWhatWouldNotStart(t *testing.T) {
	program := filepath.Join(t.TempDir(), "studio")
	files := unpack(t, made(t).builds[1].image)
	if err := os.WriteFile(program, files[len(files)-1].content, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := load(program, both[1]); err != nil {
		t.Errorf("a good one is refused: %v", err)
	}
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	machine := both[0] // of this machine, whose own programs are linked against its C library
	if _, err := load("/bin/ls", machine); err != nil && strings.Contains(err.Error(), "is for") {
		machine = both[1]
	}
	for _, bad := range []struct {
		file     string
		platform int
		want     string
	}{
		{"/bin/ls", indexOf(machine.Architecture), "is dynamically linked, and an empty image has no loader"},
		{program, 0, "is for AARCH64, not for linux/amd64"},
		{text, 0, "is no Linux program"},
		{filepath.Join(t.TempDir(), "absent"), 0, "no such file"},
	} {
		if _, err := load(bad.file, both[bad.platform]); err == nil || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("%s: %v, want it to say: %s", bad.file, err, bad.want)
		}
	}
}

func indexOf(architecture string) int {
	for i, platform := range both {
		if platform.Architecture == architecture {
			return i
		}
	}
	panic(architecture)
}
