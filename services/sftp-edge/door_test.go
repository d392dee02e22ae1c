package sftpedge_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"
	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"filmgate.dev/pkg/fault"
	sftpedge "filmgate.dev/services/sftp-edge"
)

// behind connects as a load balancer does that sends this header first.
func (e *edge) behind(header []byte) net.Conn {
	e.t.Helper()
	conn, err := net.Dial("tcp", e.addr)
	must(e.t, err)
	e.t.Cleanup(func() { conn.Close() })
	_, err = conn.Write(header)
	must(e.t, err)
	return conn
}

// login shakes hands over a connection.
func login(conn net.Conn, user string) (*ssh.Client, error) {
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	c, channels, requests, err := ssh.NewClientConn(conn, "", &ssh.ClientConfig{
		User: user, Auth: []ssh.AuthMethod{ssh.Password("secret")}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
	})
	if err != nil {
		return nil, err
	}
	conn.SetDeadline(time.Time{})
	return ssh.NewClient(c, channels, requests), nil
}

// ends waits until the server has closed the connection, and answers what it had said.
func ends(t *testing.T, conn net.Conn) string {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	said, err := io.ReadAll(conn)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection was not closed")
	}
	return string(said)
}

func header(t *testing.T, version byte, from string) []byte {
	source, err := net.ResolveTCPAddr("tcp", from)
	must(t, err)
	to := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 80), Port: 22}
	if source.IP.To4() == nil {
		to.IP = net.ParseIP("2001:db8::80")
	}
	text, err := proxyproto.HeaderProxyFromAddrs(version, source, to).Format()
	must(t, err)
	return text
}

// The header's address is the one that job-status, the audit and the limits see.
func TestProxyProtocol(t *testing.T) {
	e := start(t, func(c *sftpedge.Config) { c.ProxyFrom = []string{"10.0.0.0/8", "127.0.0.1"} })
	for version, from := range map[byte]string{1: "203.0.113.9:4711", 2: "[2001:db8::9]:4712"} {
		client, err := login(e.behind(header(t, version, from)), "anna")
		must(t, err)
		program, err := sftp.NewClient(client)
		must(t, err)
		refused(t, program.Mkdir(fmt.Sprintf("/nowhere%d", version)), "")
		eventually(t, "the refusal is in the audit with the client's address", func() bool {
			e.jobs.mu.Lock()
			defer e.jobs.mu.Unlock()
			for _, event := range e.jobs.audited {
				if event.GetClientAddress() == from {
					return true
				}
			}
			return false
		})
		e.jobs.mu.Lock()
		if asked := e.jobs.from; asked[len(asked)-1] != from {
			t.Errorf("job-status was asked about %q", asked)
		}
		e.jobs.mu.Unlock()
		client.Close()
	}
	local, err := (&proxyproto.Header{Version: 2, Command: proxyproto.LOCAL, TransportProtocol: proxyproto.UNSPEC}).Format()
	must(t, err)
	for name, check := range map[string][]byte{"LOCAL": local, "UNKNOWN": []byte("PROXY UNKNOWN\r\n")} {
		conn := e.behind(check)
		conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		greeting := make([]byte, len("SSH-2.0-"))
		if _, err := io.ReadFull(conn, greeting); err != nil || string(greeting) != "SSH-2.0-" {
			t.Errorf("a health check with %s: %q %v", name, greeting, err)
		}
		conn.Close()
	}
	long := append([]byte("PROXY TCP4 "), bytes.Repeat([]byte("1"), 500)...)
	huge := append(append([]byte("\r\n\r\n\x00\r\nQUIT\n"), 0x21, 0x11, 0xff, 0xff), make([]byte, 70_000)...)
	for name, bad := range map[string][]byte{
		"no header": []byte("SSH-2.0-OpenSSH_9.2\r\n"), "garbage": []byte("\x16\x03\x01\x02\x00\x01\x00\x01"), "endless": long, "huge": huge,
		"no address": []byte("PROXY TCP4 here there 1 2\r\n"), "half": []byte("PROXY TCP4"),
		"a Unix socket": append(append([]byte("\r\n\r\n\x00\r\nQUIT\n"), 0x21, 0x31, 0, 216), make([]byte, 216)...),
	} {
		conn, err := net.Dial("tcp", e.addr)
		must(t, err)
		conn.Write(bad) // the server may be gone before all is written
		if said := ends(t, conn); said != "" {
			t.Errorf("%s: the server answered %q", name, said)
		}
		conn.Close()
	}
}

