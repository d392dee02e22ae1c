package main_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// sftpArgs are OpenSSH's options in every story: no questions, no memory of host keys, nothing from the user's own
// configuration.
func sftpArgs(port string, more ...string) []string {
	return append([]string{
		"-F", "none", "-P", port,
		"-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", "-oLogLevel=ERROR",
		"-oPreferredAuthentications=publickey,password", "-oIdentitiesOnly=yes", "-oNumberOfPasswordPrompts=1",
		"-oConnectTimeout=20", "-oBatchMode=no",
	}, more...)
}

// clientCommand runs a client in the story's folder with its password answered by SSH_ASKPASS.
func clientCommand(ts *testscript.TestScript, name string, args ...string) *exec.Cmd {
	askpass := ts.MkAbs("askpass")
	ts.Check(os.WriteFile(askpass, []byte("#!/bin/sh\nprintf '%s\\n' \"$SFTP_PASSWORD\"\n"), 0o700))
	cmd := exec.Command(name, args...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(os.Environ(), "HOME="+ts.Getenv("HOME"), "SSH_ASKPASS="+askpass, "SSH_ASKPASS_REQUIRE=force", "DISPLAY=none",
		"SFTP_PASSWORD="+ts.Getenv("SFTP_PASSWORD"), "LC_ALL=C.UTF-8")
	return cmd
}

func target(ts *testscript.TestScript) string {
	return ts.Getenv("SFTP_USER") + "@" + ts.Getenv("SFTP_HOST")
}

// cmdSFTP runs OpenSSH's sftp with the commands of a file: [!] sftp [-i KEY] FILE
func cmdSFTP(ts *testscript.TestScript, neg bool, args []string) {
	more := []string{}
	if len(args) == 3 && args[0] == "-i" {
		more = append(more, "-i", ts.MkAbs(args[1]), "-oPasswordAuthentication=no")
		args = args[2:]
	}
	if len(args) != 1 {
		ts.Fatalf("usage: sftp [-i KEY] FILE")
	}
	// -b asks for BatchMode, which would refuse passwords: the -o before it wins.
	more = append(more, "-b", ts.MkAbs(args[0]), target(ts))
	check(ts, neg, clientCommand(ts, "sftp", sftpArgs(ts.Getenv("SFTP_PORT"), more...)...))
}

// cmdSCP runs OpenSSH's scp: [!] scp [-p] [-r] FILE... REMOTE
func cmdSCP(ts *testscript.TestScript, neg bool, args []string) {
	last := len(args) - 1
	args[last] = target(ts) + ":" + args[last]
	check(ts, neg, clientCommand(ts, "scp", sftpArgs(ts.Getenv("SFTP_PORT"), args...)...))
}

// cmdLFTP runs lftp, which shows a server's words: [!] lftp COMMANDS
func cmdLFTP(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: lftp COMMANDS")
	}
	setup := fmt.Sprintf(`set sftp:connect-program "ssh -a -x -F none -oStrictHostKeyChecking=no -oUserKnownHostsFile=/dev/null -oLogLevel=ERROR"; `+
		`set net:max-retries 1; set net:timeout 30; set cmd:fail-exit yes; open -u %s,%s -p %s sftp://%s; `,
		ts.Getenv("SFTP_USER"), ts.Getenv("SFTP_PASSWORD"), ts.Getenv("SFTP_PORT"), ts.Getenv("SFTP_HOST"))
	cmd := clientCommand(ts, "lftp", "--norc", "-c", setup+args[0])
	// lftp answers ssh's question itself, on a terminal of its own.
	cmd.Env = append(cmd.Env, "SSH_ASKPASS_REQUIRE=never")
	check(ts, neg, cmd)
}

// check runs a client and holds its exit status against what the story says; stdout and stderr can then be searched
// with `said`.
func check(ts *testscript.TestScript, neg bool, cmd *exec.Cmd) {
	out, err := cmd.CombinedOutput()
	ts.Check(os.WriteFile(ts.MkAbs("said"), out, 0o600))
	ts.Logf("%s: %v\n%s", cmd.Args[0], err, out)
	switch {
	case err != nil && !neg:
		ts.Fatalf("%s failed: %v\nfilmgate.log:\n%s", cmd.Args[0], err, tail(ts))
	case err == nil && neg:
		ts.Fatalf("%s went well, which it must not", cmd.Args[0])
	}
}

// cmdSaid holds what the last client printed against words: [!] said WORDS
func cmdSaid(ts *testscript.TestScript, neg bool, args []string) {
	said := ts.ReadFile("said")
	if found := strings.Contains(said, strings.Join(args, " ")); found == neg {
		ts.Fatalf("the client said:\n%s", said)
	}
}

// cmdCutAfter runs OpenSSH's sftp through a wire that is cut after so many bytes: cutafter BYTES client|server FILE.
// With client, sftp is killed; with server, filmgate is.
func cmdCutAfter(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: cutafter BYTES client|server FILE")
	}
	s := theStory(ts)
	limit, err := strconv.ParseInt(args[0], 10, 64)
	ts.Check(err)
	p := newProxy(ts, net.JoinHostPort(ts.Getenv("SFTP_HOST"), ts.Getenv("SFTP_PORT")), limit)
	s.proxy = p
	defer p.end()
	cmd := clientCommand(ts, "sftp", sftpArgs(p.port(), "-b", ts.MkAbs(args[2]), target(ts))...)
	ts.Check(cmd.Start())
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case <-p.reached:
	case err := <-done:
		ts.Fatalf("sftp ended before %d bytes had passed: %v\n%s", limit, err, tail(ts))
	}
	switch args[1] {
	case "client":
		ts.Check(cmd.Process.Kill())
	case "server":
		cmdKill(ts, false, nil)
	default:
		ts.Fatalf("cut whom?")
	}
	<-done
}

