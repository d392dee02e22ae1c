package files_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/oklog/ulid/v2"
	"pgregory.net/rapid"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
)

// spot is a path as the model knows it: album name, section name or "", file name or "".
type spot struct{ album, section, file string }

func (s spot) folder() spot { return spot{s.album, s.section, ""} }

func (s spot) String() string { return strings.Trim(s.album+"/"+s.section+"/"+s.file, "/") }

type modelFile struct{ photo, upload, content string }

// model is what a folder tree is, with none of the log's means: maps.
type model struct {
	folders map[spot]bool
	files   map[spot]modelFile
}

var (
	albums   = []string{"A", "B"}
	sections = []string{"", "group", "individuals"}
	names    = []string{"x.jpg", "y.jpg"}
)

func drawSpot(t *rapid.T, label string) spot {
	return spot{rapid.SampledFrom(albums).Draw(t, label+" album"), rapid.SampledFrom(sections).Draw(t, label+" section"), rapid.SampledFrom(names).Draw(t, label+" name")}
}

// world is one job seen through several logs.
type world struct {
	t     failer
	test  *testing.T
	nc    *nats.Conn
	logs  []*files.Log
	job   files.Job
	mu    sync.Mutex
	clock int
}

// failer is a test, or a run of one.
type failer interface {
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// newWorld answers a job of its own, seen through a log for each connection.
func newWorld(test *testing.T, t failer, conns ...*nats.Conn) *world {
	w := &world{t: t, test: test, nc: conns[0], job: files.Job{Account: "demo", ID: ulid.Make().String()}}
	for _, nc := range conns {
		w.logs = append(w.logs, reopen(test, nc))
	}
	return w
}

// upload answers ids in the order in which they are asked for.
func (w *world) upload() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock++
	return ulid.MustNew(uint64(w.clock), nil).String()
}

// find resolves a folder by its names.
func (w *world) find(log *files.Log, s spot) (files.Entry, error) {
	e, err := log.Folder(w.test.Context(), w.job, files.Root, s.album)
	if err == nil && s.section != "" {
		e, err = log.Folder(w.test.Context(), w.job, e.ID, s.section)
	}
	return e, err
}

func (w *world) mkdir(log *files.Log, s spot) error {
	parent := files.Entry{ID: files.Root}
	name := s.album
	if s.section != "" {
		var err error
		if parent, err = w.find(log, spot{album: s.album}); err != nil {
			return err
		}
		name = s.section
	}
	_, err := log.Make(w.test.Context(), files.Entry{Job: w.job, Parent: parent.ID, Name: name})
	return err
}

func (w *world) rmdir(log *files.Log, s spot) error {
	e, err := w.find(log, s)
	if err != nil {
		return err
	}
	return log.Rmdir(w.test.Context(), e, by)
}

func (w *world) land(log *files.Log, s spot, content string) (files.Landed, error) {
	upload := w.upload() // OPEN
	folder, err := w.find(log, s)
	if err != nil {
		return files.Landed{}, err
	}
	return log.Land(w.test.Context(), files.Landing{Entry: files.Entry{
		Job: w.job, Parent: folder.ID, Name: s.file, Upload: upload, Bytes: 1, SHA256: strings.Repeat(content, 64),
	}})
}

func (w *world) file(log *files.Log, s spot) (files.Entry, error) {
	folder, err := w.find(log, s)
	if err != nil {
		return files.Entry{}, err
	}
	return log.File(w.test.Context(), w.job, folder.ID, s.file)
}

func (w *world) remove(log *files.Log, s spot) (files.Entry, error) {
	e, err := w.file(log, s)
	if err != nil {
		return e, err
	}
	return e, log.Remove(w.test.Context(), e, by)
}

func (w *world) rename(log *files.Log, from, to spot, replace bool) (files.Entry, error) {
	e, err := w.file(log, from)
	if err != nil {
		return e, err
	}
	folder, err := w.find(log, to)
	if err != nil {
		return e, err
	}
	return log.Move(w.test.Context(), files.MoveRequest{From: e, ToParent: folder.ID, ToName: to.file, Replace: replace, By: by})
}

func (w *world) renameAlbum(log *files.Log, from, to string) error {
	e, err := w.find(log, spot{album: from})
	if err != nil {
		return err
	}
	_, err = log.Move(w.test.Context(), files.MoveRequest{From: e, ToParent: files.Root, ToName: to, By: by})
	return err
}

