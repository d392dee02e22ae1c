package sftpd

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc"

	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/sftp-edge/internal/jobs"
	"filmgate.dev/services/sftp-edge/internal/login"
)

// The tests in this file and its neighbours run a whole server and whole clients over pipes, in a bubble where time
// passes at once when everybody waits.

// pipes is a listener in memory.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial() net.Conn {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	e := &eager{Conn: ours, queue: make(chan []byte, 10_000), done: make(chan struct{})}
	go e.pump()
	return e
}

// eager is a client's end whose writes do not wait for the server to read, as with TCP: both sides speak first in SSH.
type eager struct {
	net.Conn
	queue chan []byte
	once  sync.Once
	done  chan struct{}
}

func (e *eager) pump() {
	for {
		select {
		case b := <-e.queue:
			if _, err := e.Conn.Write(b); err != nil {
				return
			}
		case <-e.done:
			return
		}
	}
}

func (e *eager) Write(b []byte) (int, error) {
	select {
	case e.queue <- slices.Clone(b):
		return len(b), nil
	case <-e.done:
		return 0, io.ErrClosedPipe
	}
}

func (e *eager) Close() error {
	e.once.Do(func() { close(e.done) })
	return e.Conn.Close()
}

// door is job-status: it knows everybody by the password "secret", and shows nobody any job.
type door struct {
	jobs.Edge
	slow chan struct{} // when set, the list of jobs comes only after it is closed
}

func (door) Authenticate(_ context.Context, r *jobsv1.AuthenticateRequest, _ ...grpc.CallOption) (*jobsv1.AuthenticateResponse, error) {
	if r.GetPassword() == "panic" {
		panic("a bug at the desk")
	}
	if r.GetPassword() != "secret" {
		return &jobsv1.AuthenticateResponse{}, nil
	}
	return &jobsv1.AuthenticateResponse{Principal: &jobsv1.Principal{UserId: "U-" + r.GetUserName(), UserName: r.GetUserName(), Rights: []string{"upload"}}}, nil
}

func (door) CountRefusedKeys(context.Context, *jobsv1.CountRefusedKeysRequest, ...grpc.CallOption) (*jobsv1.CountRefusedKeysResponse, error) {
	return &jobsv1.CountRefusedKeysResponse{}, nil
}

func (d door) WatchJobs(ctx context.Context, _ *jobsv1.WatchJobsRequest, _ ...grpc.CallOption) (grpc.ServerStreamingClient[jobsv1.WatchJobsResponse], error) {
	return &watch{ctx: ctx, slow: d.slow}, nil
}

type watch struct {
	grpc.ServerStreamingClient[jobsv1.WatchJobsResponse]
	ctx  context.Context
	slow chan struct{}
	said bool
}

func (w *watch) Recv() (*jobsv1.WatchJobsResponse, error) {
	if w.slow != nil {
		select {
		case <-w.slow:
		case <-w.ctx.Done():
			return nil, w.ctx.Err()
		}
	}
	if !w.said {
		w.said = true
		return &jobsv1.WatchJobsResponse{Event: &jobsv1.WatchJobsResponse_Snapshot{Snapshot: &jobsv1.JobsSnapshot{}}}, nil
	}
	select {
	case <-time.After(time.Second):
		return &jobsv1.WatchJobsResponse{Event: &jobsv1.WatchJobsResponse_Heartbeat{Heartbeat: &jobsv1.Heartbeat{}}}, nil
	case <-w.ctx.Done():
		return nil, w.ctx.Err()
	}
}

// inside is a server in the bubble.
type inside struct {
	t      *testing.T
	server *Server
	lis    *pipes
	log    *lines
	stop   func()
}