// cmdHold starts OpenSSH's sftp on a wire that stops after so many bytes: hold BYTES FILE
func cmdHold(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: hold BYTES FILE")
	}
	s := theStory(ts)
	limit, err := strconv.ParseInt(args[0], 10, 64)
	ts.Check(err)
	s.proxy = newProxy(ts, net.JoinHostPort(ts.Getenv("SFTP_HOST"), ts.Getenv("SFTP_PORT")), limit)
	s.held = clientCommand(ts, "sftp", sftpArgs(s.proxy.port(), "-b", ts.MkAbs(args[1]), target(ts))...)
	ts.Check(s.held.Start())
	select {
	case <-s.proxy.reached:
	case <-time.After(patience):
		ts.Fatalf("%d bytes were never sent", limit)
	}
}

// cmdRelease lets the held client go on and waits until it is done: [!] release
func cmdRelease(ts *testscript.TestScript, neg bool, args []string) {
	s := theStory(ts)
	close(s.proxy.released)
	err := s.held.Wait()
	s.held = nil
	s.proxy.end()
	if (err != nil) != neg {
		ts.Fatalf("sftp: %v\n%s", err, tail(ts))
	}
}

// proxy passes bytes on and says when so many have gone from the client to the server. From then on it holds the rest
// back, until it is released or ended, so that a cut happens in the middle however fast the machine is.
type proxy struct {
	listener net.Listener
	to       string
	limit    int64
	passed   atomic.Int64
	reached  chan struct{}
	released chan struct{}
	once     sync.Once
	closed   chan struct{}
	conns    sync.WaitGroup
}

func newProxy(ts *testscript.TestScript, to string, limit int64) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	p := &proxy{listener: l, to: to, limit: limit, reached: make(chan struct{}), released: make(chan struct{}), closed: make(chan struct{})}
	p.conns.Add(1)
	go p.accept()
	return p
}

func (p *proxy) port() string {
	_, port, _ := net.SplitHostPort(p.listener.Addr().String())
	return port
}

func (p *proxy) accept() {
	defer p.conns.Done()
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", p.to)
		if err != nil {
			in.Close()
			continue
		}
		p.conns.Add(3)
		go func() { defer p.conns.Done(); <-p.closed; in.Close(); out.Close() }()
		go func() { defer p.conns.Done(); _, _ = io.Copy(in, out); in.Close() }()
		go func() { defer p.conns.Done(); _, _ = io.Copy(counted{out, p}, in); out.Close() }()
	}
}

func (p *proxy) end() {
	if p == nil {
		return
	}
	p.once.Do(func() {
		close(p.closed)
		p.listener.Close()
	})
	p.conns.Wait()
}

// counted is the side of the proxy towards the server.
type counted struct {
	net.Conn
	p *proxy
}

func (c counted) Write(b []byte) (int, error) {
	before := c.p.passed.Add(int64(len(b))) - int64(len(b))
	room := c.p.limit - before
	if room > int64(len(b)) {
		return c.Conn.Write(b)
	}
	n := 0
	if room > 0 {
		var err error
		if n, err = c.Conn.Write(b[:room]); err != nil {
			return n, err
		}
		close(c.p.reached)
	}
	select {
	case <-c.p.closed:
		return n, net.ErrClosed
	case <-c.p.released:
	}
	rest, err := c.Conn.Write(b[n:])
	return n + rest, err
}

// session is an OpenSSH sftp that stays connected while other things happen.
type session struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *lines
	asked int
}

// cmdSession opens a connection that stays, or gives it a command and waits for the answer, which `said` can search:
// session open | session do COMMAND | session close
func cmdSession(ts *testscript.TestScript, neg bool, args []string) {
	s := theStory(ts)
	if len(args) == 0 {
		ts.Fatalf("usage: session open | do COMMAND | close")
	}
	switch args[0] {
	case "open":
		cmd := clientCommand(ts, "sftp", sftpArgs(ts.Getenv("SFTP_PORT"), "-b", "-", target(ts))...)
		in, err := cmd.StdinPipe()
		ts.Check(err)
		r, w := io.Pipe()
		cmd.Stdout, cmd.Stderr = w, w
		ts.Check(cmd.Start())
		s.session = &session{cmd: cmd, in: in, out: readLines(r)}
	case "do":
		s.session.asked++
		mark := fmt.Sprintf("answered-%d", s.session.asked)
		before := len(s.session.out.text())
		// A leading dash goes on after a failure; the local echo marks the end of the answer.
		fmt.Fprintf(s.session.in, "-%s\n!echo %s\n", strings.Join(args[1:], " "), mark)
		if !s.session.out.wait("\n"+mark, patience) {
			ts.Fatalf("no answer: %s", s.session.out.text())
		}
		answer := s.session.out.text()[before:]
		ts.Logf("%s", answer)
		ts.Check(os.WriteFile(ts.MkAbs("said"), []byte(withoutEcho(answer)), 0o600))
	case "close":
		s.session.end()
		s.session = nil
	}
}

// withoutEcho leaves out the lines in which sftp repeats its commands.
func withoutEcho(s string) string {
	var kept []string
	for line := range strings.Lines(s) {
		if !strings.HasPrefix(line, "sftp> ") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

func (s *session) end() {
	if s == nil {
		return
	}
	s.in.Close()
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}