// A balancer that says nothing blocks nobody else, and has only moments.
func TestSilentBalancer(t *testing.T) {
	e := start(t, func(c *sftpedge.Config) {
		c.ProxyFrom, c.LoginWithin, c.MaxUnauthenticated = []string{"127.0.0.0/8"}, time.Second, "20"
	})
	var silent []net.Conn
	for range 10 {
		silent = append(silent, e.behind(nil))
	}
	client, err := login(e.behind(header(t, 2, "203.0.113.9:1")), "anna")
	must(t, err)
	client.Close()
	for _, conn := range silent {
		if said := ends(t, conn); said != "" {
			t.Errorf("a silent balancer heard %q", said)
		}
	}
}

// From outside the balancers' networks nobody is served; and without such networks no header is believed.
func TestSpoofedProxyHeader(t *testing.T) {
	e := start(t, func(c *sftpedge.Config) { c.ProxyFrom = []string{"10.0.0.0/8"} })
	for _, first := range [][]byte{nil, header(t, 1, "10.0.0.1:1"), header(t, 2, "10.0.0.1:1")} {
		if said := ends(t, e.behind(first)); said != "" {
			t.Errorf("a stranger heard %q", said)
		}
	}
	must(t, e.stop())
	e.run()
	for version := range byte(2) { // one line of text before the greeting is skipped, as the RFC has it; bytes are an error
		if client, err := login(e.behind(header(t, version+1, "10.0.0.1:1")), "anna"); err == nil {
			client.Close()
		}
	}
	e.client("anna")
	e.jobs.mu.Lock()
	defer e.jobs.mu.Unlock()
	for _, from := range e.jobs.from {
		if !strings.HasPrefix(from, "127.0.0.1:") {
			t.Errorf("job-status was asked about %q: the header was believed", from)
		}
	}
}

// Each client behind a balancer has the limits of its own address, whatever their number is together.
func TestLimitsAreOfTheClientsAddress(t *testing.T) {
	e := start(t, func(c *sftpedge.Config) {
		c.ProxyFrom, c.MaxPerAddress, c.MaxUnauthenticatedPerAddress = []string{"127.0.0.1/32"}, 2, 2
	})
	for i, from := range []string{"203.0.113.1:1", "203.0.113.1:2", "203.0.113.2:1", "[2001:db8:0:1::1]:1", "[2001:db8:0:1::2]:1", "[2001:db8:0:2::1]:1"} {
		client, err := login(e.behind(header(t, 2, from)), "anna")
		if err != nil {
			t.Fatalf("%d, from %s: %v", i, from, err)
		}
		t.Cleanup(func() { client.Close() })
	}
	for _, from := range []string{"203.0.113.1:3", "[2001:db8:0:1:2:3:4:5]:1"} {
		if said := ends(t, e.behind(header(t, 2, from))); said != "" {
			t.Errorf("one too many from %s heard %q", from, said)
		}
	}
}

func TestBadSettingsInWords(t *testing.T) {
	keys, err := hostKeys()
	must(t, err)
	for words, cfg := range map[string]sftpedge.Config{
		`"10.0.0.0/33" is not a network`:         {ProxyFrom: []string{"10.0.0.0/33"}},
		`"0.0.0.0/0" would let everybody`:        {ProxyFrom: []string{"0.0.0.0/0"}},
		`is "10:5"; say start:rate:full`:         {MaxUnauthenticated: "10:5"},
		`is "10:101:20"; say start:rate:full`:    {MaxUnauthenticated: "10:101:20"},
		`is "20:30:10"; say start:rate:full`:     {MaxUnauthenticated: "20:30:10"},
		`is "many"; say start:rate:full`:         {MaxUnauthenticated: "many"},
		"FILMGATE_SFTP_USER_BANDWIDTH is 1KiB":   {UserBandwidth: 1 << 10},
		"FILMGATE_SFTP_MEMORY is 1MiB; an edge ": {Memory: 1 << 20},
	} {
		if _, err := sftpedge.New(cfg, sftpedge.Deps{HostKeys: keys}); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), words) {
			t.Errorf("%v does not say %q", err, words)
		}
	}
}