// tree reads everything from the top, through one log, and checks what must hold of every tree.
func (w *world) tree(log *files.Log) model {
	m := model{folders: map[spot]bool{}, files: map[spot]modelFile{}}
	photos, folderIDs := map[string]spot{}, map[string]spot{}
	var walk func(id string, at spot)
	walk = func(id string, at spot) {
		entries, err := log.List(w.test.Context(), w.job, id)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, e := range entries {
			here := at
			switch e.Kind {
			case files.KindAlbum:
				here.album = e.Name
			case files.KindSection:
				here.section = e.Name
			default:
				here.file = e.Name
			}
			if e.Folder() {
				if e.State != files.StateLanded {
					w.t.Fatalf("%v is left %s", here, e.State)
				}
				if other, twice := folderIDs[e.ID]; twice {
					w.t.Fatalf("folder %s is at %v and at %v", e.ID, other, here)
				}
				folderIDs[e.ID] = here
				m.folders[here] = true
				walk(e.ID, here)
				continue
			}
			if other, twice := photos[e.ID]; twice {
				w.t.Fatalf("photo %s is at %v and at %v", e.ID, other, here)
			}
			photos[e.ID] = here
			m.files[here] = modelFile{e.ID, e.Upload, e.SHA256[:1]}
		}
	}
	walk(files.Root, spot{})
	if reached, live := len(m.files)+len(m.folders), w.live(log); reached != live {
		w.t.Fatalf("%d entries are live, %d can be reached: %v", live, reached, m)
	}
	return m
}

// live counts the job's entries without walking from folder to folder.
func (w *world) live(log *files.Log) (n int) {
	js, err := jetstream.New(w.nc)
	if err != nil {
		w.t.Fatal(err)
	}
	stream, err := js.Stream(w.test.Context(), files.Stream)
	if err != nil {
		w.t.Fatal(err)
	}
	info, err := stream.Info(w.test.Context(), jetstream.WithSubjectFilter("filmgate.files.v1.demo."+w.job.ID+".>"))
	if err != nil {
		w.t.Fatal(err)
	}
	for subject := range info.State.Subjects {
		e, err := log.Last(w.test.Context(), subject)
		if err != nil {
			w.t.Fatal(err)
		}
		if !e.Gone() {
			n++
		}
	}
	return n
}

func (m model) holds(s spot) bool {
	for f := range m.folders {
		if s.section == "" && f.album == s.album && f.section != "" {
			return true
		}
	}
	for f := range m.files {
		if f.folder() == s {
			return true
		}
	}
	return false
}

// One after the other, through any of three logs, the log does exactly what the model does.
func TestModel(t *testing.T) {
	_, nc := open(t)
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, rt, nc, nc, nc)
		m := model{folders: map[spot]bool{}, files: map[spot]modelFile{}}
		log := func() *files.Log { return w.logs[rapid.IntRange(0, 2).Draw(rt, "log")] }
		expect := func(what string, err error, kinds ...fault.Kind) {
			rt.Helper()
			if len(kinds) == 0 && err != nil || len(kinds) > 0 && (err == nil || !slices.Contains(kinds, fault.KindOf(err))) {
				rt.Fatalf("%s: %v, want %v", what, err, kinds)
			}
		}
		missing := func(spots ...spot) bool {
			for _, s := range spots {
				if s.file != "" {
					if _, ok := m.files[s]; !ok {
						return true
					}
				} else if !m.folders[s] {
					return true
				}
			}
			return false
		}
		look := func(rt *rapid.T) {
			got := w.tree(w.logs[0])
			if !maps.Equal(got.folders, m.folders) || !maps.Equal(got.files, m.files) {
				rt.Fatalf("the log holds %v, the model %v", got, m)
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"mkdir": func(rt *rapid.T) {
				s := drawSpot(rt, "dir").folder()
				err := w.mkdir(log(), s)
				switch {
				case s.section != "" && missing(spot{album: s.album}):
					expect("mkdir in nothing", err, fault.NotFound)
				case m.folders[s]:
					expect("mkdir twice", err, fault.Exists)
				default:
					expect("mkdir", err)
					m.folders[s] = true
				}
			},
			"rmdir": func(rt *rapid.T) {
				s := drawSpot(rt, "dir").folder()
				err := w.rmdir(log(), s)
				switch {
				case missing(s):
					expect("rmdir of nothing", err, fault.NotFound)
				case m.holds(s):
					expect("rmdir of a full folder", err, fault.Invalid)
				default:
					expect("rmdir", err)
					delete(m.folders, s)
				}
			},
			"land": func(rt *rapid.T) {
				s, content := drawSpot(rt, "file"), rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "content")
				landed, err := w.land(log(), s, content)
				if missing(s.folder()) {
					expect("land in nothing", err, fault.NotFound)
					return
				}
				expect("land", err)
				old, there := m.files[s]
				switch {
				case there && old.content == content:
					if !landed.Unchanged {
						rt.Fatalf("same bytes made %+v", landed)
					}
				case there:
					m.files[s] = modelFile{old.photo, landed.Entry.Upload, content}
				default:
					m.files[s] = modelFile{landed.Entry.Upload, landed.Entry.Upload, content}
				}
			},
			"remove": func(rt *rapid.T) {
				s := drawSpot(rt, "file")
				_, err := w.remove(log(), s)
				if missing(s.folder(), s) {
					expect("remove of nothing", err, fault.NotFound)
					return
				}
				expect("remove", err)
				delete(m.files, s)
			},
			"rename": func(rt *rapid.T) {
				from, to, replace := drawSpot(rt, "from"), drawSpot(rt, "to"), rapid.Bool().Draw(rt, "replace")
				_, err := w.rename(log(), from, to, replace)
				switch {
				case missing(from.folder(), from, to.folder()):
					expect("rename of nothing", err, fault.NotFound)
				case from == to:
					expect("rename to itself", err)
				case !missing(to) && !replace:
					expect("rename onto a file", err, fault.Exists)
				default:
					expect("rename", err)
					m.files[to] = m.files[from]
					delete(m.files, from)
				}
			},
			"rename album": func(rt *rapid.T) {
				from, to := rapid.SampledFrom(albums).Draw(rt, "from"), rapid.SampledFrom(albums).Draw(rt, "to")
				err := w.renameAlbum(log(), from, to)
				switch {
				case missing(spot{album: from}):
					expect("rename of no album", err, fault.NotFound)
				case from == to:
					expect("rename to itself", err)
				case !missing(spot{album: to}):
					expect("rename onto an album", err, fault.Exists)
				default:
					expect("rename album", err)
					for s := range maps.Clone(m.folders) {
						if s.album == from {
							delete(m.folders, s)
							m.folders[spot{to, s.section, ""}] = true
						}
					}
					for s, f := range maps.Clone(m.files) {
						if s.album == from {
							delete(m.files, s)
							m.files[spot{to, s.section, s.file}] = f
						}
					}
				}
			},
			"look": look,
		})
		look(rt)
	})
}

