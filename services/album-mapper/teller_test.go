package albummapper

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/sqldb"
)

// teller tells a story in one album, and then what comes of it when messages are lost.
type teller struct {
	*photographer
	t      *testing.T
	folder files.Entry
}

func (s *teller) check(e files.Entry, err error) files.Entry {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	s.hear(s.t)
	return e
}

func (s *teller) album(name string) {
	s.t.Helper()
	s.folder = s.check(s.make(s.t, files.Root, name))
}

func (s *teller) rename(name string) {
	s.t.Helper()
	s.folder = s.check(s.log.Move(s.t.Context(), files.MoveRequest{From: s.folder, ToParent: files.Root, ToName: name, By: s.by()}))
}

func (s *teller) rmdir() {
	s.t.Helper()
	s.check(files.Entry{}, s.log.Rmdir(s.t.Context(), s.folder, s.by()))
}

func (s *teller) land(name, content string) files.Entry {
	s.t.Helper()
	return s.check(s.photographer.land(s.t, s.folder.ID, name, content))
}

func (s *teller) stage(name, content string) files.Entry {
	s.t.Helper()
	landed, err := s.log.Stage(s.t.Context(), s.file(s.folder.ID, name, content))
	return s.check(landed.Entry, err)
}

func (s *teller) move(e files.Entry, name string) files.Entry {
	s.t.Helper()
	return s.check(s.log.Move(s.t.Context(), files.MoveRequest{From: e, ToParent: s.folder.ID, ToName: name, Replace: true, Land: true, By: s.by()}))
}

func (s *teller) remove(e files.Entry) {
	s.t.Helper()
	s.check(e, s.log.Remove(s.t.Context(), e, s.by()))
}

func (s *teller) restore(e files.Entry) {
	s.t.Helper()
	s.check(s.log.Restore(s.t.Context(), e, s.by()))
}

// checkLosses plays every subset of the messages that may be lost, each in some orders.
func (s *teller) checkLosses(db *sqldb.DB) {
	s.t.Helper()
	dice := rand.New(rand.NewPCG(1, 2))
	coin := func() bool { return dice.IntN(2) == 0 }
	want := play(s.t, db, s.said, coin)
	want.check(s.t, "in order")
	isFinal := finals(s.said)
	var lossy []int
	for i, e := range s.said {
		if !isFinal(e) {
			lossy = append(lossy, i)
		}
	}
	for lost := range 1 << len(lossy) {
		var kept []files.Entry
		for i, e := range s.said {
			if n := slices.Index(lossy, i); n < 0 || lost&(1<<n) == 0 {
				kept = append(kept, e)
			}
		}
		kept = deliverable(kept)
		var inOrder outcome
		for n := range 6 {
			if n > 0 { // once in order
				dice.Shuffle(len(kept), func(i, j int) { kept[i], kept[j] = kept[j], kept[i] })
			}
			var how string
			for _, e := range kept {
				how += fmt.Sprintf("\n%d %s %s %s", e.Sequence, e.State, e.Name, e.ID)
			}
			got := play(s.t, db, kept, coin)
			got.check(s.t, how)
			want.same(s.t, how, got)
			if n == 0 {
				inOrder = got
			}
			inOrder.sameFacts(s.t, how, got)
		}
	}
}