// lines keeps what was logged.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func serveInside(t *testing.T, change ...func(*Server)) *inside {
	t.Helper()
	key, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	in := &inside{t: t, lis: newPipes(), log: &lines{}}
	log := slog.New(slog.NewTextHandler(in.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	in.server = &Server{
		Config: Config{
			MaxConnections: 100, MaxPerAddress: 100, Startups: Startups{100, 100, 100}, MaxUnauthenticatedPerAddress: 100,
			MaxPerUser: 100, MaxChannels: 10, MaxHandles: 10, MaxUploads: 10, Requests: 1000, Settle: time.Second, LoginWithin: 20 * time.Second, Dead: 2 * time.Minute,
			Stall: time.Minute, Idle: 15 * time.Minute, Drain: time.Second, Store: time.Minute, Commit: 15 * time.Second,
		},
		Door: login.NewDoor([]ssh.Signer{key}, false, door{}, 10, log),
		Jobs: jobs.NewWatcher(door{}, jobs.Config{}, log), Transfers: NewTransfers(),
		Audit: func(Event) {}, Log: log,
	}
	for _, c := range change {
		c(in.server)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- in.server.Serve(ctx, in.lis) }()
	in.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return in
}

// raw is a client's end of a connection that can stop answering or taking.
type raw struct {
	net.Conn
	deaf atomic.Bool // reads nothing any more
	got  atomic.Int64
	wait chan struct{}
}

func (r *raw) Read(b []byte) (int, error) {
	if r.deaf.Load() {
		<-r.wait
		return 0, io.EOF
	}
	n, err := r.Conn.Read(b)
	r.got.Add(int64(n))
	return n, err
}

func (in *inside) dial(user, password string) (*ssh.Client, *raw, error) {
	conn := &raw{Conn: in.lis.dial(), wait: make(chan struct{})}
	c, channels, requests, err := ssh.NewClientConn(conn, "", &ssh.ClientConfig{
		User: user, Auth: []ssh.AuthMethod{ssh.Password(password)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
	})
	if err != nil {
		conn.Close()
		return nil, conn, err
	}
	return ssh.NewClient(c, channels, requests), conn, nil
}

func (in *inside) client(user string) (*ssh.Client, *raw) {
	in.t.Helper()
	c, conn, err := in.dial(user, "secret")
	if err != nil {
		in.t.Fatal(err)
	}
	return c, conn
}

// ended answers when, from now on, the connection ends.
func ended(c *ssh.Client) time.Duration {
	begun := time.Now()
	_ = c.Wait()
	return time.Since(begun)
}

func between(t *testing.T, what string, got, least, most time.Duration) {
	t.Helper()
	if got < least || got > most {
		t.Errorf("%s: after %v, not within %v to %v", what, got, least, most)
	}
}

// A stranger who stops at any stage of the login is gone after 20 seconds.
func TestStrangersHave20Seconds(t *testing.T) {
	for _, stage := range []struct {
		name string
		stop func(*testing.T, net.Conn)
	}{
		{"says nothing", func(*testing.T, net.Conn) {}},
		{"one letter a second", func(_ *testing.T, c net.Conn) {
			for {
				if _, err := c.Write([]byte("S")); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}},
		{"says its version only", func(_ *testing.T, c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-slow\r\n") }},
		{"never reads", func(_ *testing.T, c net.Conn) {
			_, _ = io.WriteString(c, "SSH-2.0-slow\r\n")
			time.Sleep(time.Hour)
		}},
		{"stops after the key exchange", func(_ *testing.T, c net.Conn) {
			_, _, _, _ = ssh.NewClientConn(c, "", &ssh.ClientConfig{HostKeyCallback: ssh.InsecureIgnoreHostKey(), Auth: []ssh.AuthMethod{
				ssh.PasswordCallback(func() (string, error) { time.Sleep(time.Hour); return "", errors.New("too late") }),
			}})
		}},
		{"asks for a password for ever", func(_ *testing.T, c net.Conn) {
			_, _, _, _ = ssh.NewClientConn(c, "", &ssh.ClientConfig{HostKeyCallback: ssh.InsecureIgnoreHostKey(), Auth: []ssh.AuthMethod{
				ssh.RetryableAuthMethod(ssh.PasswordCallback(func() (string, error) { time.Sleep(8 * time.Second); return "wrong", nil }), 100),
			}})
		}},
	} {
		t.Run(stage.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in := serveInside(t)
				begun := time.Now()
				conn := in.lis.dial()
				go stage.stop(t, conn)
				gone := func() bool { all, strangers := in.server.crowd.size(); return all == 0 && strangers == 0 }
				for synctest.Wait(); !gone() && time.Since(begun) < time.Minute; synctest.Wait() {
					time.Sleep(100 * time.Millisecond)
				}
				between(t, stage.name, time.Since(begun), 19*time.Second, 21*time.Second)
				conn.Close()
				in.stop()
				time.Sleep(2 * time.Hour) // for those who sleep
			})
		})
	}
}

// staying is a connection whose client does not close it at once, so that what it said arrives.
type staying struct{ net.Conn }

func (staying) Close() error { return nil }

// Whose program is too old is told to the operator, with what it offered, and not more of that than fits.
func TestNoCommonAlgorithm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := serveInside(t)
		defer in.stop()
		conn := in.lis.dial()
		_, _, _, err := ssh.NewClientConn(staying{conn}, "", &ssh.ClientConfig{
			Config: ssh.Config{MACs: []string{ssh.HMACSHA1}, Ciphers: []string{ssh.CipherAES128CTR}}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
		})
		if err == nil {
			t.Error("SHA-1 was taken")
		}
		synctest.Wait()
		if log := in.log.String(); !strings.Contains(log, reasonAlgorithms) || !strings.Contains(log, ssh.HMACSHA1) || len(log) > 2*maxReported {
			t.Errorf("the log says %s", log)
		}
		conn.Close()
	})
}

