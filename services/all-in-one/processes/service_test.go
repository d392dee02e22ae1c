// Package processes_test runs every service as the process that a cluster runs, in front of real peers.
package processes_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"filmgate.dev/pkg/embeds3/s3test"
)

func TestMain(m *testing.M) { s3test.Main(m) }

// stamp is the version that the binaries were built as.
const stamp = "v9.8.7-test"

// build links all commands once, into a folder of the test's.
func build(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	args := []string{"build", "-ldflags", "-X filmgate.dev/pkg/version.version=" + stamp, "-o", dir + "/", "filmgate.dev/services/all-in-one"}
	for _, name := range services {
		args = append(args, "filmgate.dev/services/"+name+"/cmd/"+name)
	}
	build := exec.Command("go", args...)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	must(t, os.Rename(dir+"/all-in-one", dir+"/filmgate"))
	return dir
}

// running is a service's process.
type running struct {
	t       *testing.T
	name    string
	command *exec.Cmd
	probes  string
	ended   chan struct{} // closed when it has ended
	err     error         // then

	mu   sync.Mutex
	said []logged
}

type logged struct{ Msg, Version, HTTP, Address string }

// start runs the binary and waits until it says where its probes are.
func start(t *testing.T, binary, name string, env []string) *running {
	t.Helper()
	r := &running{t: t, name: name, command: exec.Command(binary), ended: make(chan struct{})}
	r.command.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, env...)
	stderr, err := r.command.StderrPipe()
	must(t, err)
	must(t, r.command.Start())
	go func() {
		defer close(r.ended)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			var line logged
			if json.Unmarshal(lines.Bytes(), &line) == nil {
				r.mu.Lock()
				r.said = append(r.said, line)
				r.mu.Unlock()
			}
			t.Log(name, lines.Text())
		}
		r.err = r.command.Wait()
	}()
	t.Cleanup(func() { _ = r.command.Process.Kill(); <-r.ended })
	begun := r.line(name + " starts")
	r.probes = begun.HTTP
	if first := r.first(); first.Msg != name+" starts" || first.Version != stamp {
		t.Errorf("the first line of %s is %+v", name, first)
	}
	return r
}

func (r *running) first() logged {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.said[0]
}

// line waits for a line of the log.
func (r *running) line(msg string) (found logged) {
	r.t.Helper()
	eventually(r.t, r.name+" says: "+msg, func() bool {
		select {
		case <-r.ended:
			r.t.Fatalf("%s ended: %v", r.name, r.err)
		default:
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, line := range r.said {
			if line.Msg == msg {
				found = line
				return true
			}
		}
		return false
	})
	return found
}

// get answers one of its pages.
func (r *running) get(path string) (int, string) {
	r.t.Helper()
	return get(r.t, "http://"+r.probes+path)
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	answer, err := http.Get(url)
	must(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	must(t, err)
	return answer.StatusCode, string(text)
}

// waitsFor waits until /readyz says all of this, and checks that it does so as a living process that is not ready.
func (r *running) waitsFor(reasons ...string) {
	r.t.Helper()
	var text string
	defer func() {
		if r.t.Failed() {
			r.t.Logf("%s said last: %s", r.name, text)
		}
	}()
	eventually(r.t, r.name+" waits for "+strings.Join(reasons, "; "), func() bool {
		var code int
		code, text = r.get("/readyz")
		all := code == http.StatusServiceUnavailable
		for _, reason := range reasons {
			all = all && strings.Contains(text, "\n"+reason)
		}
		return all
	})
	if code, _ := r.get("/healthz"); code != http.StatusOK {
		r.t.Errorf("%s: /healthz is %d while it waits", r.name, code)
	}
}

func (r *running) ready() {
	r.t.Helper()
	var text string
	defer func() {
		if r.t.Failed() {
			r.t.Logf("%s said last: %s", r.name, text)
		}
	}()
	eventually(r.t, r.name+" is ready", func() bool {
		var code int
		code, text = r.get("/readyz")
		return code == http.StatusOK
	})
}

// terminate asks it to end, which must be a success.
func (r *running) terminate() {
	r.t.Helper()
	must(r.t, r.command.Process.Signal(syscall.SIGTERM))
	eventually(r.t, r.name+" ends", func() bool {
		select {
		case <-r.ended:
			return true
		default:
			return false
		}
	})
	if r.err != nil {
		r.t.Errorf("%s after SIGTERM: %v", r.name, r.err)
	}
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("in vain: " + what)
		}
	}
}
