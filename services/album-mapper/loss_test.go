package albummapper

import (
	"testing"

	"filmgate.dev/pkg/sqldb/sqltest"
)

// The stories in which a message that nobody ever delivers matters most: every subset of them, in many orders.
func TestLostMessagesDoNotMatter(t *testing.T) {
	b := startBus(t)
	db := migrated(t, sqltest.SQLite(t))
	for name, story := range map[string]func(*teller){
		"removed, and another file of that name": func(s *teller) {
			a := s.land("a", "1")
			s.remove(a)
			s.land("a", "2")
		},
		"moved, removed, and another file there": func(s *teller) {
			a := s.land("a", "1")
			s.remove(s.move(a, "b"))
			s.land("b", "2")
		},
		"moved twice, and others at both places": func(s *teller) {
			a := s.land("a", "1")
			s.move(s.move(a, "b"), "c")
			s.land("a", "2")
			s.land("b", "3")
		},
		"moved twice, removed, and others on the way": func(s *teller) {
			a := s.land("a", "1")
			s.remove(s.move(s.move(a, "b"), "c"))
			s.land("c", "2")
		},
		"renamed over another": func(s *teller) {
			s.land("b", "1")
			s.move(s.land("a", "2"), "b")
		},
		"swapped by way of a third name": func(s *teller) {
			a, b := s.land("a", "1"), s.land("b", "2")
			a = s.move(a, "c")
			s.move(b, "a")
			s.move(a, "b")
		},
		"written under a temporary name over a photo": func(s *teller) {
			s.land("a", "1")
			s.move(s.stage("a.filepart", "2"), "a")
		},
		"written under a temporary name, and once more": func(s *teller) {
			s.move(s.stage("a.filepart", "1"), "a")
			s.land("a", "2")
		},
		"a temporary file that never became a photo": func(s *teller) {
			s.remove(s.stage("a.filepart", "1"))
			s.stage("a.filepart", "2")
		},
		"two versions, touched, removed, restored": func(s *teller) {
			s.land("a", "1")
			a := s.land("a", "2")
			s.remove(a)
			s.restore(a)
		},
		"an album renamed, and another of that name": func(s *teller) {
			s.land("a", "1")
			s.rename("Class 2")
			s.album("Class 1")
			s.land("a", "2")
		},
		"moved into another album, which was emptied and removed, and another took its name": func(s *teller) {
			a := s.land("a", "1")
			s.album("Class 2")
			s.remove(s.move(a, "a"))
			s.rmdir()
			s.album("Class 3")
			s.rename("Class 2")
		},
		"an album emptied and removed": func(s *teller) {
			s.remove(s.land("a", "1"))
			s.rmdir()
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := &teller{t: t, photographer: newPhotographer(t, b, "studio-a")}
			s.album("Class 1")
			story(s)
			s.checkLosses(db)
		})
	}
}