// A connection that nobody uses ends, though its client answers every keepalive; with a reason, where there is a place.
func TestUnusedConnectionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := serveInside(t)
		defer in.stop()
		c, _ := in.client("anna")
		between(t, "no channel", ended(c), 15*time.Minute, 15*time.Minute+3*time.Second)

		c, _ = in.client("anna")
		if _, err := c.NewSession(); err != nil {
			t.Fatal(err)
		}
		between(t, "a channel without SFTP", ended(c), 15*time.Minute, 15*time.Minute+3*time.Second)

		c, _ = in.client("anna")
		session, err := c.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		stderr, _ := session.StderrPipe()
		in1, _ := session.StdinPipe()
		out, _ := session.StdoutPipe()
		if err := session.RequestSubsystem("sftp"); err != nil {
			t.Fatal(err)
		}
		program, err := sftp.NewClientPipe(out, in1)
		if err != nil {
			t.Fatal(err)
		}
		for range 4 { // asking counts
			time.Sleep(10 * time.Minute)
			if _, err := program.ReadDir("/"); err != nil {
				t.Fatal(err)
			}
		}
		between(t, "SFTP that is silent", ended(c), 15*time.Minute, 15*time.Minute+3*time.Second)
		if words, err := io.ReadAll(stderr); err != nil || !strings.Contains(string(words), "was not used") {
			t.Errorf("the client was told %q, %v", words, err)
		}
		program.Close()
	})
}

// While we owe the client a reply, it is not cut, however long that takes (R32); with open files, it has longer.
func TestWaitingIsNotIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c connection
		c.server = &Server{Config: Config{Idle: time.Minute}}
		c.sessions = map[ssh.Channel]*session{}
		c.pending.hear()
		c.pending.begin()
		time.Sleep(time.Hour)
		if c.unused() {
			t.Error("cut while it waited for us")
		}
		c.pending.end()
		time.Sleep(59 * time.Second)
		if c.unused() {
			t.Error("the time before the reply counted")
		}
		time.Sleep(time.Second)
		if !c.unused() {
			t.Error("not cut")
		}
		s := &session{}
		c.sessions[nil] = s
		s.handles.Add(1)
		if c.unused() {
			t.Error("cut with an open file")
		}
		time.Sleep(3 * time.Minute)
		if !c.unused() {
			t.Error("an open file is for ever")
		}
	})
}

