package albummapper

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/oklog/ulid/v2"
	"pgregory.net/rapid"

	"filmgate.dev/pkg/embednats/natstest"
	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
)

// bus is a real server with every stream.
type bus struct {
	nc  *nats.Conn
	js  jetstream.JetStream
	log *files.Log
}

func startBus(t testing.TB) bus {
	t.Helper()
	_, nc := natstest.Start(t)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(events.Provision(t.Context(), js, 1), files.Provision(t.Context(), js, 1)); err != nil {
		t.Fatal(err)
	}
	log, err := files.Open(nc, files.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return bus{nc: nc, js: js, log: log}
}

var quiet = slog.New(slog.DiscardHandler)

// fatal is what testing.TB and rapid.T share.
type fatal interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// photographer works in one job's tree as clients do, and hears everything that the log says meanwhile.
type photographer struct {
	bus
	job  files.Job
	last uint64 // sequence heard
	said []files.Entry
}

func newPhotographer(t testing.TB, b bus, account string) *photographer {
	t.Helper()
	p := &photographer{bus: b, job: files.Job{Account: account, ID: ulid.Make().String()}}
	stream, err := b.js.Stream(t.Context(), files.Stream)
	if err != nil {
		t.Fatal(err)
	}
	p.last = stream.CachedInfo().State.LastSeq
	return p
}

func (p *photographer) by() files.By {
	return files.By{UserID: "u1", User: "anna", Client: "SSH-2.0-test"}
}

func (p *photographer) make(t testing.TB, parent, name string) (files.Entry, error) {
	return p.log.Make(t.Context(), files.Entry{Job: p.job, JobName: "JOB00001", Parent: parent, Name: name, UserID: "u1", User: "anna"})
}

func (p *photographer) file(folder, name, content string) files.Landing {
	return files.Landing{Entry: files.Entry{
		Job: p.job, JobName: "JOB00001", Parent: folder, Name: name, Upload: ulid.Make().String(), Bytes: int64(len(content)),
		SHA256: fmt.Sprintf("%064x", content), CRC32C: fmt.Sprintf("%08x", len(content)), Integrity: "ok", MediaType: "image/jpeg",
		LandedAt: time.Now().UTC(), UserID: "u1", User: "anna", Client: "SSH-2.0-test",
	}}
}

func (p *photographer) land(t testing.TB, folder, name, content string) (files.Entry, error) {
	landed, err := p.log.Land(t.Context(), p.file(folder, name, content))
	return landed.Entry, err
}

// hear gathers what the log has said since the last time.
func (p *photographer) hear(t testing.TB) {
	stream, err := p.js.Stream(t.Context(), files.Stream)
	if err != nil {
		t.Fatal(err)
	}
	for last := stream.CachedInfo().State.LastSeq; p.last < last; {
		p.last++
		msg, err := stream.GetMsg(t.Context(), p.last)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue // overwritten before anybody could read it
		}
		if err != nil {
			t.Fatal(err)
		}
		e, err := files.Decode(msg.Subject, msg.Data, msg.Sequence)
		if err != nil {
			t.Fatal(err)
		}
		if e.Job == p.job {
			p.said = append(p.said, e)
		}
	}
}

// act does one random thing to the tree. What the log refuses, as it would a client, changes nothing.
func (p *photographer) act(t testing.TB, rt *rapid.T) {
	list := func(folder string) []files.Entry {
		all, err := p.log.List(t.Context(), p.job, folder)
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(all, func(a, b files.Entry) int { return int(a.Sequence) - int(b.Sequence) })
		return all
	}
	albums := list(files.Root)
	folders := slices.Clone(albums)
	var standing []files.Entry
	for _, a := range albums {
		for _, e := range list(a.ID) {
			if e.Folder() {
				folders = append(folders, e)
				standing = append(standing, list(e.ID)...)
				continue
			}
			standing = append(standing, e)
		}
	}
	pick := func(from []files.Entry, what string) files.Entry {
		return from[rapid.IntRange(0, len(from)-1).Draw(rt, what)]
	}
	name := func() string { return rapid.SampledFrom([]string{"a.jpg", "b.jpg", "IMG_10.jpg"}).Draw(rt, "name") }
	albumName := func() string {
		return rapid.SampledFrom([]string{"Class 1", "Class 2", "class 2"}).Draw(rt, "album name")
	}
	content := func() string { return rapid.SampledFrom([]string{"1", "2", "3", "4"}).Draw(rt, "content") }

	var err error
	action := rapid.IntRange(0, 19).Draw(rt, "action")
	switch {
	case len(albums) == 0 || action == 0:
		_, err = p.make(t, files.Root, albumName())
	case action == 1:
		_, err = p.make(t, pick(albums, "album").ID, rapid.SampledFrom([]string{"group", "Einzel", "individuals"}).Draw(rt, "section"))
	case action == 2:
		_, err = p.log.Move(t.Context(), files.MoveRequest{From: pick(albums, "album"), ToParent: files.Root, ToName: albumName(), By: p.by()})
	case action == 3:
		err = p.log.Rmdir(t.Context(), pick(folders, "folder"), p.by())
	case action == 4 && len(folders) > len(albums):
		_, err = p.log.Move(t.Context(), files.MoveRequest{From: pick(folders[len(albums):], "section"), ToParent: pick(albums, "album").ID,
			ToName: rapid.SampledFrom([]string{"group", "individuals"}).Draw(rt, "section"), By: p.by()})
	case action <= 8 || len(standing) == 0:
		_, err = p.land(t, pick(folders, "folder").ID, name(), content())
	case action == 9:
		_, err = p.log.Stage(t.Context(), p.file(pick(folders, "folder").ID, name()+".filepart", content()))
	case action == 10:
		_, err = p.log.Touch(t.Context(), pick(standing, "file"), time.Unix(rapid.Int64Range(1, 9).Draw(rt, "mtime"), 0))
	case action == 11 || action == 12:
		err = p.log.Remove(t.Context(), pick(standing, "file"), p.by())
	case action == 13 && len(p.said) > 0:
		old := pick(p.said, "old")
		if old.Folder() {
			return
		}
		if _, temporary := files.Temporary(old.Name); temporary {
			return
		}
		for _, e := range p.said { // its last word, as the trash has it
			if e.ID == old.ID && e.MovedTo == "" {
				old = e
			}
		}
		// Only what is in nobody's place and nowhere else is in the trash.
		if slices.ContainsFunc(standing, func(e files.Entry) bool { return e.ID == old.ID || e.Upload == old.Upload }) {
			return
		}
		_, err = p.log.Restore(t.Context(), old, p.by())
	default:
		from := pick(standing, "file")
		to := name()
		if action == 14 && from.State == files.StateLanded {
			to = "c.jpg"
		}
		_, err = p.log.Move(t.Context(), files.MoveRequest{From: from, ToParent: pick(folders, "folder").ID, ToName: to,
			Replace: rapid.Bool().Draw(rt, "replace"), Land: from.State == files.StateStaged, By: p.by()})
	}
	if err != nil && (fault.KindOf(err) == fault.Internal || fault.KindOf(err) == fault.Unavailable) {
		t.Fatalf("action %d: %v", action, err)
	}
	p.hear(t)
}
