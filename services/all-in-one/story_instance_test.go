package main_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience is how long a story waits for something that must happen: far longer than it takes (work that was in the hands of
// a killed process is handed out again only after a minute), so that a slow machine
// does not fail, and a broken one does.
const patience = 120 * time.Second

// story is what one script has running.
type story struct {
	server  *exec.Cmd
	stdout  *lines
	stderr  string // file
	card    map[string]map[string]string
	proxy   *proxy
	held    *exec.Cmd // a client on a wire that stopped
	session *session

	collector *collector // of traces
	browser   *browser
	mounted   string // the folder that shows the edge
}

type storyKey struct{}

func setupStory(env *testscript.Env) error {
	s := &story{}
	env.Values[storyKey{}] = s
	env.Setenv("FILMGATE_DATA", filepath.Join(env.WorkDir, "data"))
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("PATH", filepath.Dir(binary)+string(os.PathListSeparator)+env.Getenv("PATH"))
	env.Defer(func() { s.end() })
	return nil
}

func theStory(ts *testscript.TestScript) *story {
	s, ok := ts.Value(storyKey{}).(*story)
	if !ok {
		ts.Fatalf("no story")
	}
	return s
}

func (s *story) end() {
	s.session.end()
	s.browser.end()
	s.collector.end()
	s.unmount()
	s.proxy.end()
	if s.held != nil {
		_ = s.held.Process.Kill()
		_ = s.held.Wait()
	}
	if s.server != nil {
		_ = s.server.Process.Kill()
		_ = s.server.Wait()
		s.server = nil
	}
}

// cmdStart runs `filmgate run` and waits until it has printed its card: start [ARG...]
func cmdStart(ts *testscript.TestScript, neg bool, args []string) {
	s := theStory(ts)
	if s.server != nil {
		ts.Fatalf("filmgate is running already")
	}
	s.stderr = ts.MkAbs("filmgate.log")
	log, err := os.OpenFile(s.stderr, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	defer log.Close()
	cmd := exec.Command(binary, append([]string{"run", "--sftp", "127.0.0.1:0", "--http", "127.0.0.1:0"}, args...)...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(os.Environ(), "FILMGATE_DATA="+ts.Getenv("FILMGATE_DATA"), "FILMGATE_LOGIN_BAN_AFTER="+ts.Getenv("FILMGATE_LOGIN_BAN_AFTER"),
		"OTEL_EXPORTER_OTLP_ENDPOINT="+ts.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT"), "OTEL_BSP_SCHEDULE_DELAY=200")
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	s.server, s.stdout = cmd, readLines(out)
	if !s.stdout.wait("Stop with Ctrl-C", patience) {
		ts.Fatalf("filmgate did not come up\nstdout: %s\nstderr: %s", s.stdout.text(), ts.ReadFile(s.stderr))
	}
	b, err := os.ReadFile(filepath.Join(ts.Getenv("FILMGATE_DATA"), "card.json"))
	ts.Check(err)
	ts.Check(json.Unmarshal(b, &s.card))
	host, port, err := net.SplitHostPort(s.card["sftp"]["address"])
	ts.Check(err)
	for name, value := range map[string]string{
		"SFTP_HOST": host, "SFTP_PORT": port, "SFTP_USER": s.card["sftp"]["user"], "SFTP_PASSWORD": s.card["sftp"]["password"],
		"SFTP_HOST_KEY": s.card["sftp"]["host_key_sha256"],
		"STUDIO_URL":    s.card["studio"]["url"], "CONSUMER_URL": s.card["nats"]["consumer_url"],
		"GRPC_ADDRESS": s.card["grpc"]["address"], "OPERATOR_TOKEN": s.card["grpc"]["token"], "NATS_URL": s.card["nats"]["url"],
	} {
		ts.Setenv(name, value)
	}
}

// cmdStop stops filmgate as Ctrl-C does; it must exit 0: stop
func cmdStop(ts *testscript.TestScript, neg bool, args []string) {
	s := theStory(ts)
	ts.Check(s.server.Process.Signal(os.Interrupt))
	done := make(chan error, 1)
	go func() { done <- s.server.Wait() }()
	select {
	case err := <-done:
		s.server = nil
		if err != nil {
			ts.Fatalf("filmgate did not exit 0: %v\n%s", err, ts.ReadFile(s.stderr))
		}
	case <-time.After(patience):
		_ = s.server.Process.Signal(syscall.SIGQUIT)
		ts.Fatalf("filmgate did not stop\n%s", ts.ReadFile(s.stderr))
	}
}

// cmdKill kills filmgate as a power cut does to its process: kill9
func cmdKill(ts *testscript.TestScript, neg bool, args []string) {
	s := theStory(ts)
	ts.Check(s.server.Process.Kill())
	_ = s.server.Wait()
	s.server = nil
}

// lines keeps what a process prints and lets a test wait for a piece of it.
type lines struct {
	mu      sync.Mutex
	all     strings.Builder
	changed chan struct{} // closed and replaced at every line
	ended   bool
}

func readLines(r io.Reader) *lines {
	l := &lines{changed: make(chan struct{})}
	go func() {
		sc := bufio.NewScanner(r)
		sc.Buffer(nil, 1<<20)
		for sc.Scan() {
			l.add(sc.Text()+"\n", false)
		}
		l.add("", true)
	}()
	return l
}

func (l *lines) add(s string, end bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all.WriteString(s)
	l.ended = l.ended || end
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

// wait reports whether piece was printed within the limit.
func (l *lines) wait(piece string, limit time.Duration) bool {
	deadline := time.After(limit)
	for {
		l.mu.Lock()
		found, ended, changed := strings.Contains(l.all.String(), piece), l.ended, l.changed
		l.mu.Unlock()
		if found || ended {
			return found
		}
		select {
		case <-changed:
		case <-deadline:
			return false
		}
	}
}

// eventually asks again until ok, or until patience ends with what it saw last.
func eventually(ts *testscript.TestScript, what string, ok func() (bool, string)) {
	deadline := time.Now().Add(patience)
	for {
		done, seen := ok()
		if done {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s: not within %v; last seen:\n%s\nfilmgate.log:\n%s", what, patience, seen, tail(ts))
		}
		time.Sleep(50 * time.Millisecond) // between two looks, not in place of one
	}
}

func tail(ts *testscript.TestScript) string {
	b, _ := os.ReadFile(ts.MkAbs("filmgate.log"))
	if len(b) > 8000 {
		b = b[len(b)-8000:]
	}
	return string(b)
}

// run runs filmgate itself, as an operator would, and answers what it printed.
func operator(ts *testscript.TestScript, args ...string) (string, error) {
	cmd := exec.Command(binary, args...)
	cmd.Env = append(os.Environ(), "FILMGATE_DATA="+ts.Getenv("FILMGATE_DATA"))
	var errOut strings.Builder
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("filmgate %s: %w\n%s", strings.Join(args, " "), err, errOut.String())
	}
	return string(out), err
}
