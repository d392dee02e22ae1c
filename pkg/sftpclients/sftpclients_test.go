package sftpclients_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"go.uber.org/goleak"

	"filmgate.dev/pkg/sftpclients"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// wire keeps what a program sends, in short: one word for each packet, and one for WRITEs in a row.
type wire struct {
	net.Conn
	mu      sync.Mutex
	rest    []byte
	said    []string
	offsets []int64
	lengths []int
}

func (w *wire) Write(b []byte) (int, error) {
	w.mu.Lock()
	w.rest = append(w.rest, b...)
	for len(w.rest) >= 4 && len(w.rest) >= int(binary.BigEndian.Uint32(w.rest))+4 {
		n := int(binary.BigEndian.Uint32(w.rest)) + 4
		w.packet(w.rest[4:n])
		w.rest = w.rest[n:]
	}
	w.mu.Unlock()
	return w.Conn.Write(b)
}

func (w *wire) packet(p []byte) {
	kind, body := p[0], p[5:]
	text := func() string {
		n := binary.BigEndian.Uint32(body)
		s := string(body[4 : 4+n])
		body = body[4+n:]
		return s
	}
	switch kind {
	case 1:
	case 3:
		name := text()
		w.said = append(w.said, fmt.Sprintf("open %s %02x", name, binary.BigEndian.Uint32(body)))
	case 4:
		w.said = append(w.said, "close")
	case 6:
		text()
		w.offsets = append(w.offsets, int64(binary.BigEndian.Uint64(body)))
		w.lengths = append(w.lengths, len(body)-12)
		if w.said[len(w.said)-1] != "write" {
			w.said = append(w.said, "write")
		}
	case 8:
		w.said = append(w.said, "fstat")
	case 10:
		text()
		w.said = append(w.said, fmt.Sprintf("fsetstat %x", binary.BigEndian.Uint32(body)))
	case 12:
		w.said = append(w.said, "readdir")
	case 200:
		extension, from := text(), text()
		w.said = append(w.said, extension+" "+from+" "+text())
	case 18:
		from := text()
		w.said = append(w.said, "rename "+from+" "+text())
	default:
		names := map[byte]string{7: "lstat", 9: "setstat", 11: "opendir", 13: "remove", 14: "mkdir", 16: "realpath", 17: "stat"}
		w.said = append(w.said, names[kind]+" "+text())
	}
}

// heard answers what was sent since the last time.
func (w *wire) heard() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := strings.Join(w.said, ", ")
	w.said, w.offsets, w.lengths = nil, nil, nil
	return s
}

// connect starts a session with pkg/sftp's server that keeps its files in memory, and answers a client of that library's to
// look at them with.
func connect(t *testing.T) (*sftpclients.Conn, *wire, *sftp.Client) {
	t.Helper()
	handlers := sftp.InMemHandler()
	serve := func() net.Conn {
		here, there := net.Pipe()
		server := sftp.NewRequestServer(there, handlers)
		served := make(chan struct{})
		go func() { defer close(served); server.Serve() }()
		t.Cleanup(func() { here.Close(); <-served })
		return here
	}
	plain := serve()
	look, err := sftp.NewClientPipe(plain, plain)
	must(t, err)
	t.Cleanup(func() { look.Close() })
	w := &wire{Conn: serve()}
	c, err := sftpclients.New(t.Context(), w)
	must(t, err)
	t.Cleanup(func() { c.Close() })
	must(t, look.Mkdir("/d"))
	return c, w, look
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func content(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i>>16) ^ byte(i>>8) ^ byte(i)
	}
	return string(b)
}

func stored(t *testing.T, c *sftp.Client, name string) string {
	t.Helper()
	f, err := c.Open(name)
	must(t, err)
	defer f.Close()
	var b bytes.Buffer
	_, err = io.Copy(&b, f)
	must(t, err)
	return b.String()
}