// Who has too many connections reads so, in the program's own way; the connections that there are go on, and when one of
// them ends, there is room at once.
func TestTooManyConnectionsOfOneUser(t *testing.T) {
	e := start(t, func(c *sftpedge.Config) { c.MaxPerUser = 2 })
	const words = "too many connections"
	one := e.client("anna")
	two, err := e.dial("anna")
	must(t, err)
	defer two.Close()
	o := newOpenSSH(t, e)
	if out, err := o.batch("ls"); err == nil || !strings.Contains(out, words) {
		t.Errorf("sftp said %q", out)
	}
	conn, err := e.dial("anna")
	must(t, err)
	var open *ssh.OpenChannelError
	if _, err := sftp.NewClient(conn); !errors.As(err, &open) || open.Reason != ssh.ResourceShortage || !strings.Contains(open.Message, words) {
		t.Errorf("a Go program got %v", err)
	}
	conn.Close()
	t.Run("lftp", func(t *testing.T) {
		need(t, "lftp", "lftp")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		out, err := exec.CommandContext(ctx, "lftp", "-c", fmt.Sprintf(`set sftp:connect-program "ssh -a -x -F /dev/null -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o IdentitiesOnly=yes -i %s/key"; set net:max-retries 1; set net:reconnect-interval-base 1; debug 3; open -u anna,x -p %s sftp://127.0.0.1; ls`, o.home, o.port)).CombinedOutput()
		if err == nil || !strings.Contains(string(out), words) {
			t.Errorf("lftp said %q", out)
		}
	})
	t.Run("psftp", func(t *testing.T) {
		need(t, "psftp", "putty-tools")
		out, err := exec.CommandContext(t.Context(), "psftp", "-batch", "-P", o.port, "-pw", "secret", "-hostkey", ssh.FingerprintSHA256(e.keys[0].PublicKey()), "anna@127.0.0.1").CombinedOutput()
		if err == nil || !strings.Contains(string(out), words) {
			t.Errorf("psftp said %q", out)
		}
	})
	e.client("ulli")
	if _, err := one.ReadDir("/"); err != nil {
		t.Error(err)
	}
	two.Close()
	eventually(t, "there is room again", func() bool {
		conn, err := e.dial("anna")
		if err != nil {
			return false
		}
		defer conn.Close()
		program, err := sftp.NewClient(conn)
		if err != nil {
			return false
		}
		program.Close()
		return true
	})
}

// The default limits let a studio work: three photographers behind one address, each with the most that FileZilla (10) and
// rclone (12) open at once.
func TestDefaultLimitsAreWideEnough(t *testing.T) {
	e := start(t)
	type result struct {
		program *ssh.Client
		err     error
	}
	results := make(chan result)
	n := 0
	for user, connections := range map[string]int{"anna": 12, "ulli": 10, "olga": 12} {
		for range connections {
			n++
			go func() {
				conn, err := e.dial(user)
				if err == nil {
					_, err = sftp.NewClient(conn)
				}
				results <- result{conn, err}
			}()
		}
	}
	for range n {
		r := <-results
		if r.err != nil {
			t.Error(r.err)
			continue
		}
		defer r.program.Close()
	}
}

// Users whose access ends, and those who are connected when the edge stops, read why.
func TestLastWords(t *testing.T) {
	e := start(t)
	program := func() (*ssh.Session, io.Reader) {
		var session *ssh.Session
		eventually(t, "a session", func() bool { // whose access has just ended may meet the end of it once more
			conn, err := e.dial("anna")
			must(t, err)
			t.Cleanup(func() { conn.Close() })
			session, err = conn.NewSession()
			return err == nil
		})
		stderr, err := session.StderrPipe()
		must(t, err)
		stdin, err := session.StdinPipe()
		must(t, err)
		stdout, err := session.StdoutPipe()
		must(t, err)
		must(t, session.RequestSubsystem("sftp"))
		_, err = sftp.NewClientPipe(stdout, stdin)
		must(t, err)
		return session, stderr
	}
	_, stderr := program()
	e.jobs.change(func() { e.jobs.users["anna"].ended = "access was switched off" })
	if said, err := io.ReadAll(stderr); err != nil || !strings.Contains(string(said), "access was switched off") {
		t.Errorf("%q %v", said, err)
	}
	e.jobs.change(func() { e.jobs.users["anna"].ended = "" })
	_, stderr = program()
	go e.stop()
	if said, err := io.ReadAll(stderr); err != nil || !strings.Contains(string(said), "is being restarted") {
		t.Errorf("%q %v", said, err)
	}
}

