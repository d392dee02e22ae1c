package usage

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
)

// fakeLog is a files log with one job.
type fakeLog struct {
	folders map[string]map[string]int64 // bytes by name; -1 is a tombstone
	away    bool
	asked   []string
}

var job = files.Job{Account: "demo", ID: "J1"}

func (l *fakeLog) ask(what string) error {
	l.asked = append(l.asked, what)
	if l.away {
		return fault.New(fault.Unavailable, "away")
	}
	return nil
}

func (l *fakeLog) Count(_ context.Context, _ files.Job, folder string) (int, error) {
	return len(l.folders[folder]), l.ask("count")
}

func (l *fakeLog) List(_ context.Context, _ files.Job, folder string) (list []files.Entry, err error) {
	for name, bytes := range l.folders[folder] {
		if bytes >= 0 {
			list = append(list, files.Entry{Name: name, Bytes: bytes})
		}
	}
	return list, l.ask("list")
}

func (l *fakeLog) Held(context.Context, files.Job) (h files.Holding, err error) {
	for folder, names := range l.folders {
		for _, bytes := range names {
			if bytes >= 0 && folder != files.Root {
				h.Files++
				h.Bytes += bytes
			}
		}
	}
	return h, l.ask("held")
}

func (l *fakeLog) put(folder, name string, bytes int64) {
	if l.folders == nil {
		l.folders = map[string]map[string]int64{}
	}
	if l.folders[folder] == nil {
		l.folders[folder] = map[string]int64{}
	}
	l.folders[folder][name] = bytes
}

var album = Folder{Job: job, JobName: "JOB00001", ID: "A", Name: "Class 1"}

func refusedInWords(t *testing.T, err error, words string) {
	t.Helper()
	if !fault.Is(err, fault.Denied) || !strings.Contains(fault.Message(err), words) {
		t.Errorf("%v instead of %q", err, words)
	}
}

func TestNamesInAFolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &fakeLog{}
		for i := range 996 {
			log.put("A", fmt.Sprint(i), 1)
		}
		log.put("A", "removed", -1)
		m := New(log, Limits{Names: 1000})
		var holds []*Hold
		for range 4 { // 996 there, 4 more running
			h, err := m.File(t.Context(), album, nil)
			if err != nil {
				t.Fatal(err)
			}
			holds = append(holds, h)
		}
		if got := strings.Join(log.asked, " "); got != "count count list" { // the tombstone was one too many
			t.Error("the log was asked:", got)
		}
		_, err := m.File(t.Context(), album, nil)
		refusedInWords(t, err, `the folder "Class 1" holds 1,000 photos, the most that one may: make another album`)
		refusedInWords(t, m.Enter(t.Context(), album), "make another album")
		if _, err := m.File(t.Context(), album, &files.Entry{Bytes: 1}); err != nil {
			t.Error("a next version takes no name:", err)
		}
		if _, err := m.File(t.Context(), Folder{Job: job, ID: "B"}, nil); err != nil {
			t.Error("another folder is empty:", err)
		}
		holds[0].Drop()
		holds[0].Drop()
		if err := m.Enter(t.Context(), album); err != nil {
			t.Error("a dropped upload leaves its name:", err)
		}
		log.put("A", "landed", 5)
		holds[1].Land(5)
		if h, err := m.File(t.Context(), album, nil); err != nil {
			t.Error("what landed is counted once:", err)
		} else {
			defer h.Drop()
		}
		_, err = m.File(t.Context(), album, nil)
		refusedInWords(t, err, "1,000")
		m.Changed(files.Entry{Job: job, Parent: "A", Kind: files.KindFile, Bytes: 1}, -1)
		if err := m.Enter(t.Context(), album); err != nil {
			t.Error("what was removed here leaves room at once:", err)
		}
		log.put("A", "0", -1)
		log.put("A", "1", -1) // on another edge
		time.Sleep(2 * sure)
		h, err := m.File(t.Context(), album, nil)
		if err != nil {
			t.Error(err)
		}
		defer h.Drop()
		if h, err = m.File(t.Context(), album, nil); err != nil {
			t.Error("what was removed elsewhere leaves room soon:", err)
		}
		defer h.Drop()
	})
}

func TestAlbumsInAJob(t *testing.T) {
	log := &fakeLog{}
	m := New(log, Limits{Folders: 2})
	root := Folder{Job: job, JobName: "JOB00001", ID: files.Root}
	for i := range 2 {
		if err := m.Enter(t.Context(), root); err != nil {
			t.Fatal(err)
		}
		m.Changed(files.Entry{Kind: files.KindAlbum, Job: job, Parent: files.Root, Name: fmt.Sprint(i)}, 1)
		log.put(files.Root, fmt.Sprint(i), 0)
	}
	refusedInWords(t, m.Enter(t.Context(), root), "JOB00001 holds 2 albums, the most that a job may")
	if err := m.Enter(t.Context(), album); err != nil {
		t.Error("sections are no albums:", err)
	}
}

func TestFolderThatSoonCouldNotBeListed(t *testing.T) {
	log := &fakeLog{}
	for i := range maxPlaces {
		log.put("A", fmt.Sprint(i), -1)
	}
	_, err := New(log, Limits{Names: 1000}).File(t.Context(), album, nil)
	refusedInWords(t, err, "so many files have come and gone")
}

func TestQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &fakeLog{}
		log.put("A", "old.jpg", 4<<20)
		m := New(log, Limits{Bytes: 10 << 20, Files: 5})
		ctx := t.Context()
		h, err := m.File(ctx, album, nil)
		if err != nil {
			t.Fatal(err)
		}
		for end := int64(0); end <= 6<<20; end += 32 << 10 {
			if err := h.Grow(ctx, end); err != nil {
				t.Fatal("after", end, err)
			}
		}
		refusedInWords(t, h.Grow(ctx, 6<<20+1), "JOB00001 has no room for this photo: it may hold 10MiB")
		if n := len(log.asked); n > 2 {
			t.Error("the log was asked for single writes:", log.asked)
		}
		_, err = m.File(ctx, album, nil)
		refusedInWords(t, err, "no room")
		if _, free, limited, err := m.Room(ctx, job); err != nil || !limited || free != (files.Holding{Files: 3}) {
			t.Error(free, limited, err)
		}
		version, err := m.File(ctx, album, &files.Entry{Bytes: 4 << 20})
		if err != nil {
			t.Fatal("a version that is no larger needs no room:", err)
		}
		if err := version.Grow(ctx, 4<<20); err != nil {
			t.Error(err)
		}
		refusedInWords(t, version.Grow(ctx, 4<<20+1), "no room")
		log.put("A", "old.jpg", 1<<20)
		version.Land(1 << 20)
		if err := h.Grow(ctx, 9<<20); err != nil {
			t.Error("the smaller version left room:", err)
		}
		h.Drop()
		if _, free, _, err := m.Room(ctx, job); err != nil || free.Bytes != 9<<20 {
			t.Error("a dropped upload leaves its room:", free, err)
		}
		h, err = m.File(ctx, album, nil)
		if err != nil {
			t.Fatal(err)
		}
		log.away = true
		time.Sleep(2 * fresh)
		if err := h.Grow(ctx, 5<<20); err != nil {
			t.Error("an upload failed because the log is away:", err)
		}
		if _, err := m.File(ctx, album, nil); !fault.Is(err, fault.Unavailable) {
			t.Error("what is not known is not promised:", err)
		}
		h.Drop()
		log.away = false
		for range 4 {
			if _, err := m.File(ctx, album, nil); err != nil {
				t.Fatal(err)
			}
		}
		_, err = m.File(ctx, album, nil)
		refusedInWords(t, err, "JOB00001 holds 5 photos, the most that it may")
	})
}

func TestWithoutLimitsNobodyIsAsked(t *testing.T) {
	log := &fakeLog{away: true}
	m := New(log, Limits{})
	h, err := m.File(t.Context(), album, nil)
	if err != nil || h.Grow(t.Context(), 1<<40) != nil || m.Enter(t.Context(), album) != nil {
		t.Error(err)
	}
	h.Land(1 << 40)
	if _, _, limited, err := m.Room(t.Context(), job); limited || err != nil || len(log.asked) > 0 {
		t.Error(limited, err, log.asked)
	}
}

// One edge alone never exceeds a limit, whatever happens in whatever order.
func TestOneEdgeKeepsEveryLimit(t *testing.T) {
	rapid.Check(t, anyOrder)
}

func anyOrder(t *rapid.T) {
	const most, quota = 7, 9 * step
	log := &fakeLog{}
	m := New(log, Limits{Names: most, Bytes: quota})
	clock := time.Now()
	m.now = func() time.Time { return clock }
	type running struct {
		*Hold
		name string
		size int64
	}
	var open []running
	take := func() running {
		i := rapid.IntRange(0, len(open)-1).Draw(t, "upload")
		r := open[i]
		open = slices.Delete(open, i, i+1)
		return r
	}
	t.Repeat(map[string]func(*rapid.T){
		"open": func(t *rapid.T) {
			name := rapid.StringMatching(`[a-j]`).Draw(t, "name")
			if slices.ContainsFunc(open, func(r running) bool { return r.name == name }) {
				return
			}
			var base *files.Entry
			if bytes, ok := log.folders["A"][name]; ok && bytes >= 0 {
				base = &files.Entry{Name: name, Bytes: bytes}
			}
			if h, err := m.File(context.Background(), album, base); err == nil {
				open = append(open, running{h, name, 0})
			}
		},
		"grow": func(t *rapid.T) {
			if len(open) == 0 {
				return
			}
			r := take()
			end := r.size + rapid.Int64Range(1, 3*step).Draw(t, "bytes")
			if r.Grow(context.Background(), end) == nil {
				r.size = end
			}
			open = append(open, r)
		},
		"land": func(t *rapid.T) {
			if len(open) == 0 {
				return
			}
			r := take()
			log.put("A", r.name, r.size)
			r.Land(r.size)
		},
		"drop": func(*rapid.T) {
			if len(open) > 0 {
				take().Drop()
			}
		},
		"remove": func(t *rapid.T) {
			name := rapid.StringMatching(`[a-j]`).Draw(t, "name")
			bytes, ok := log.folders["A"][name]
			if !ok || bytes < 0 || slices.ContainsFunc(open, func(r running) bool { return r.name == name }) {
				return
			}
			log.put("A", name, -1)
			m.Changed(files.Entry{Kind: files.KindFile, Job: job, Parent: "A", Name: name, Bytes: bytes}, -1)
		},
		"wait": func(t *rapid.T) {
			clock = clock.Add(time.Duration(rapid.IntRange(1, 40).Draw(t, "seconds")) * time.Second)
		},
		"": func(t *rapid.T) {
			held, _ := log.Held(context.Background(), job)
			if held.Files > most || held.Bytes > quota {
				t.Fatalf("%+v is held: %v", held, maps.Collect(maps.All(log.folders["A"])))
			}
		},
	})
}