// All at once, through logs of their own, sessions do what they like: the tree stays a tree, and what one was told is
// safe is there until somebody was told that it is gone.
func TestConcurrentSessions(t *testing.T) {
	_, nc := open(t)
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, rt, nc, nc, nc)
		for _, s := range []spot{{"A", "", ""}, {"A", "group", ""}, {"B", "", ""}} {
			if rapid.Bool().Draw(rt, "made before: "+s.String()) {
				_ = w.mkdir(w.logs[0], s) // a section of no album is not made
			}
		}
		var mu sync.Mutex
		told, gone := map[string]spot{}, map[string]bool{} // by upload id
		note := func(landed string, at spot, over ...string) {
			mu.Lock()
			defer mu.Unlock()
			if landed != "" {
				told[landed] = at
			}
			for _, upload := range over {
				gone[upload] = true
			}
		}
		var sessions sync.WaitGroup
		for i, log := range w.logs {
			steps := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) step {
				return step{rapid.IntRange(0, 9).Draw(rt, "what"), drawSpot(rt, "from"), drawSpot(rt, "to"), rapid.Bool().Draw(rt, "replace")}
			}), 1, 12).Draw(rt, fmt.Sprintf("session %d", i))
			sessions.Go(func() {
				for _, s := range steps {
					if err := w.take(log, s, note); fault.Is(err, fault.Internal) || fault.Is(err, fault.Unavailable) {
						t.Errorf("%+v: %v", s, err)
					}
				}
			})
		}
		sessions.Wait()
		tree := w.tree(w.logs[0])
		standing := map[string]bool{}
		for _, f := range tree.files {
			standing[f.upload] = true
		}
		for upload, at := range told {
			if !standing[upload] && !gone[upload] {
				rt.Fatalf("%s landed at %v, nobody removed it, and the log holds %v", upload, at, tree)
			}
		}
	})
}

type step struct {
	what     int
	from, to spot
	replace  bool
}

// take does one step of a session and notes what it was told.
func (w *world) take(log *files.Log, s step, note func(landed string, at spot, over ...string)) error {
	switch s.what {
	case 0, 1, 2:
		landed, err := w.land(log, s.from, fmt.Sprint(s.what))
		if err == nil && !landed.Unchanged {
			note(landed.Entry.Upload, s.from, landed.Entry.Supersedes)
		}
		return err
	case 3:
		return w.mkdir(log, s.from.folder())
	case 4:
		return w.mkdir(log, spot{album: s.from.album})
	case 5, 6:
		return w.rmdir(log, s.from.folder())
	case 7:
		e, err := w.remove(log, s.from)
		if err == nil || fault.Is(err, fault.Unavailable) {
			note("", s.from, e.Upload)
		}
		return err
	case 8:
		before, errBefore := w.file(log, s.to)
		_, err := w.rename(log, s.from, s.to, false)
		if s.replace && fault.Is(err, fault.Exists) && errBefore == nil && s.from != s.to {
			err = log.Remove(w.test.Context(), before, by)
			if err == nil {
				note("", s.to, before.Upload)
			}
		}
		return err
	default:
		return w.renameAlbum(log, s.from.album, s.to.album)
	}
}
