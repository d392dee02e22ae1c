package files_test

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
)

// line is the wire between a log and its server. Once armed, it breaks after carrying a message that contains the given
// text and before carrying the answer back: the server has it, and the log cannot know.
type line struct {
	server   string
	mu       sync.Mutex
	text     []byte
	done     func() // called after the message was carried, before the line breaks
	heldBack []byte // a message with this is not carried any more
	broken   bool
	wg       sync.WaitGroup
}

func (l *line) breakAfter(text string, done func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text, l.done = []byte(text), done
}

// breakBetween is breakAfter, with the message that holds the other text held back, also when both are sent in one go.
func (l *line) breakBetween(text, heldBack string, done func()) {
	l.breakAfter(text, done)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heldBack = []byte(heldBack)
}

func (l *line) mustHaveBroken(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.broken {
		t.Fatal("the line did not break")
	}
}

func (l *line) serve(listener net.Listener) {
	defer l.wg.Done()
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", l.server)
		if err != nil {
			client.Close()
			continue
		}
		gate := &gate{to: client}
		l.wg.Add(2)
		go func() {
			defer l.wg.Done()
			defer client.Close()
			io.Copy(gate, server)
		}()
		go func() {
			defer l.wg.Done()
			defer server.Close()
			l.carry(client, server, gate)
		}()
	}
}

func (l *line) carry(client io.Reader, server io.Writer, back *gate) {
	buffer := make([]byte, 256<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		l.mu.Lock()
		cut := l.text != nil && bytes.Contains(buffer[:n], l.text)
		done, part := l.done, buffer[:n]
		if cut {
			if i := bytes.Index(part, l.heldBack); l.heldBack != nil && i >= 0 {
				part = part[:bytes.LastIndex(part[:i], []byte("HPUB "))]
			}
			l.text = nil
			l.broken = true
			back.close()
		}
		l.mu.Unlock()
		if _, err := server.Write(part); err != nil {
			return
		}
		if cut {
			done()
			return
		}
	}
}

// gate swallows everything once it is closed.
type gate struct {
	mu     sync.Mutex
	to     io.Writer
	closed bool
}

func (g *gate) close() { g.mu.Lock(); g.closed = true; g.mu.Unlock() }

func (g *gate) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return len(p), nil
	}
	return g.to.Write(p)
}

// frail answers a story whose log speaks through a line, and a second log that does not.
func (b *bed) frail(t *testing.T) (*story, *files.Log, *line) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{server: b.addr(1)}
	l.wg.Add(1)
	go l.serve(listener)
	conn, err := nats.Connect("nats://"+listener.Addr().String(), nats.UserInfo("filmgate", "test-token"),
		nats.ReconnectBufSize(-1), nats.ReconnectWait(time.Millisecond), nats.ReconnectJitter(0, 0), nats.MaxReconnects(-1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); listener.Close(); l.wg.Wait() })
	s := b.begin(t)
	return s.through(reopen(t, conn)), s.log, l
}

// stored waits until the stream has taken n messages more than it had.
func stored(t *testing.T, nc *nats.Conn, n uint64) func() {
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	last := func() uint64 {
		stream, err := js.Stream(t.Context(), files.Stream)
		if err != nil {
			t.Error(err)
			return 0
		}
		return stream.CachedInfo().State.LastSeq
	}
	want := last() + n
	return func() {
		for last() < want && !t.Failed() {
			time.Sleep(time.Millisecond)
		}
	}
}

func appendWhoseAnswerWasLost(t *testing.T, b *bed) {
	s, _, line := b.frail(t)
	line.breakAfter(".f."+s.album.ID+".", stored(t, s.nc, 1))
	photo := s.land(s.album, "x.jpg", "one")
	line.mustHaveBroken(t)
	if read := s.last(photo); read != photo || photo.Revision != 1 {
		t.Fatalf("landed %+v, the log holds %+v", photo, read)
	}
}

func appendWhoseAnswerWasLostAndThatWasMovedOn(t *testing.T, b *bed) {
	s, steady, line := b.frail(t)
	arrived := stored(t, s.nc, 1)
	moved := make(chan files.Entry, 1)
	line.breakAfter(".f."+s.album.ID+".", func() {
		arrived()
		photo, err := steady.File(t.Context(), s.job, s.album.ID, "x.jpg")
		if err == nil {
			photo, err = steady.Move(t.Context(), files.MoveRequest{From: photo, ToParent: s.album.ID, ToName: "y.jpg"})
		}
		moved <- photo
		if err != nil {
			t.Error(err)
		}
	})
	mine := s.upload(s.album, "x.jpg", "one")
	s.ok(second(s.log.Land(t.Context(), files.Landing{Entry: mine})))
	s.holds(s.album.ID, map[string]string{"y.jpg": mine.Upload}) // and not a second one with the same photo id
	if e := <-moved; s.last(e) != e {
		t.Fatalf("the log holds %+v", s.last(e))
	}
}

