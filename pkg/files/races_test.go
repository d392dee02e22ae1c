package files_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"filmgate.dev/pkg/embednats/natstest"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
)

// The races of the design's §4, on one server and on three.
func TestRaces(t *testing.T) {
	for shape, start := range map[string]func(*testing.T) *bed{"one server": oneServer, "three servers": threeServers} {
		t.Run(shape, func(t *testing.T) {
			t.Parallel() // most of the time is spent waiting for answers that were lost
			b := start(t)
			for _, race := range []struct {
				name string
				run  func(*testing.T, *bed)
			}{
				{"rmdir against land", rmdirAgainst(landing)},
				{"rmdir against stage", rmdirAgainst(staging)},
				{"rmdir against mkdir", rmdirAgainst(mkdirInside)},
				{"rmdir against move", rmdirAgainst(movingInto)},
				{"rmdir against restore", rmdirAgainst(restoring)},
				{"overwrite against rename", overwriteAgainstRename},
				{"rename against rename", renameAgainstRename},
				{"remove against overwrite", removeAgainstOverwrite},
				{"ten mkdirs of one album", tenMkdirs},
				{"reads after writes", readsAfterWrites},
				{"an append's answer is lost", appendWhoseAnswerWasLost},
				{"an append's answer is lost and the file moved on", appendWhoseAnswerWasLostAndThatWasMovedOn},
				{"an append's answer is lost and its path is another's", appendWhoseAnswerWasLostAndWhosePathIsAnothers},
				{"a mkdir's answer is lost", mkdirWhoseAnswerWasLost},
				{"a removal's answer is lost", removalWhoseAnswerWasLost},
				{"a batch's answer is lost", moveWhoseAnswerWasLost},
				{"half a batch arrives", halfABatchIsNone},
				{"followers confirm late", followersConfirmLate},
				{"sessions whose answers get lost", sessionsWhoseAnswersGetLost},
			} {
				t.Run(race.name, func(t *testing.T) { race.run(t, b) })
			}
		})
	}
}

// duel is two sessions that take turns, each with a log of its own, on different nodes.
type duel struct {
	*story
	turns    *turns
	one, two *files.Log
	again    func() *story
}

func (b *bed) duel(t *testing.T) *duel {
	a := newTurns()
	_, first := a.session()
	_, second := a.session()
	base := b.begin(t)
	d := &duel{turns: a, one: reopen(t, b.connect(t, 1, first)), two: reopen(t, b.connect(t, 2, second))}
	d.again = func() *story { // a fresh job for each schedule
		s := *base
		s.job = files.Job{Account: "demo", ID: fmt.Sprintf("J%d", time.Now().UnixNano())}
		s.album = s.mkdir(files.Root, "Class 1")
		return &s
	}
	return d
}

// every plays the two deeds in every order in which each of them is interrupted once at most. prepare makes a fresh world
// and answers the deeds and what must be true after them. stride leaves out schedules.
func (d *duel) every(t *testing.T, stride int, prepare func(s *story) (one, two, check func())) {
	played, longest := 0, 0
	for first := 0; ; first++ {
		var over bool
		for second := (first * 3) % stride; ; second += stride {
			d.story = d.again()
			one, two, check := prepare(d.story)
			ended := d.turns.play(first, second, one, two)
			check()
			played++
			if t.Failed() {
				t.Fatalf("when the first had sent %d times, and then the second %d times", first, second)
			}
			over = ended[0]
			if ended[1] {
				longest = max(longest, second)
				break
			}
		}
		if over {
			t.Logf("%d schedules of %d and %d requests", played, first, longest)
			return
		}
	}
}

// stride is how many schedules there are to each one that is played.
func (b *bed) stride() int {
	if b.cluster != nil {
		return 17
	}
	return 3
}

// arrival makes ready, and answers, something that arrives in the folder through log, and what it is called there.
type arrival func(s *story, folder files.Entry) (arrive func(log *files.Log) error, name string)

func landing(s *story, folder files.Entry) (func(*files.Log) error, string) {
	upload := s.upload(folder, "x.jpg", "one")
	return func(log *files.Log) error { return second(log.Land(s.t.Context(), files.Landing{Entry: upload})) }, "x.jpg"
}

func staging(s *story, folder files.Entry) (func(*files.Log) error, string) {
	upload := s.upload(folder, "x.jpg.filepart", "one")
	return func(log *files.Log) error { return second(log.Stage(s.t.Context(), files.Landing{Entry: upload})) }, "x.jpg.filepart"
}

func mkdirInside(s *story, folder files.Entry) (func(*files.Log) error, string) {
	return func(log *files.Log) error {
		return second(log.Make(s.t.Context(), files.Entry{Job: s.job, Parent: folder.ID, Name: "group"}))
	}, "group"
}

func movingInto(s *story, folder files.Entry) (func(*files.Log) error, string) {
	from := s.land(s.mkdir(files.Root, "Class 0"), "x.jpg", "one")
	return func(log *files.Log) error {
		return second(log.Move(s.t.Context(), files.MoveRequest{From: from, ToParent: folder.ID, ToName: "y.jpg", By: by}))
	}, "y.jpg"
}

