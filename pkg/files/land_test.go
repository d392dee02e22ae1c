package files_test

import (
	"testing"
	"time"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
)

// One row per conflict rule: what happened at the path between OPEN and CLOSE, and what becomes of the upload.
func TestConflicts(t *testing.T) {
	const photo, version, unchanged = "photo", "version", "unchanged"
	for _, c := range []struct {
		name      string
		before    string // content at the path at OPEN; none when empty
		meanwhile func(s *story, base files.Entry)
		exclusive bool
		want      string
		kind      fault.Kind
		words     string
	}{
		{name: "nothing there", want: photo},
		{name: "exclusive, nothing there", exclusive: true, want: photo},
		{name: "over an older file", before: "old", want: version},
		{name: "over the same bytes", before: "mine", want: unchanged},
		{name: "exclusive over a file", before: "old", exclusive: true, kind: fault.Exists, words: `the file "x.jpg" exists already`},
		{name: "exclusive over the same bytes", before: "mine", exclusive: true, kind: fault.Exists, words: `the file "x.jpg" exists already`},
		{name: "a newer one landed", meanwhile: func(s *story, _ files.Entry) { s.land(s.album, "x.jpg", "new") },
			kind: fault.Conflict, words: "replaced by a newer upload of the same name"},
		{name: "a newer version landed", before: "old", meanwhile: func(s *story, _ files.Entry) { s.land(s.album, "x.jpg", "new") },
			kind: fault.Conflict, words: "replaced by a newer upload of the same name"},
		{name: "a newer one with the same bytes landed", meanwhile: func(s *story, _ files.Entry) { s.land(s.album, "x.jpg", "mine") }, want: unchanged},
		{name: "touched", before: "old", meanwhile: func(s *story, base files.Entry) {
			s.ok(second(s.log.Touch(s.t.Context(), base, time.Unix(1, 0))))
		}, want: version},
		{name: "removed", before: "old", meanwhile: func(s *story, base files.Entry) { s.remove(base) }, want: photo},
		{name: "same bytes, but removed", before: "mine", meanwhile: func(s *story, base files.Entry) { s.remove(base) }, want: photo},
		{name: "moved away", before: "old", meanwhile: func(s *story, base files.Entry) { s.move(base, s.album, "y.jpg") }, want: photo},
		{name: "exclusive, one came and went", exclusive: true,
			meanwhile: func(s *story, _ files.Entry) { s.remove(s.land(s.album, "x.jpg", "new")) }, want: photo},
		{name: "its folder was renamed", meanwhile: func(s *story, _ files.Entry) {
			s.ok(second(s.log.Move(s.t.Context(), files.MoveRequest{From: s.album, ToParent: files.Root, ToName: "Class 2"})))
		}, want: photo},
		{name: "its folder was removed", meanwhile: func(s *story, _ files.Entry) { s.ok(s.log.Rmdir(s.t.Context(), s.album, by)) }, want: photo},
		{name: "its folder was removed and another took its name", meanwhile: func(s *story, _ files.Entry) {
			other := s.mkdir(files.Root, "Class 2")
			s.ok(s.log.Rmdir(s.t.Context(), s.album, by))
			s.ok(second(s.log.Move(s.t.Context(), files.MoveRequest{From: other, ToParent: files.Root, ToName: "Class 1"})))
		}, kind: fault.NotFound, words: "the folder was removed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := begin(t)
			var base *files.Entry
			if c.before != "" {
				e := s.land(s.album, "x.jpg", c.before)
				base = &e
			}
			mine := s.upload(s.album, "x.jpg", "mine")
			if c.meanwhile != nil {
				var e files.Entry
				if base != nil {
					e = *base
				}
				c.meanwhile(s, e)
			}
			landed, err := s.log.Land(t.Context(), files.Landing{Entry: mine, Base: base, Exclusive: c.exclusive})
			if c.words != "" {
				s.is(err, c.kind, c.words)
				if withdrawn := c.kind == fault.NotFound; landed.Unnamed == withdrawn { // a tombstone names its upload
					t.Fatalf("refused: %+v", landed)
				}
				if all, err := s.log.List(t.Context(), s.job, s.album.ID); err != nil || len(all) > 1 || len(all) == 1 && all[0].Upload == mine.Upload {
					t.Fatalf("a refused upload left %+v, %v", all, err)
				}
				return
			}
			s.ok(err)
			e := landed.Entry
			if landed.Unnamed != (c.want == unchanged) {
				t.Fatalf("landed %+v", landed)
			}
			switch c.want {
			case photo:
				if e.ID != mine.Upload || e.Upload != mine.Upload || e.Supersedes != "" || landed.Unchanged {
					t.Fatalf("landed %+v", landed)
				}
			case version:
				if e.ID != base.ID || e.Upload != mine.Upload || e.Supersedes != base.Upload || e.Revision <= base.Revision || landed.Unchanged {
					t.Fatalf("landed %+v over %+v", landed, base)
				}
			case unchanged:
				if e.Upload == mine.Upload || !landed.Unchanged {
					t.Fatalf("landed %+v", landed)
				}
			}
			if read, err := s.log.File(t.Context(), s.job, s.album.ID, "x.jpg"); err != nil || read != e {
				t.Fatalf("the log holds %+v, %v; landing answered %+v", read, err, e)
			}
			if folders, err := s.log.List(t.Context(), s.job, files.Root); err != nil || len(folders) != 1 || folders[0].ID != s.album.ID || folders[0].State != files.StateLanded {
				t.Fatalf("its folder is not there: %+v, %v", folders, err)
			}
			// The answer was lost and the edge asks again: nothing changes.
			again, err := s.log.Land(t.Context(), files.Landing{Entry: mine, Base: base, Exclusive: c.exclusive})
			if c.want != unchanged {
				s.ok(err)
				if again.Entry != e || again.Unchanged {
					t.Fatalf("landed again %+v, first %+v", again, e)
				}
			}
		})
	}
}