// The upload stands elsewhere by now, and its path does not tell any more: whoever asks must not take its object away.
func appendWhoseAnswerWasLostAndWhosePathIsAnothers(t *testing.T, b *bed) {
	for content, kind := range map[string]fault.Kind{"two": fault.Conflict, "one": 0} {
		s, steady, line := b.frail(t)
		arrived := stored(t, s.nc, 1)
		mine, next := s.upload(s.album, "x.jpg", "one"), s.upload(s.album, "x.jpg", content)
		line.breakAfter(".f."+s.album.ID+".", func() {
			arrived()
			photo, err := steady.File(t.Context(), s.job, s.album.ID, "x.jpg")
			if err == nil {
				_, err = steady.Move(t.Context(), files.MoveRequest{From: photo, ToParent: s.album.ID, ToName: "y.jpg"})
			}
			if err == nil {
				_, err = steady.Land(t.Context(), files.Landing{Entry: next})
			}
			if err != nil {
				t.Error(err)
			}
		})
		landed, err := s.log.Land(t.Context(), files.Landing{Entry: mine})
		line.mustHaveBroken(t)
		if kind == 0 && err != nil || kind != 0 && !fault.Is(err, kind) || landed.Unnamed {
			t.Errorf("landed %+v, %v", landed, err)
		}
		s.holds(s.album.ID, map[string]string{"y.jpg": mine.Upload, "x.jpg": next.Upload})
	}
}

func mkdirWhoseAnswerWasLost(t *testing.T, b *bed) {
	s, _, line := b.frail(t)
	line.breakAfter("PUB filmgate.files.", stored(t, s.nc, 1))
	made, err := s.log.Make(t.Context(), files.Entry{Job: s.job, Parent: s.album.ID, Name: "group"})
	line.mustHaveBroken(t)
	s.ok(err)
	s.holds(s.album.ID, map[string]string{"group": made.ID})
}

func removalWhoseAnswerWasLost(t *testing.T, b *bed) {
	s, _, line := b.frail(t)
	photo := s.land(s.album, "x.jpg", "one")
	line.breakAfter(".f."+s.album.ID+".", stored(t, s.nc, 1))
	s.remove(photo)
	line.mustHaveBroken(t)
	s.holds(s.album.ID, nil)
}

func moveWhoseAnswerWasLost(t *testing.T, b *bed) {
	s, _, line := b.frail(t)
	photo := s.land(s.album, "x.jpg", "one")
	line.breakAfter("Nats-Batch-Commit", stored(t, s.nc, 2))
	moved := s.move(photo, s.album, "y.jpg")
	line.mustHaveBroken(t)
	if read := s.last(moved); read != moved {
		t.Fatalf("moved %+v, the log holds %+v", moved, read)
	}
	s.holds(s.album.ID, map[string]string{"y.jpg": photo.Upload})
}

func halfABatchIsNone(t *testing.T, b *bed) {
	s, steady, line := b.frail(t)
	photo := s.land(s.album, "x.jpg", "one")
	// The line breaks with the batch's first message, so its last one never arrives.
	line.breakBetween("Nats-Batch-Sequence: 1\r\n", "Nats-Batch-Commit", func() {
		if all, err := steady.List(t.Context(), s.job, s.album.ID); err != nil || len(all) != 1 || all[0] != photo {
			t.Errorf("while it was moved: %+v, %v", all, err)
		}
	})
	s.move(photo, s.album, "y.jpg")
	s.holds(s.album.ID, map[string]string{"y.jpg": photo.Upload})
}

func TestNoServer(t *testing.T) {
	s := begin(t)
	s.nc.Close()
	_, err := s.log.Land(t.Context(), files.Landing{Entry: s.upload(s.album, "x.jpg", "one")})
	s.is(err, fault.Unavailable, "the server could not save this in time; try again")
	_, err = s.log.File(t.Context(), s.job, s.album.ID, "x.jpg")
	s.is(err, fault.Unavailable, "the server could not be asked in time; try again")
	_, err = s.log.List(t.Context(), s.job, s.album.ID)
	s.is(err, fault.Unavailable, "the folder could not be listed in time; try again")
}
