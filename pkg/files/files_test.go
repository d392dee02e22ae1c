package files_test

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/oklog/ulid/v2"
	"go.uber.org/goleak"

	"filmgate.dev/pkg/embednats/natstest"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var by = files.By{UserID: "U1", User: "anna", Client: "SSH-2.0-test"}

func open(t testing.TB) (*files.Log, *nats.Conn) {
	t.Helper()
	_, nc := natstest.Start(t)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if err := files.Provision(t.Context(), js, 1); err != nil {
		t.Fatal(err)
	}
	return reopen(t, nc), nc
}

func reopen(t testing.TB, nc *nats.Conn) *files.Log {
	t.Helper()
	log, err := files.Open(nc, files.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// story is one job with an album, told step by step: a step that fails ends the test.
type story struct {
	t     testing.TB
	nc    *nats.Conn
	log   *files.Log
	job   files.Job
	album files.Entry
	clock int
}

func begin(t testing.TB) *story {
	log, nc := open(t)
	s := &story{t: t, nc: nc, log: log, job: files.Job{Account: "demo", ID: ulid.Make().String()}}
	s.album = s.mkdir(files.Root, "Class 1")
	return s
}

func (s *story) mkdir(parent, name string) files.Entry {
	s.t.Helper()
	e, err := s.log.Make(s.t.Context(), files.Entry{Job: s.job, JobName: "JOB00001", Parent: parent, Name: name, User: by.User})
	s.ok(err)
	return e
}

// upload answers a file as an edge would describe it at CLOSE. Later uploads have later ids.
func (s *story) upload(folder files.Entry, name, content string) files.Entry {
	s.clock++
	sum := sha256.Sum256([]byte(content))
	return files.Entry{
		Job: s.job, JobName: "JOB00001", Parent: folder.ID, Name: name,
		Upload: ulid.MustNew(uint64(s.clock), nil).String(),
		Bytes:  int64(len(content)), SHA256: hex.EncodeToString(sum[:]), CRC32C: "00000000",
		UserID: by.UserID, User: by.User, Client: by.Client,
	}
}

func (s *story) land(folder files.Entry, name, content string) files.Entry {
	s.t.Helper()
	landed, err := s.log.Land(s.t.Context(), files.Landing{Entry: s.upload(folder, name, content)})
	s.ok(err)
	return landed.Entry
}

func (s *story) stage(folder files.Entry, name, content string) files.Entry {
	s.t.Helper()
	staged, err := s.log.Stage(s.t.Context(), files.Landing{Entry: s.upload(folder, name, content)})
	s.ok(err)
	return staged.Entry
}

func (s *story) remove(e files.Entry) {
	s.t.Helper()
	s.ok(s.log.Remove(s.t.Context(), e, by))
}

func (s *story) move(e files.Entry, to files.Entry, name string) files.Entry {
	s.t.Helper()
	moved, err := s.log.Move(s.t.Context(), files.MoveRequest{From: e, ToParent: to.ID, ToName: name, By: by})
	s.ok(err)
	return moved
}

func (s *story) last(e files.Entry) files.Entry {
	s.t.Helper()
	last, err := s.log.Last(s.t.Context(), e.Subject)
	s.ok(err)
	return last
}

// holds checks what a folder holds: name → upload id, or folder id.
func (s *story) holds(folder string, want map[string]string) {
	s.t.Helper()
	entries, err := s.log.List(s.t.Context(), s.job, folder)
	s.ok(err)
	got := map[string]string{}
	for _, e := range entries {
		got[e.Name] = e.Upload
		if e.Folder() {
			got[e.Name] = e.ID
		}
	}
	if len(got) != len(want) || len(entries) != len(want) {
		s.t.Fatalf("folder holds %v, want %v", got, want)
	}
	for name := range want {
		if got[name] != want[name] {
			s.t.Fatalf("folder holds %v, want %v", got, want)
		}
	}
}

func (s *story) ok(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *story) is(err error, kind fault.Kind, words string) {
	s.t.Helper()
	if !fault.Is(err, kind) {
		s.t.Fatalf("error %v is %v, want %v", err, fault.KindOf(err), kind)
	}
	if got := fault.Message(err); got != words {
		s.t.Fatalf("error says %q, want %q", got, words)
	}
}

func TestFolderTree(t *testing.T) {
	s := begin(t)
	group := s.mkdir(s.album.ID, "Gruppe")
	if group.Section != files.SectionGroup {
		t.Fatalf("Gruppe is section %q", group.Section)
	}
	s.holds(files.Root, map[string]string{"Class 1": s.album.ID})
	photo := s.land(group, "x.jpg", "one")
	s.holds(s.album.ID, map[string]string{"Gruppe": group.ID})
	s.holds(group.ID, map[string]string{"x.jpg": photo.Upload})

	again, err := s.log.Folder(t.Context(), s.job, files.Root, " CLASS 1 ")
	s.ok(err)
	if again.ID != s.album.ID {
		t.Fatal("an album does not match whatever its case and spaces")
	}
	again, err = s.log.Folder(t.Context(), s.job, s.album.ID, "GROUP")
	s.ok(err)
	if again.ID != group.ID {
		t.Fatal("an alias is another folder")
	}
	read, err := s.log.File(t.Context(), s.job, group.ID, "x.jpg")
	s.ok(err)
	if read != photo {
		t.Fatalf("read %+v, want %+v", read, photo)
	}
	_, err = s.log.File(t.Context(), s.job, group.ID, "X.jpg")
	s.is(err, fault.NotFound, `there is no "X.jpg" here`)
}

func TestTouchKeepsEverythingElse(t *testing.T) {
	s := begin(t)
	photo := s.land(s.album, "x.jpg", "one")
	mtime := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	touched, err := s.log.Touch(t.Context(), photo, mtime)
	s.ok(err)
	again, err := s.log.Touch(t.Context(), photo, mtime) // read before the first one
	s.ok(err)
	if again != touched {
		t.Fatalf("the same mtime was appended twice: %+v, then %+v", touched, again)
	}
	want := photo
	want.ModifiedAt, want.Revision, want.Sequence = mtime, 2, touched.Sequence
	if touched != want {
		t.Fatalf("touched %+v, want %+v", touched, want)
	}
}