// Each program's packets, and the bytes that they come to.
func TestPackets(t *testing.T) {
	large, small := content(300_000), content(20_000)
	for _, test := range []struct {
		program string
		put     func(*sftpclients.Conn, sftpclients.File, string) error
		content string
		again   bool // something stands there already
		want    string
		lengths []int // of the WRITEs, without the last
	}{
		{"WinSCP", (*sftpclients.Conn).PutWinSCP, large, false,
			"stat /d/a.jpg, open /d/a.jpg.filepart 1a, write, close, rename /d/a.jpg.filepart /d/a.jpg, setstat /d/a.jpg", []int{32768 - 25 - 1}},
		{"WinSCP", (*sftpclients.Conn).PutWinSCP, large, true,
			"stat /d/a.jpg, open /d/a.jpg.filepart 1a, write, close, remove /d/a.jpg, rename /d/a.jpg.filepart /d/a.jpg, setstat /d/a.jpg", nil},
		{"WinSCP", (*sftpclients.Conn).PutWinSCP, small, false, "open /d/a.jpg 2a, write, close, setstat /d/a.jpg", nil},
		{"WinSCP", (*sftpclients.Conn).ResumeWinSCP, large, false,
			"stat /d/a.jpg.filepart, stat /d/a.jpg, open /d/a.jpg.filepart 1a, write, close, rename /d/a.jpg.filepart /d/a.jpg, setstat /d/a.jpg", nil},
		{"FileZilla", (*sftpclients.Conn).PutFileZilla, large, false,
			"realpath /d, opendir /d, close, open /d/a.jpg 1a, write, close, realpath /d/a.jpg, stat /d/a.jpg, setstat /d/a.jpg", []int{16384}},
		{"ssh2 fastPut", func(c *sftpclients.Conn, f sftpclients.File, name string) error { return c.FastPut(f, name, 1) }, large, false,
			"open /d/a.jpg 1a, write, close", []int{31952, 816}},
		{"ssh2 stream", (*sftpclients.Conn).PutStream, large, false, "open /d/a.jpg 1a, fsetstat 4, write, close", []int{31952, 1632}},
		{"a camera", (*sftpclients.Conn).PutCamera, large, true, "stat /d, open /d/a.jpg 1a, write, close", []int{32768}},
		{"scp", (*sftpclients.Conn).PutSCP, large, false, "open /d/a.jpg 0a, write, fsetstat 1, fsetstat 8, close", []int{32768}},
		{"rclone", func(c *sftpclients.Conn, f sftpclients.File, name string) error { return c.PutRclone(c, f, name) }, large, true,
			"open /d/a.jpg.5f0c9a1e.partial 1a, write, close, setstat /d/a.jpg.5f0c9a1e.partial, stat /d/a.jpg.5f0c9a1e.partial, " +
				"posix-rename@openssh.com /d/a.jpg.5f0c9a1e.partial /d/a.jpg", []int{32768}},
		{"Cyberduck", (*sftpclients.Conn).PutCyberduck, large, true,
			"open /d/a.jpg-0b9e1c52-7d7d-4f0a-9c3e-2f6d1f2a4b11 1a, write, close, stat /d/a.jpg, remove /d/a.jpg, " +
				"rename /d/a.jpg-0b9e1c52-7d7d-4f0a-9c3e-2f6d1f2a4b11 /d/a.jpg, setstat /d/a.jpg", nil},
	} {
		t.Run(test.program, func(t *testing.T) {
			c, w, look := connect(t)
			if test.again {
				f, err := look.Create("/d/a.jpg")
				must(t, err)
				must(t, f.Close())
			}
			f := sftpclients.Text(test.content)
			f.Modified = time.Unix(1_700_000_000, 0)
			must(t, test.put(c, f, "/d/a.jpg"))
			if lengths := slices.Compact(slices.Sorted(slices.Values(w.lengths))); test.lengths != nil {
				for _, n := range test.lengths {
					if !slices.Contains(lengths, n) {
						t.Errorf("no WRITE of %d bytes: %v", n, lengths)
					}
				}
				if len(lengths) > len(test.lengths)+1 {
					t.Errorf("the WRITEs are of %v bytes", lengths)
				}
			}
			if got := w.heard(); got != test.want {
				t.Errorf("sent:\n%s\nwant:\n%s", got, test.want)
			}
			if stored(t, look, "/d/a.jpg") != test.content {
				t.Error("other bytes arrived")
			}
		})
	}
}

