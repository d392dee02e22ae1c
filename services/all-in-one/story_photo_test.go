package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"filmgate.dev/pkg/testphotos"
)

// commands are the words that the scripts use beyond testscript's own, and beyond the clients.
var commands = map[string]func(*testscript.TestScript, bool, []string){
	"start": cmdStart,

	"collector": cmdCollector,
	"traced":    cmdTraced,

	"stop":     cmdStop,
	"kill9":    cmdKill,
	"said":     cmdSaid,
	"session":  cmdSession,
	"cutafter": cmdCutAfter,
	"hold":     cmdHold,
	"release":  cmdRelease,
	"browser":  cmdBrowser,
	"photo":    cmdPhoto,
	"user":     cmdUser,
	"catalog":  cmdCatalog,
	"heard":    cmdHeard,
	"listing":  cmdListing,
	"count":    cmdCount,
	"once":     cmdOnce,
	"gone":     cmdSees(false),
	"back":     cmdSees(true),
	"banned":   cmdBanned,
	"atleast":  cmdAtLeast,
	"same":     cmdSame,
	"consume":  cmdConsume,

	"mount": cmdMount, "unmount": cmdUnmount,
	"landed": cmdLanded,
	"broken": cmdBroken, "within": cmdWithin,
}

// cmdPhoto makes picture files: photo FILE WIDTHxHEIGHT [orientation=N] [seed=N] [png] [truncated] [text] [padded=BYTES],
// and many with FILE holding %03d and count=N.
func cmdPhoto(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: photo FILE WIDTHxHEIGHT [orientation=N] [seed=N] [count=N] [png|truncated|text]")
	}
	var o testphotos.Options
	_, err := fmt.Sscanf(args[1], "%dx%d", &o.Width, &o.Height)
	ts.Check(err)
	o.Camera = testphotos.Studio()
	count, padded := 1, 0
	kind := "jpeg"
	for _, arg := range args[2:] {
		name, value, isSetting := strings.Cut(arg, "=")
		n, err := strconv.Atoi(value)
		if isSetting {
			ts.Check(err)
		}
		switch name {
		case "orientation":
			o.Orientation = n
		case "seed":
			o.Seed = uint64(n)
		case "count":
			count = n
		case "padded":
			padded = n
		default:
			kind = arg
		}
	}
	for i := range count {
		path := args[0]
		if count > 1 {
			path = fmt.Sprintf(path, i+1)
			o.Seed++
		}
		ts.Check(os.MkdirAll(filepath.Dir(ts.MkAbs(path)), 0o755))
		ts.Check(os.WriteFile(ts.MkAbs(path), makePhoto(ts, kind, o, padded), 0o644))
	}
}

func makePhoto(ts *testscript.TestScript, kind string, o testphotos.Options, padded int) []byte {
	switch kind {
	case "jpeg":
		b := testphotos.JPEG(o)
		if padded > len(b) {
			b = pad(b, padded)
		}
		return b
	case "png":
		return testphotos.PNG(o)
	case "truncated":
		b := testphotos.JPEG(o)
		return b[:len(b)/2]
	case "text":
		return []byte("Dear studio, the pictures follow.\n")
	}
	ts.Fatalf("what is a %s?", kind)
	return nil
}

// pad fills a JPEG up with comment segments, so that a small picture is a large file.
func pad(b []byte, to int) []byte {
	var comments bytes.Buffer
	for left := to - len(b); left > 4; {
		n := min(left-4, 65533)
		comments.Write([]byte{0xff, 0xfe, byte((n + 2) >> 8), byte(n + 2)})
		comments.Write(bytes.Repeat([]byte{'.'}, n))
		left -= n + 4
	}
	return slices.Concat(b[:2], comments.Bytes(), b[2:])
}

// cmdUser makes an SFTP user and lets the next commands be that user: user NAME [ARG of `filmgate user create`...]
func cmdUser(ts *testscript.TestScript, neg bool, args []string) {
	out, err := operator(ts, append([]string{"user", "create", "--json", "--sftp-user", args[0]}, args[1:]...)...)
	ts.Check(err)
	var u struct{ SFTPUser, SFTPPassword string }
	ts.Check(json.Unmarshal([]byte(out), &u))
	ts.Setenv("SFTP_USER", u.SFTPUser)
	ts.Setenv("SFTP_PASSWORD", u.SFTPPassword)
}

