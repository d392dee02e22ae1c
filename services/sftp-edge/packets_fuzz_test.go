package sftpedge_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"filmgate.dev/pkg/files"
	sftpedge "filmgate.dev/services/sftp-edge"
)

// The packets of SFTP version 3 that a client sends, and two answers.
const (
	fxpInit, fxpVersion, fxpOpen, fxpClose, fxpRead, fxpWrite = 1, 2, 3, 4, 5, 6
	fxpFstat, fxpSetstat, fxpFsetstat, fxpReaddir             = 8, 9, 10, 12
	fxpMkdir, fxpRename, fxpReadlink, fxpSymlink              = 14, 18, 19, 20
	fxpExtended                                               = 200
	fxpStatus                                                 = 101
)

// noise makes packets of a fuzzer's bytes.
type noise struct {
	rest  []byte
	album string
	id    uint32
	tags  map[uint32]byte // the types of the well-formed requests, by id
	wild  bool            // something was no packet at all
}

func (n *noise) next() int {
	if len(n.rest) == 0 {
		return 0
	}
	b := n.rest[0]
	n.rest = n.rest[1:]
	return int(b)
}

func (n *noise) bytes(count int) []byte {
	count = min(count, len(n.rest))
	b := n.rest[:count]
	n.rest = n.rest[count:]
	return b
}

// path is mostly one that means something.
func (n *noise) path() string {
	in := n.album + "/"
	table := []string{
		in + "a.jpg", in + "b.jpg", in + "group/a.jpg", in + "a.jpg.filepart", in + ".in.b.jpg", in + "group", in + "individuals", n.album,
		in + ".DS_Store", in + "a.txt", in + "._x/y", "/", "", ".", "/JOB00001", "/JOB00001/x.jpg", "/nowhere/x", in + "../../..", in + "A\u0308.jpg",
		strings.Repeat("/x", 200),
	}
	if i := n.next(); i < 200 {
		return table[i%len(table)]
	}
	return in + string(n.bytes(n.next()%40))
}

func (n *noise) handle() string {
	if i := n.next(); i < 240 {
		return fmt.Sprint(i % 6) // the server counts from 1
	}
	return string(n.bytes(n.next() % 20))
}

func (n *noise) offset() uint64 {
	switch i := n.next(); {
	case i < 200:
		return uint64(i) * 10
	case i < 248:
		return uint64(i) << 12
	case i < 252:
		return uint64(i) << 16 // up to the second part
	default:
		return []uint64{1 << 40, 1<<63 - 1, 1 << 63, 1<<64 - 1}[i-252]
	}
}

func (n *noise) attrs() []byte {
	flags := uint32(n.next() & 0xf)
	b := binary.BigEndian.AppendUint32(nil, flags)
	if flags&1 != 0 {
		b = binary.BigEndian.AppendUint64(b, n.offset())
	}
	if flags&2 != 0 {
		b = append(b, 0, 0, 0, 1, 0, 0, 0, 2)
	}
	if flags&4 != 0 {
		b = binary.BigEndian.AppendUint32(b, uint32(n.next())<<4)
	}
	if flags&8 != 0 {
		b = binary.BigEndian.AppendUint32(b, uint32(n.next())<<23)
		b = binary.BigEndian.AppendUint32(b, uint32(n.next())<<23)
	}
	return b
}

