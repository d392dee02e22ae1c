package main_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdLanded holds what a client sent against what arrived: landed LOCAL REMOTE [versions=N|photos=N] [times]
//
// OpenSSH fetches the file, or the folder with everything in it, byte for byte the same. And everybody was told: for each
// file N different file.landed, one photo.ingested, and a photo.updated for each version after the first; no event twice.
// A program that removes a file before it renames another one to its name ends one photo and begins another: then there are
// N photos, all ingested. With times, the files have the times that they have here.
func cmdLanded(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: landed LOCAL REMOTE [versions=N|photos=N] [times]")
	}
	versions, photos, times := 1, 1, false
	for _, arg := range args[2:] {
		name, value, isNumber := strings.Cut(arg, "=")
		n, err := strconv.Atoi(value)
		if isNumber {
			ts.Check(err)
		}
		switch name {
		case "versions":
			versions = n
		case "photos":
			photos, versions = n, n
		case "times":
			times = true
		default:
			ts.Fatalf("landed with %s?", arg)
		}
	}
	sent, arrived := tree(ts, ts.MkAbs(args[0])), fetched(ts, args[1])
	if !slices.Equal(slices.Sorted(maps.Keys(sent)), slices.Sorted(maps.Keys(arrived))) {
		ts.Fatalf("sent: %v\narrived: %v", slices.Sorted(maps.Keys(sent)), slices.Sorted(maps.Keys(arrived)))
	}
	for name, file := range sent {
		if !bytes.Equal(file.content, arrived[name].content) {
			ts.Fatalf("%s: %d bytes were sent, and %d others arrived", name, len(file.content), len(arrived[name].content))
		}
		if times && !file.modified.Equal(arrived[name].modified) {
			ts.Fatalf("%s: its time is %v, not %v", name, arrived[name].modified, file.modified)
		}
	}
	told(ts, args[1], slices.Sorted(maps.Keys(sent)), versions, photos)
}

// told waits until everybody was told of each file under remote.
func told(ts *testscript.TestScript, remote string, names []string, versions, photos int) {
	var want strings.Builder
	for _, name := range names {
		place := path.Join(remote, name)
		want.WriteString(strings.Repeat("photo.ingested "+place+"\n", photos))
		want.WriteString(strings.Repeat("file.landed "+place+"\n", versions))
		want.WriteString(strings.Repeat("photo.updated "+place+"\n", versions-photos))
	}
	eventually(ts, "landed "+remote, func() (bool, string) {
		out, err := operator(ts, "events", "tail", "--json", "--from-start", "--no-follow")
		if err != nil {
			return false, err.Error()
		}
		var got strings.Builder
		for line := range strings.Lines(eventLines(ts, out, []string{"file.landed", "photo.ingested", "photo.updated", "photo.failed"})) {
			_, place, _ := strings.Cut(strings.TrimSpace(line), " ")
			if place == remote || strings.HasPrefix(place, remote+"/") {
				got.WriteString(line)
			}
		}
		return sorted(got.String()) == sorted(want.String()), got.String()
	})
}

type sentFile struct {
	content  []byte
	modified time.Time
}

// tree reads a file, whose name is then "", or everything in a folder.
func tree(ts *testscript.TestScript, root string) map[string]sentFile {
	all := make(map[string]sentFile)
	ts.Check(filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		i, err := d.Info()
		if err != nil {
			return err
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		place, err := filepath.Rel(root, name)
		if place == "." {
			place = ""
		}
		all[place] = sentFile{content, i.ModTime().Truncate(time.Second)}
		return err
	}))
	return all
}

// fetched is what OpenSSH gets back.
func fetched(ts *testscript.TestScript, remote string) map[string]sentFile {
	back := ts.MkAbs("fetched")
	ts.Check(os.RemoveAll(back))
	batch := ts.MkAbs("fetch.batch")
	ts.Check(os.WriteFile(batch, fmt.Appendf(nil, "get -pR %q %q\n", remote, back), 0o600))
	out, err := clientCommand(ts, "sftp", sftpArgs(ts.Getenv("SFTP_PORT"), "-b", batch, target(ts))...).CombinedOutput()
	if err != nil {
		ts.Fatalf("get: %v\n%s", err, out)
	}
	return tree(ts, back)
}
