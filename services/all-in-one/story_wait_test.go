package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdCount waits until a job has exactly so many photos, all of one state: count JOB STATE N
func cmdCount(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[2])
	ts.Check(err)
	eventually(ts, strings.Join(args, " "), func() (bool, string) {
		out, err := operator(ts, "photo", "list", "--job", args[0], "--json")
		if err != nil {
			return false, err.Error()
		}
		got := strings.Fields(catalogStates(ts, out))
		others := slices.ContainsFunc(got, func(state string) bool { return state != args[1] })
		return len(got) == want && !others, fmt.Sprint(len(got), " photos: ", got)
	})
}

func catalogStates(ts *testscript.TestScript, out string) string {
	var b strings.Builder
	for line := range strings.Lines(out) {
		var p struct{ Photo struct{ State string } }
		ts.Check(json.Unmarshal([]byte(line), &p))
		b.WriteString(p.Photo.State + "\n")
	}
	return b.String()
}

// cmdOnce waits until an event of a type was said for N different photo versions, never twice with one id: once TYPE N
func cmdOnce(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	eventually(ts, strings.Join(args, " "), func() (bool, string) {
		out, err := operator(ts, "events", "tail", "--json", "--from-start", "--no-follow")
		if err != nil {
			return false, err.Error()
		}
		got := eventLines(ts, out, args[:1])
		return strings.Count(got, "\n") == want, got
	})
}

// cmdSees waits until a new connection's listing of "/" has the job, or does not: back JOB, gone JOB
func cmdSees(want bool) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		batch := ts.MkAbs("root.batch")
		ts.Check(os.WriteFile(batch, []byte("ls -1 /\n"), 0o600))
		eventually(ts, args[0], func() (bool, string) {
			out, err := clientCommand(ts, "sftp", sftpArgs(ts.Getenv("SFTP_PORT"), "-b", batch, target(ts))...).CombinedOutput()
			return err == nil && strings.Contains(withoutEcho(string(out)), args[0]) == want, string(out)
		})
	}
}

// cmdBanned waits until an address is banned: banned ADDRESS
func cmdBanned(ts *testscript.TestScript, neg bool, args []string) {
	eventually(ts, "the ban of "+args[0], func() (bool, string) {
		out, err := operator(ts, "ban", "list", "--json")
		if err != nil {
			return false, err.Error()
		}
		return strings.Contains(out, strconv.Quote(args[0])), out
	})
}

// cmdAtLeast holds the number of names in a folder against a lower bound: atleast FOLDER N
func cmdAtLeast(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	if got := len(names(ts, args[0])); got < want {
		ts.Fatalf("%s holds %d files; the client was told that at least %d are safe", args[0], got, want)
	}
}

// cmdSame fails unless its arguments are equal: same A B
func cmdSame(ts *testscript.TestScript, neg bool, args []string) {
	if args[0] != args[1] {
		ts.Fatalf("%q is not %q", args[1], args[0])
	}
}

// example is the SDK's example program, built once.
var example = sync.OnceValues(func() (string, error) {
	path := filepath.Join(filepath.Dir(binary), "photoevents-example")
	build := exec.Command("go", "build", "-o", path, "./example")
	build.Dir = "../../pkg/photoevents"
	out, err := build.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building the example: %w\n%s", err, out)
	}
	return path, nil
})

// cmdConsume runs the example with consumer-only credentials until it has printed so many photos, and stops it. More than
// that, or a photo whose path lacks the word, is a failure: consume N WORD
func cmdConsume(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	path, err := example()
	ts.Check(err)
	cmd := exec.Command(path, "--url", ts.Getenv("CONSUMER_URL"), "--durable", "consumer")
	stdout, err := cmd.StdoutPipe()
	ts.Check(err)
	stderr, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	defer func() { _ = cmd.Process.Kill() }()
	photos, said := readLines(stdout), readLines(stderr)
	eventually(ts, "consume", func() (bool, string) {
		return strings.Count(photos.text(), "\n") >= want, photos.text() + said.text()
	})
	ts.Check(cmd.Process.Signal(os.Interrupt))
	photos.drain()
	said.drain()
	if err := cmd.Wait(); err != nil {
		ts.Fatalf("the example did not stop cleanly: %v\n%s", err, said.text())
	}
	if got := strings.Count(photos.text(), "\n"); got != want || strings.Count(photos.text(), args[1]) != want {
		ts.Fatalf("the example heard %d photos, want %d of %s:\n%s", got, want, args[1], photos.text())
	}
}

// drain waits for the end of what a process prints.
func (l *lines) drain() { l.wait("\x00never printed", patience) }