func text(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

// packet answers the next packet, its length included.
func (n *noise) packet() []byte {
	tag := n.next()
	if tag > 240 { // something that only looks like a packet, or does not
		n.wild = true
		b := n.bytes(n.next())
		if tag > 250 {
			return b
		}
		return text(nil, string(b))
	}
	types := []byte{fxpOpen, fxpOpen, fxpWrite, fxpWrite, fxpClose, fxpClose, fxpRead, 7, fxpFstat, fxpSetstat, fxpFsetstat, 11, fxpReaddir, 13, fxpMkdir, 15, 16, 17,
		fxpRename, fxpReadlink, fxpSymlink, fxpExtended}
	kind := types[tag%len(types)]
	n.id++
	b := binary.BigEndian.AppendUint32([]byte{kind}, n.id)
	switch kind {
	case fxpOpen:
		b = text(b, n.path())
		flags := n.next()
		if flags < 128 {
			flags = 0x1a // as most programs do: write, create, truncate
		}
		b = append(binary.BigEndian.AppendUint32(b, uint32(flags&0x3f)), n.attrs()...)
	case fxpClose, fxpFstat, fxpReaddir:
		b = text(b, n.handle())
	case fxpRead:
		b = binary.BigEndian.AppendUint64(text(b, n.handle()), n.offset())
		b = binary.BigEndian.AppendUint32(b, uint32(n.next())<<8)
	case fxpWrite:
		b = binary.BigEndian.AppendUint64(text(b, n.handle()), n.offset())
		b = text(b, strings.Repeat("x", n.next()))
	case fxpFsetstat:
		b = append(text(b, n.handle()), n.attrs()...)
	case fxpSetstat, fxpMkdir:
		b = append(text(b, n.path()), n.attrs()...)
	case fxpRename, fxpSymlink:
		b = text(text(b, n.path()), n.path())
	case fxpExtended:
		switch n.next() % 3 {
		case 0:
			b = text(text(text(b, "posix-rename@openssh.com"), n.path()), n.path())
		case 1:
			b = text(text(b, "statvfs@openssh.com"), n.path())
		default:
			b = text(b, "nobody@example.com")
		}
	default:
		b = text(b, n.path())
	}
	n.tags[n.id] = kind
	return text(nil, string(b))
}

// answers are what the server said, by the id of the request: the codes of statuses, -1 for anything else.
type answers map[uint32]int

// hear reads answers until the channel ends or there are as many as wanted.
func hear(from io.Reader, want int, asked map[uint32]byte) (answers, error) {
	got := answers{}
	for len(got) < want {
		var size [4]byte
		if _, err := io.ReadFull(from, size[:]); err != nil {
			return got, err
		}
		n := binary.BigEndian.Uint32(size[:])
		if n < 5 || n > 300<<10 {
			return got, fmt.Errorf("an answer of %d bytes", n)
		}
		b := make([]byte, n)
		if _, err := io.ReadFull(from, b); err != nil {
			return got, err
		}
		id, code := binary.BigEndian.Uint32(b[1:]), -1
		if b[0] == fxpStatus && n >= 9 {
			code = int(binary.BigEndian.Uint32(b[5:]))
		}
		if _, twice := got[id]; twice {
			return got, fmt.Errorf("request %d was answered twice", id)
		}
		if asked != nil && asked[id] == 0 {
			return got, fmt.Errorf("an answer to %d, which nobody asked", id)
		}
		got[id] = code
	}
	return got, nil
}

// Whatever packets a logged-in client sends: each request has one answer, nothing stays behind, nothing lands that was not
// closed, and everybody else goes on.
func FuzzPackets(f *testing.F) {
	if racing {
		f.Skip("the SFTP library races with itself when a client uses a handle before it was told of it")
	}
	upload := []byte{0, 0, 0, 0, 2, 1, 0, 200, 2, 1, 20, 200, 4, 1} // open a.jpg, write twice, close handle 1
	f.Add(upload)
	f.Add(upload[:12])                                                                            // not closed
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0, 9, 2, 2, 0, 8, 4, 1, 4, 2})                     // twice the same path
	f.Add([]byte{0, 3, 0, 0, 2, 1, 0, 50, 4, 1, 18, 3, 0, 17, 0})                                 // under a temporary name, then renamed
	f.Add([]byte{0, 0, 0, 0, 2, 1, 250, 50, 2, 1, 0, 50, 4, 1})                                   // a gap
	f.Add([]byte{14, 5, 0, 11, 7, 12, 1, 12, 1, 4, 1, 15, 5, 13, 0, 7, 11, 16, 13, 19, 0})        // folders
	f.Add([]byte{0, 0, 0, 1, 253, 10, 1, 1, 255, 4, 1, 4, 1, 4, 9, 21, 2, 21, 1, 7, 21, 0, 0, 1}) // sizes, closed twice, extensions
	f.Add([]byte{0, 0, 0, 0, 241, 5, 3, 0, 0, 0, 9})                                              // cut in the middle of a packet
	f.Add([]byte{251, 9, 255, 255, 255, 255, 3, 0, 0, 0, 1})                                      // a packet without end
	e := start(f, func(c *sftpedge.Config) { c.MaxFolders = files.Listable / 2 })                 // each input has an album of its own
	conn, err := e.dial("anna")
	must(f, err)
	f.Cleanup(func() { conn.Close() })
	other := e.client("ulli")
	must(f, other.Mkdir("/JOB00001/Class 1"))
	time.Sleep(100 * time.Millisecond) // what is under way from the start is no leak
	quiet := runtime.NumGoroutine() + 30
	var count atomic.Int64
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 2000 {
			return
		}
		here := *e
		here.t = t
		name := fmt.Sprintf("Fuzz %d", count.Add(1))
		n := &noise{rest: data, album: "/JOB00001/" + name, tags: map[uint32]byte{}}
		must(t, other.Mkdir(n.album))
		channel, requests, err := conn.OpenChannel("session", nil)
		must(t, err)
		go ssh.DiscardRequests(requests)
		deadline := time.AfterFunc(30*time.Second, func() { channel.Close() })
		ok, err := channel.SendRequest("subsystem", true, ssh.Marshal(struct{ Name string }{"sftp"}))
		if err != nil || !ok {
			t.Fatal("no SFTP: ", err)
		}
		_, err = channel.Write([]byte{0, 0, 0, 5, fxpInit, 0, 0, 0, 3})
		must(t, err)
		_, err = hear(channel, 1, nil) // VERSION
		must(t, err)
		var stream []byte
		for len(n.rest) > 0 && len(n.tags) < 60 {
			stream = append(stream, n.packet()...)
		}
		var sending sync.WaitGroup
		sending.Go(func() {
			_, _ = channel.Write(stream)
			if n.wild {
				_ = channel.CloseWrite() // the server may wait for the rest of a packet
			}
		})
		want := len(n.tags)
		if n.wild {
			want = 1 << 20
		}
		got, err := hear(channel, want, n.tags)
		_ = channel.Close()
		sending.Wait()
		if !deadline.Stop() {
			t.Fatalf("%d of %d requests were answered in 30 s", len(got), len(n.tags))
		}
		if ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF); err != nil && (!n.wild || !ended) {
			t.Fatalf("%d of %d requests were answered: %v", len(got), len(n.tags), err)
		}
		closed := 0
		for id, kind := range n.tags {
			if code, answered := got[id]; kind == fxpClose && (code == 0 || !answered) {
				closed++
			}
		}
		if _, err := other.Stat(n.album); err != nil && !n.wild && !renames(n.tags) {
			t.Fatal("another session: ", err)
		}
		landed := 0
		if album, err := here.files.Folder(t.Context(), job("JOB00001"), files.Root, name); err == nil {
			landed = here.count(album.ID)
		}
		if landed > closed && !n.wild {
			t.Fatalf("%d files landed, and %d were closed", landed, closed)
		}
		if bytes.Equal(data, upload) && landed != 1 {
			t.Fatalf("a plain upload was answered %v, and %d files landed", got, landed)
		}
		eventually(t, "nothing of the session stays", func() bool { return runtime.NumGoroutine() <= quiet })
	})
}