// cmdCatalog waits until a job's catalog is what a file says, one photo a line: catalog JOB FILE.
// A line is `state album/section/name WIDTHxHEIGHT`, or `failed album/section/name reason-code`.
func cmdCatalog(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: catalog JOB FILE")
	}
	want := sorted(ts.ReadFile(args[1]))
	eventually(ts, "catalog of "+args[0], func() (bool, string) {
		out, err := operator(ts, "photo", "list", "--job", args[0], "--json")
		if err != nil {
			return false, err.Error()
		}
		got := sorted(catalogLines(ts, out))
		return got == want, got
	})
}

func catalogLines(ts *testscript.TestScript, out string) string {
	var b strings.Builder
	for line := range strings.Lines(out) {
		var p struct {
			Photo   struct{ State string }
			Album   struct{ Name string }
			Section string
			File    struct{ Name string }
			Image   struct{ DisplayWidth, DisplayHeight int }
			Reason  struct{ Code string }
		}
		ts.Check(json.Unmarshal([]byte(line), &p))
		fmt.Fprintf(&b, "%s %s/%s/%s", p.Photo.State, p.Album.Name, p.Section, p.File.Name)
		switch p.Photo.State {
		case "ready":
			fmt.Fprintf(&b, " %dx%d", p.Image.DisplayWidth, p.Image.DisplayHeight)
		case "failed":
			fmt.Fprintf(&b, " %s", p.Reason.Code)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// cmdHeard waits until the events of some types are what a file says, one a line in any order: heard TYPE[,TYPE] FILE.
// A line is `type path`, with what matters to the type behind it. Twice the same event id is a failure.
func cmdHeard(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: heard TYPE,TYPE FILE")
	}
	types := strings.Split(args[0], ",")
	want := sorted(ts.ReadFile(args[1]))
	eventually(ts, "events "+args[0], func() (bool, string) {
		out, err := operator(ts, "events", "tail", "--json", "--from-start", "--no-follow")
		if err != nil {
			return false, err.Error()
		}
		got := sorted(eventLines(ts, out, types))
		return got == want, got
	})
}

func eventLines(ts *testscript.TestScript, out string, types []string) string {
	var b strings.Builder
	seen := map[string]bool{}
	for line := range strings.Lines(out) {
		var e struct {
			ID, Type, SpecVersion string
			Data                  struct {
				File   struct{ Path string }
				Album  struct{ Name string }
				Job    struct{ InternalName, Status string }
				Reason struct{ Code string }
			}
		}
		ts.Check(json.Unmarshal([]byte(line), &e))
		if seen[e.ID] {
			ts.Fatalf("event %s was said twice", e.ID)
		}
		seen[e.ID] = true
		kind := strings.TrimSuffix(strings.TrimPrefix(e.Type, "dev.filmgate."), ".v1")
		if !slices.Contains(types, kind) {
			continue
		}
		switch {
		case strings.HasPrefix(kind, "job."):
			fmt.Fprintf(&b, "%s %s %s\n", kind, e.Data.Job.InternalName, e.Data.Job.Status)
		case strings.HasPrefix(kind, "album."):
			fmt.Fprintf(&b, "%s %s/%s\n", kind, e.Data.Job.InternalName, e.Data.Album.Name)
		case kind == "photo.failed":
			fmt.Fprintf(&b, "%s %s %s\n", kind, e.Data.File.Path, e.Data.Reason.Code)
		default:
			fmt.Fprintf(&b, "%s %s\n", kind, e.Data.File.Path)
		}
	}
	return b.String()
}

// cmdListing holds the names in a folder, as SFTP shows them, against a file: listing FOLDER FILE
func cmdListing(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: listing FOLDER FILE")
	}
	if got, want := sorted(strings.Join(names(ts, args[0]), "\n")), sorted(ts.ReadFile(args[1])); got != want {
		ts.Fatalf("%s holds:\n%s\nwant:\n%s", args[0], got, want)
	}
}

// names answers what SFTP lists in a folder.
func names(ts *testscript.TestScript, folder string) []string {
	batch := ts.MkAbs("listing.batch")
	ts.Check(os.WriteFile(batch, fmt.Appendf(nil, "ls -1 %q\n", folder), 0o600))
	out, err := clientCommand(ts, "sftp", sftpArgs(ts.Getenv("SFTP_PORT"), "-b", batch, target(ts))...).CombinedOutput()
	if err != nil {
		ts.Fatalf("ls: %v\n%s", err, out)
	}
	var found []string
	for line := range strings.Lines(withoutEcho(string(out))) {
		found = append(found, filepath.Base(strings.TrimSpace(line)))
	}
	return found
}

// sorted answers the lines of s in order, without empty ones.
func sorted(s string) string {
	var kept []string
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			kept = append(kept, line)
		}
	}
	sort.Strings(kept)
	return strings.Join(kept, "\n")
}