func restoring(s *story, folder files.Entry) (func(*files.Log) error, string) {
	photo := s.land(folder, "x.jpg", "one")
	s.remove(photo)
	gone := s.last(photo)
	return func(log *files.Log) error { return second(log.Restore(s.t.Context(), gone, by)) }, "x.jpg"
}

// Whatever was told that it arrived stands in a folder that stands.
func rmdirAgainst(what arrival) func(*testing.T, *bed) {
	return func(t *testing.T, b *bed) {
		d := b.duel(t)
		d.every(t, b.stride(), func(s *story) (func(), func(), func()) {
			arrive, name := what(s, s.album)
			var arrived, removed error
			return func() { arrived = arrive(d.one) }, func() { removed = d.two.Rmdir(t.Context(), s.album, by) }, func() {
				s.either(arrived, fault.NotFound, fault.Denied)
				s.either(removed, fault.Invalid)
				if arrived != nil && removed != nil {
					t.Errorf("neither: %v, %v", arrived, removed)
				}
				albums, inside := s.names(files.Root), s.names(s.album.ID)
				stands := slices.Contains(albums, "Class 1")
				if arrived == nil && (!stands || !slices.Equal(inside, []string{name})) {
					t.Errorf("%q arrived, and there are the albums %q and in it %q; rmdir was told %v", name, albums, inside, removed)
				}
				if arrived != nil && (len(inside) > 0 || stands) {
					t.Errorf("arrival was told %v, rmdir %v, and there are the albums %q and in it %q", arrived, removed, albums, inside)
				}
			}
		})
	}
}

// either checks that an error is nil, if that is allowed, or of one of the kinds.
func (s *story) either(err error, kinds ...fault.Kind) {
	s.t.Helper()
	if err != nil && !slices.Contains(kinds, fault.KindOf(err)) {
		s.t.Errorf("told %v", err)
	}
}

// contents answers the upload at each name of the album.
func (s *story) contents() map[string]files.Entry {
	s.t.Helper()
	entries, err := s.log.List(s.t.Context(), s.job, s.album.ID)
	s.ok(err)
	at := map[string]files.Entry{}
	for _, e := range entries {
		at[e.Name] = e
	}
	return at
}

func overwriteAgainstRename(t *testing.T, b *bed) {
	d := b.duel(t)
	d.every(t, b.stride(), func(s *story) (func(), func(), func()) {
		old := s.land(s.album, "x.jpg", "one")
		mine := s.upload(s.album, "x.jpg", "two")
		var landed files.Landed
		var written, renamed error
		return func() { landed, written = d.one.Land(t.Context(), files.Landing{Entry: mine, Base: &old}) },
			func() {
				renamed = second(d.two.Move(t.Context(), files.MoveRequest{From: old, ToParent: s.album.ID, ToName: "y.jpg", By: by}))
			}, func() {
				s.ok(written)
				s.either(renamed, fault.NotFound)
				at := s.contents()
				if at["x.jpg"].Upload != mine.Upload {
					t.Errorf("the new file is not there: %v", at)
				}
				if renamed == nil && (at["y.jpg"].Upload != old.Upload || at["y.jpg"].ID != old.ID || landed.Entry.ID != mine.Upload || landed.Entry.Supersedes != "") {
					t.Errorf("the old file was renamed away: landed %+v, there is %+v", landed.Entry, at)
				}
				if renamed != nil && (len(at) != 1 || landed.Entry.ID != old.ID || landed.Entry.Supersedes != old.Upload) {
					t.Errorf("the rename was told %v: landed %+v, there is %+v", renamed, landed.Entry, at)
				}
			}
	})
}

func renameAgainstRename(t *testing.T, b *bed) {
	d := b.duel(t)
	for _, replace := range []bool{false, true} {
		d.every(t, b.stride(), func(s *story) (func(), func(), func()) {
			x, y := s.land(s.album, "x.jpg", "one"), s.land(s.album, "y.jpg", "two")
			var errs [2]error
			move := func(i int, log *files.Log, e files.Entry) func() {
				return func() {
					errs[i] = second(log.Move(t.Context(), files.MoveRequest{From: e, ToParent: s.album.ID, ToName: "z.jpg", Replace: replace, By: by}))
				}
			}
			return move(0, d.one, x), move(1, d.two, y), func() {
				at := s.contents()
				switch {
				case replace && errs[0] == nil && errs[1] == nil:
					if len(at) != 1 || at["z.jpg"].Upload != x.Upload && at["z.jpg"].Upload != y.Upload {
						t.Errorf("both replaced: %v", at)
					}
				case !replace && errs[0] == nil && fault.Is(errs[1], fault.Exists):
					if len(at) != 2 || at["z.jpg"].Upload != x.Upload || at["y.jpg"] != y {
						t.Errorf("the first won: %v", at)
					}
				case !replace && errs[1] == nil && fault.Is(errs[0], fault.Exists):
					if len(at) != 2 || at["z.jpg"].Upload != y.Upload || at["x.jpg"] != x {
						t.Errorf("the second won: %v", at)
					}
				default:
					t.Errorf("told %v and %v: %v", errs[0], errs[1], at)
				}
			}
		})
	}
}