func renames(tags map[uint32]byte) bool {
	for _, kind := range tags {
		if kind == fxpRename || kind == fxpExtended || kind == 15 {
			return true
		}
	}
	return false
}

// count answers how many files lie in a folder and the folders in it.
func (e *edge) count(folder string) (n int) {
	e.t.Helper()
	list, err := e.files.List(e.t.Context(), job("JOB00001"), folder)
	must(e.t, err)
	for _, entry := range list {
		if entry.Folder() {
			n += e.count(entry.ID)
		} else {
			n++
		}
	}
	return n
}

// Whatever a stranger sends before he has logged in: the door stays open for others.
func FuzzStranger(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), false)
	f.Add([]byte("SSH-1.5-old\r\n"), false)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1, 20}, true)
	f.Add([]byte{0, 0, 0, 12, 10, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, true) // KEXINIT, too short
	f.Add([]byte("\x16\x03\x01\x02\x00\x01"), false)
	e := start(f)
	quiet := 0
	f.Fuzz(func(t *testing.T, data []byte, greets bool) {
		if quiet == 0 {
			quiet = runtime.NumGoroutine() + 30
		}
		conn, err := net.Dial("tcp", e.addr)
		must(t, err)
		must(t, conn.SetDeadline(time.Now().Add(30*time.Second)))
		if greets {
			data = append([]byte("SSH-2.0-fuzz\r\n"), data...)
		}
		_, _ = conn.Write(data) // it may have been hung up on
		_ = conn.(*net.TCPConn).CloseWrite()
		_, err = io.Copy(io.Discard, conn)
		if late := net.Error(nil); errors.As(err, &late) && late.Timeout() {
			t.Error("the server waits for a stranger that has gone")
		}
		conn.Close()
		here := *e
		here.t = t
		good, err := here.dial("anna")
		must(t, err)
		good.Close()
		eventually(t, "nothing of the stranger stays", func() bool { return runtime.NumGoroutine() <= quiet })
	})
}