func TestFastPutIsOutOfOrder(t *testing.T) {
	c, w, look := connect(t)
	all := content(10<<20 + 17)
	must(t, c.FastPut(sftpclients.Text(all), "/d/a.jpg", 7))
	if at := slices.Index(w.offsets, 0); at < 8 {
		t.Errorf("the beginning is WRITE number %d", at)
	}
	out, expected := 0, int64(0)
	for i, off := range w.offsets {
		if off != expected {
			out++
		}
		expected = off + int64(w.lengths[i])
	}
	if out < len(w.offsets)*9/10 {
		t.Errorf("%d of %d WRITEs are out of order", out, len(w.offsets))
	}
	if stored(t, look, "/d/a.jpg") != all {
		t.Error("other bytes arrived")
	}
	for _, size := range []int{0, 1, 816, 32 << 10, 32<<10 + 1, 9 * 32 << 10} {
		must(t, c.FastPut(sftpclients.Text(all[:size]), "/d/b.jpg", 1))
		if stored(t, look, "/d/b.jpg") != all[:size] {
			t.Errorf("%d bytes arrived as others", size)
		}
	}
}

// What was written before a break is not written again.
func TestResume(t *testing.T) {
	all := content(400_000)
	for _, test := range []struct {
		program     string
		put, resume func(*sftpclients.Conn, sftpclients.File, string) error
		partial     string
		want        string
	}{
		{"WinSCP", (*sftpclients.Conn).PutWinSCP, (*sftpclients.Conn).ResumeWinSCP, "/d/a.jpg.filepart",
			"stat /d/a.jpg.filepart, stat /d/a.jpg, open /d/a.jpg.filepart 0a, write, close, rename /d/a.jpg.filepart /d/a.jpg"},
		{"FileZilla", (*sftpclients.Conn).PutFileZilla, (*sftpclients.Conn).ResumeFileZilla, "/d/a.jpg",
			"realpath /d, opendir /d, close, open /d/a.jpg 02, fstat, write, close"},
	} {
		t.Run(test.program, func(t *testing.T) {
			c, w, look := connect(t)
			f, err := look.Create(test.partial)
			must(t, err)
			_, err = f.Write([]byte(all[:123_456]))
			must(t, err)
			must(t, f.Close())
			must(t, test.resume(c, sftpclients.Text(all), "/d/a.jpg"))
			if w.offsets[0] != 123_456 {
				t.Errorf("the first WRITE is at %d", w.offsets[0])
			}
			if got := w.heard(); got != test.want {
				t.Errorf("sent:\n%s\nwant:\n%s", got, test.want)
			}
			if stored(t, look, "/d/a.jpg") != all {
				t.Error("other bytes arrived")
			}
			c.BreakAfter(200_000)
			if err := test.put(c, sftpclients.Text(all), "/d/b.jpg"); !errors.Is(err, sftpclients.ErrBroken) {
				t.Error(err)
			}
			if sent := len(w.offsets); sent == 0 || sent > 200_000/16_384 {
				t.Errorf("%d WRITEs were sent before the break", sent)
			}
		})
	}
}

func TestListFileZilla(t *testing.T) {
	c, w, look := connect(t)
	for i := range 150 { // more than one READDIR answers
		f, err := look.Create(fmt.Sprintf("/d/%03d.jpg", i))
		must(t, err)
		must(t, f.Close())
	}
	names, err := c.ListFileZilla("/d")
	must(t, err)
	if slices.Sort(names); len(names) != 150 || names[149] != "149.jpg" {
		t.Error(len(names), names)
	}
	if got := w.heard(); got != "opendir /d, "+strings.Repeat("readdir, ", 4)+"close" {
		t.Error(got)
	}
	_, err = c.ListFileZilla("/e")
	if !sftpclients.NotFound(err) {
		t.Error(err)
	}
}

// The server's words are the error, and what it does not answer ends with the context.
func TestErrors(t *testing.T) {
	c, _, _ := connect(t)
	var status *sftpclients.Status
	err := c.PutSCP(sftpclients.Text("x"), "/nowhere/a.jpg")
	if !errors.As(err, &status) || status.Code != 2 || status.Text == "" || !strings.Contains(err.Error(), status.Text) {
		t.Error(err)
	}
	here, there := net.Pipe()
	defer there.Close()
	go func() {
		io.ReadFull(there, make([]byte, 9))
		there.Write([]byte{0, 0, 0, 5, 2, 0, 0, 0, 3})
		io.Copy(io.Discard, there)
	}()
	ctx, cancel := context.WithCancelCause(t.Context())
	silent, err := sftpclients.New(ctx, here)
	must(t, err)
	defer silent.Close()
	enough := errors.New("enough")
	time.AfterFunc(10*time.Millisecond, func() { cancel(enough) })
	if err := silent.PutCamera(sftpclients.Text("x"), "/a.jpg"); !errors.Is(err, enough) {
		t.Error(err)
	}
}