func TestLandedLongAgo(t *testing.T) {
	for name, after := range map[string]func(s *story, mine files.Entry){
		"moved":    func(s *story, mine files.Entry) { s.move(mine, s.album, "y.jpg") },
		"removed":  func(s *story, mine files.Entry) { s.remove(mine) },
		"replaced": func(s *story, _ files.Entry) { s.land(s.album, "x.jpg", "two") },
	} {
		t.Run(name, func(t *testing.T) {
			s := begin(t)
			mine := s.upload(s.album, "x.jpg", "one")
			first, err := s.log.Land(t.Context(), files.Landing{Entry: mine})
			s.ok(err)
			after(s, first.Entry)
			before := s.last(first.Entry)
			_, err = s.log.Land(t.Context(), files.Landing{Entry: mine}) // its answer was lost
			s.ok(err)
			if now := s.last(first.Entry); now != before {
				t.Fatalf("landing it again made %+v of %+v", now, before)
			}
		})
	}
}

// The clocks of two edges differ, or one was set back: what an upload saw at OPEN is older, whatever its id says.
func TestAnUploadIsNewerThanWhatItSaw(t *testing.T) {
	s := begin(t)
	mine := s.upload(s.album, "x.jpg", "two")
	base := s.land(s.album, "x.jpg", "one")
	touched, err := s.log.Touch(t.Context(), base, time.Unix(1, 0))
	s.ok(err)
	landed, err := s.log.Land(t.Context(), files.Landing{Entry: mine, Base: &base})
	s.ok(err)
	if landed.Entry.Upload != mine.Upload || landed.Entry.Supersedes != touched.Upload {
		t.Fatalf("landed %+v", landed)
	}
}

func TestSameBytesKeepTheNewTime(t *testing.T) {
	s := begin(t)
	first := s.land(s.album, "x.jpg", "one")
	again := s.upload(s.album, "x.jpg", "one")
	again.ModifiedAt = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	landed, err := s.log.Land(t.Context(), files.Landing{Entry: again, Base: &first})
	s.ok(err)
	if !landed.Unchanged || landed.Entry.Upload != first.Upload || !landed.Entry.ModifiedAt.Equal(again.ModifiedAt) {
		t.Fatalf("landed %+v", landed)
	}
}

func TestStagingNeverHidesALandedPhoto(t *testing.T) {
	s := begin(t)
	photo := s.land(s.album, ".in.x.jpg", "one") // landed on a person's request, under its temporary name
	staged := s.stage(s.album, ".in.x.jpg", "two")
	if staged.State != files.StateLanded || staged.ID != photo.ID {
		t.Fatalf("staged %+v over %+v", staged, photo)
	}
}

func TestLandingInAFolderThatNeverWas(t *testing.T) {
	s := begin(t)
	mine := s.upload(files.Entry{ID: "01NOSUCHFOLDER"}, "x.jpg", "one")
	landed, err := s.log.Land(t.Context(), files.Landing{Entry: mine})
	s.is(err, fault.NotFound, "the folder was removed")
	if !landed.Unnamed {
		t.Fatal("nothing was appended, and yet something may name the upload")
	}
	s.holds("01NOSUCHFOLDER", nil)
}