// A user's bandwidth holds for an upload, which it slows and does not break. (How it is shared: sftpd's own tests.)
func TestUserBandwidth(t *testing.T) {
	e := start(t, func(c *sftpedge.Config) { c.UserBandwidth = 1 << 20 })
	c := e.client("anna")
	must(t, c.Mkdir("/JOB00001/Class 1"))
	begun := time.Now()
	e.put(c, "/JOB00001/Class 1/a.jpg", photo(3<<20, 1))
	if took := time.Since(begun); took < 2*time.Second { // a quarter of a second is lent
		t.Errorf("3 MiB at 1 MiB/s took %v", took)
	}
	e.landed("Class 1/a.jpg", photo(3<<20, 1))
}

// R34: SFTP is all there is. What else SSH can do is refused in words or ignored, and harms nobody who asks.
func TestR34_OnlySFTP(t *testing.T) {
	e := start(t)
	conn, err := e.dial("anna")
	must(t, err)
	defer conn.Close()
	for _, command := range []string{"scp -t /JOB00001", "md5sum", "sha1sum", "echo 'abc' | md5sum", "md5 -r", "rclone md5sum", "df -k /", ""} { // as rclone probes
		session, err := conn.NewSession()
		must(t, err)
		var words bytes.Buffer
		session.Stderr = &words
		session.Setenv("LANG", "C") // ignored
		begin := func() error { return session.Run(command) }
		if command == "" {
			begin = func() error { return errors.Join(session.Shell(), session.Wait()) }
		}
		var exit *ssh.ExitError
		if err := begin(); !errors.As(err, &exit) || exit.ExitStatus() != 1 || !strings.Contains(words.String(), "SFTP only") {
			t.Errorf("%q: %v, %q", command, err, words.String())
		}
		session.Close()
	}
	for _, kind := range []string{"direct-tcpip", "direct-streamlocal@openssh.com", "forwarded-tcpip", "x11", "auth-agent@openssh.com", "tun@openssh.com"} {
		var open *ssh.OpenChannelError
		if _, _, err := conn.OpenChannel(kind, nil); !errors.As(err, &open) || !strings.Contains(open.Message, "only SFTP") {
			t.Errorf("%s: %v", kind, err)
		}
	}
	for _, kind := range []string{"tcpip-forward", "cancel-tcpip-forward", "streamlocal-forward@openssh.com", "no-more-sessions@openssh.com"} {
		if ok, _, err := conn.SendRequest(kind, true, nil); ok || err != nil {
			t.Errorf("%s: %v, %v", kind, ok, err)
		}
	}
	channel, requests, err := conn.OpenChannel("session", nil)
	must(t, err)
	go ssh.DiscardRequests(requests)
	subsystem := func(name string) []byte { return ssh.Marshal(struct{ Name string }{name}) }
	for _, ask := range []struct {
		kind    string
		payload []byte
		granted bool
	}{
		{"pty-req", nil, false}, {"x11-req", nil, false}, {"auth-agent-req@openssh.com", nil, false}, {"env", nil, false},
		{"window-change", nil, false}, {"subsystem", subsystem("netconf"), false}, {"subsystem", []byte{255}, false},
		{"subsystem", subsystem("sftp"), true},
		{"subsystem", subsystem("sftp"), false}, {"exec", subsystem("id"), false}, {"shell", nil, false}, {"signal", subsystem("KILL"), false},
	} {
		if ok, err := channel.SendRequest(ask.kind, true, ask.payload); ok != ask.granted || err != nil {
			t.Errorf("%s %q: %v, %v", ask.kind, ask.payload, ok, err)
		}
	}
	program, err := sftp.NewClientPipe(channel, channel)
	must(t, err)
	if _, err := program.ReadDir("/"); err != nil {
		t.Error("the session suffered:", err)
	}
	e.client("anna") // nobody is banned
	e.jobs.mu.Lock()
	defer e.jobs.mu.Unlock()
	for _, event := range e.jobs.audited {
		t.Errorf("probes are no refusals: %v", event)
	}
}

// One connection cannot open channels without end.
func TestChannelsPerConnection(t *testing.T) {
	e := start(t)
	conn, err := e.dial("anna")
	must(t, err)
	defer conn.Close()
	for n := range 11 {
		_, requests, err := conn.OpenChannel("session", nil)
		if err == nil {
			go ssh.DiscardRequests(requests)
		}
		var open *ssh.OpenChannelError
		if n < 10 && err != nil || n == 10 && (!errors.As(err, &open) || !strings.Contains(open.Message, "too many channels")) {
			t.Errorf("channel %d: %v", n, err)
		}
	}
}