// A slow reply over many minutes keeps the connection, under keepalives every 5 seconds, also for a client that does not
// answer them.
func TestR32_KeepalivesWithoutAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := serveInside(t)
		defer in.stop()
		conn := in.lis.dial()
		c, channels, requests, err := ssh.NewClientConn(conn, "", &ssh.ClientConfig{
			User: "anna", Auth: []ssh.AuthMethod{ssh.Password("secret")}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
		})
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for range channels {
			}
		}()
		heard := 0
		go func() {
			for range requests { // and no answer
				heard++
			}
		}()
		synctest.Wait()
		var ours *connection
		in.server.mu.Lock()
		for _, one := range in.server.conns {
			ours = one
		}
		in.server.mu.Unlock()
		ours.pending.begin()
		time.Sleep(65 * time.Second)
		ours.pending.end()
		synctest.Wait()
		if heard < 10 {
			t.Errorf("%d keepalives in a minute", heard)
		}
		c.Close()
	})
}

// A peer that is gone is asked every 30 seconds, and given up after three answers that did not come.
func TestDeadPeerEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := serveInside(t)
		defer in.stop()
		conn := in.lis.dial()
		quiet := make(chan struct{})
		c, channels, requests, err := ssh.NewClientConn(conn, "", &ssh.ClientConfig{
			User: "anna", Auth: []ssh.AuthMethod{ssh.Password("secret")}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
		})
		if err != nil {
			t.Fatal(err)
		}
		asked := 0
		go func() {
			for range requests {
				asked++
			}
			close(quiet)
		}()
		go func() {
			for range channels {
			}
		}()
		begun := time.Now()
		_ = c.Wait()
		<-quiet
		between(t, "a peer that answers nothing", time.Since(begun), 2*time.Minute, 2*time.Minute+3*time.Second)
		if asked < 3 {
			t.Errorf("asked %d times", asked)
		}
	})
}

// A peer that takes nothing is given up when a write has waited for the stall time. (It is below 30 seconds here: a second
// keepalive would wait for the first one's lock, and in the bubble no time passes while somebody waits for a lock.)
func TestStalledPeerEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := serveInside(t, func(s *Server) { s.Config.Stall = 20 * time.Second })
		defer in.stop()
		c, conn := in.client("anna")
		conn.deaf.Store(true)
		begun := time.Now()
		gone := func() bool { all, _ := in.server.crowd.size(); return all == 0 }
		for !gone() && time.Since(begun) < time.Hour {
			time.Sleep(time.Second)
			synctest.Wait()
		}
		// The read that was waiting takes the first keepalive, after 30 seconds; the second one waits.
		between(t, "a peer that takes nothing", time.Since(begun), 50*time.Second, 85*time.Second)
		close(conn.wait)
		c.Close()
	})
}

// A panic in what runs for a connection ends that connection alone, and is logged with its stack (R36).
func TestR36_PanicEndsOneConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := serveInside(t)
		defer in.stop()
		other, _ := in.client("olga")
		if _, _, err := in.dial("anna", "panic"); err == nil {
			t.Error("a panic at the login let somebody in")
		}
		victim, _ := in.client("anna")
		synctest.Wait()
		in.server.mu.Lock()
		for _, one := range in.server.conns {
			if one != nil && one.principal.GetUserName() == "anna" {
				one.board = nil // the next SFTP session runs into it
			}
		}
		in.server.mu.Unlock()
		session, err := victim.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		_ = session.RequestSubsystem("sftp")
		_ = victim.Wait()
		program, err := sftp.NewClient(other)
		if err != nil {
			t.Log(in.log)
			t.Fatal(err)
		}
		if _, err := program.ReadDir("/"); err != nil {
			t.Error("another connection suffered:", err)
		}
		for _, words := range []string{"a connection panicked", "a bug at the desk", "channel.go", `what="the door"`, "what=sftp"} {
			if !strings.Contains(in.log.String(), words) {
				t.Errorf("the log does not say %q:\n%s", words, in.log)
			}
		}
		program.Close()
		other.Close()
		victim.Close()
	})
}