func removeAgainstOverwrite(t *testing.T, b *bed) {
	d := b.duel(t)
	d.every(t, b.stride(), func(s *story) (func(), func(), func()) {
		old := s.land(s.album, "x.jpg", "one")
		mine := s.upload(s.album, "x.jpg", "two")
		var landed files.Landed
		var written, removed error
		return func() { landed, written = d.one.Land(t.Context(), files.Landing{Entry: mine, Base: &old}) },
			func() { removed = d.two.Remove(t.Context(), old, by) }, func() {
				s.ok(written)
				s.either(removed, fault.Conflict)
				if at := s.contents(); len(at) != 1 || at["x.jpg"].Upload != mine.Upload {
					t.Errorf("the new file is not there: %v", at)
				}
				if supersedes := landed.Entry.Supersedes == old.Upload; supersedes != (removed != nil) {
					t.Errorf("removal was told %v, and %+v landed", removed, landed.Entry)
				}
			}
	})
}

func tenMkdirs(t *testing.T, b *bed) {
	s := b.begin(t)
	var logs []*files.Log
	for i := range 10 {
		logs = append(logs, reopen(t, b.connect(t, i)))
	}
	for round := range 10 {
		var told [10]files.Entry
		var errs [10]error
		var work sync.WaitGroup
		start := make(chan struct{})
		for i, log := range logs {
			work.Go(func() {
				<-start
				name := []string{"Class %d a", "CLASS %d A", " class %d a "}[i%3]
				told[i], errs[i] = log.Make(t.Context(), files.Entry{Job: s.job, Parent: files.Root, Name: fmt.Sprintf(name, round), User: by.User})
			})
		}
		close(start)
		work.Wait()
		made := 0
		for i, err := range errs {
			if err == nil {
				made++
			} else if !fault.Is(err, fault.Exists) {
				t.Errorf("mkdir was told %v", err)
			}
			if told[i].ID == "" || told[i].ID != told[0].ID {
				t.Errorf("one was told the id %q, another %q", told[i].ID, told[0].ID)
			}
		}
		if made != 1 {
			t.Errorf("%d of ten made the album", made)
		}
	}
	if n := len(s.names(files.Root)); n != 11 {
		t.Errorf("there are %d albums", n)
	}
}

// R15, R30: what one was told is there, everybody sees at once, through whatever node.
func readsAfterWrites(t *testing.T, b *bed) {
	s := b.begin(t)
	var readers []*files.Log
	for i := range 3 {
		readers = append(readers, reopen(t, b.connect(t, i)))
	}
	if b.cluster != nil {
		// One follower hears of every append late, and yet consumers of listings are placed on it.
		placer := b.cluster.Placer()
		leader, late := (placer+1)%natstest.Nodes, (placer+2)%natstest.Nodes
		b.cluster.Lead(files.Stream, leader)
		b.cluster.Slow(leader, late, 100*time.Millisecond)
		defer b.cluster.Heal()
		s = s.through(reopen(t, b.connect(t, leader)))
		readers = []*files.Log{reopen(t, b.connect(t, placer)), reopen(t, b.connect(t, leader)), reopen(t, b.connect(t, late))}
	}
	for i := range 4 {
		photo := s.land(s.album, fmt.Sprintf("%d.jpg", i), "one")
		for n, reader := range readers {
			read, err := reader.File(t.Context(), s.job, s.album.ID, photo.Name)
			if err != nil || read != photo {
				t.Errorf("landed %+v, reader %d read %+v, %v", photo, n, read, err)
			}
			list, err := reader.List(t.Context(), s.job, s.album.ID)
			if err != nil || len(list) != i+1 || !slices.Contains(list, photo) {
				t.Errorf("%d files have landed, reader %d lists %d, %v", i+1, n, len(list), err)
			}
		}
	}
	for _, e := range s.contents() {
		s.remove(e)
		if list, err := readers[2].List(t.Context(), s.job, s.album.ID); err != nil || slices.Contains(list, e) {
			t.Errorf("%q is listed after its removal, %v", e.Name, err)
		}
	}
}

// The followers take longer to confirm a write than its sender waits for an answer. The sender's next attempt meets the
// first one, and is told that the subject has moved on before it has.
func followersConfirmLate(t *testing.T, b *bed) {
	s := b.begin(t)
	if b.cluster != nil {
		leader := b.cluster.Leader(files.Stream)
		s = s.through(reopen(t, b.connect(t, leader)))
		s.ok(second(s.log.Folder(t.Context(), s.job, files.Root, "Class 1"))) // it need not look for it later
		for i := range natstest.Nodes {
			if i != leader {
				b.cluster.Slow(leader, i, 1300*time.Millisecond)
			}
		}
		defer b.cluster.Heal()
	}
	photo := s.land(s.album, "x.jpg", "one")
	photo = s.move(photo, s.album, "y.jpg")
	s.remove(photo)
	if last := s.last(photo); !last.Gone() || last.Upload != photo.Upload || last.Revision != 3 {
		t.Errorf("the log holds %+v", last)
	}
}
