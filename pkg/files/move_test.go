package files_test

import (
	"testing"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
)

func TestMoveKeepsThePhoto(t *testing.T) {
	s := begin(t)
	group := s.mkdir(s.album.ID, "group")
	photo := s.land(s.album, "x.jpg", "one")
	moved := s.move(photo, group, "y.jpg")
	if moved.ID != photo.ID || moved.Upload != photo.Upload || moved.Supersedes != "" || moved.Revision != 2 {
		t.Fatalf("moved %+v", moved)
	}
	gone := s.last(photo)
	if !gone.Gone() || gone.MovedTo != moved.Subject || gone.ID != photo.ID || gone.Upload != photo.Upload {
		t.Fatalf("left behind %+v", gone)
	}
	if read := s.last(moved); read != moved {
		t.Fatalf("the log holds %+v, the move answered %+v", read, moved)
	}
	if gone.Sequence != moved.Sequence+1 {
		t.Fatalf("tombstone %d, entry %d: not one batch, new entry first", gone.Sequence, moved.Sequence)
	}
	s.holds(s.album.ID, map[string]string{"group": group.ID})
	s.holds(group.ID, map[string]string{"y.jpg": photo.Upload})

	_, err := s.log.Move(t.Context(), files.MoveRequest{From: photo, ToParent: group.ID, ToName: "z.jpg"})
	s.is(err, fault.NotFound, `there is no "x.jpg" here`)
}

func TestMoveOfAFolderCopiesNothing(t *testing.T) {
	s := begin(t)
	photo := s.land(s.album, "x.jpg", "one")
	other := s.mkdir(files.Root, "Class 2")
	moved, err := s.log.Move(t.Context(), files.MoveRequest{From: s.album, ToParent: files.Root, ToName: "Class 3", By: by})
	s.ok(err)
	if moved.ID != s.album.ID {
		t.Fatal("the album has another id")
	}
	s.holds(files.Root, map[string]string{"Class 3": s.album.ID, "Class 2": other.ID})
	s.holds(moved.ID, map[string]string{"x.jpg": photo.Upload})

	// Only spelling changes: one append in place.
	respelt, err := s.log.Move(t.Context(), files.MoveRequest{From: moved, ToParent: files.Root, ToName: "CLASS 3 ", By: by})
	s.ok(err)
	if respelt.Subject != moved.Subject || respelt.Name != "CLASS 3 " || respelt.Sequence != moved.Sequence+2 {
		t.Fatalf("respelt %+v after %+v", respelt, moved)
	}
	// An upload begun before the renames still finds its folder.
	s.land(s.album, "y.jpg", "two")

	// The old name is free, for a folder of its own.
	fresh := s.mkdir(files.Root, "Class 1")
	if fresh.ID == s.album.ID {
		t.Fatal("a new folder took the id of one that was renamed")
	}
}

func TestMoveRefusals(t *testing.T) {
	s := begin(t)
	group := s.mkdir(s.album.ID, "group")
	other := s.mkdir(files.Root, "Class 2")
	x, y := s.land(s.album, "x.jpg", "one"), s.land(s.album, "y.jpg", "two")
	for _, c := range []struct {
		from         files.Entry
		parent, name string
		replace      bool
		kind         fault.Kind
		words        string
	}{
		{x, s.album.ID, "y.jpg", false, fault.Exists, `"y.jpg" exists already`},
		{x, files.Root, "z.jpg", true, fault.Invalid, "put photos into an album folder, e.g. JOB00001/Class 1/"},
		{x, s.album.ID, "a/b.jpg", true, fault.Invalid, "a name cannot contain a slash"},
		{x, "01NOSUCHFOLDER", "z.jpg", true, fault.NotFound, "the folder was removed"},
		{s.album, files.Root, "class 2", true, fault.Exists, `"Class 2" exists already`},
		{s.album, files.Root, "Group", true, fault.Invalid, `"Group" is a part of an album: create an album folder first`},
		{s.album, other.ID, "group", true, fault.Invalid, "an album cannot become a part of an album, nor a part an album"},
		{group, files.Root, "Class 9", true, fault.Invalid, "an album cannot become a part of an album, nor a part an album"},
		{group, s.album.ID, "Portraits", true, fault.Invalid, `an album holds only the folders "group" and "individuals"`},
	} {
		_, err := s.log.Move(t.Context(), files.MoveRequest{From: c.from, ToParent: c.parent, ToName: c.name, Replace: c.replace, By: by})
		s.is(err, c.kind, c.words)
	}
	s.holds(s.album.ID, map[string]string{"group": group.ID, "x.jpg": x.Upload, "y.jpg": y.Upload})

	// A source that was touched is still the same file; one that was replaced is not.
	s.ok(second(s.log.Touch(t.Context(), x, y.LandedAt)))
	s.move(x, s.album, "x2.jpg")
	old := s.land(s.album, "v.jpg", "one")
	s.land(s.album, "v.jpg", "two")
	_, err := s.log.Move(t.Context(), files.MoveRequest{From: old, ToParent: s.album.ID, ToName: "w.jpg"})
	s.is(err, fault.NotFound, `there is no "v.jpg" here`)
}

func second[T any](_ T, err error) error { return err }

// The ways in which clients finish a file under a temporary name (CLIENTS R23–R25).
func TestStagedFilesLandByRename(t *testing.T) {
	s := begin(t)
	land := func(from files.Entry, name string, replace bool) (files.Entry, error) {
		return s.log.Move(t.Context(), files.MoveRequest{From: from, ToParent: s.album.ID, ToName: name, Replace: replace, Land: true, By: by})
	}

	t.Run("onto a free name", func(t *testing.T) {
		staged := s.stage(s.album, "a.jpg.filepart", "one")
		if staged.State != files.StateStaged {
			t.Fatalf("staged %+v", staged)
		}
		landed, err := land(staged, "a.jpg", false)
		s.ok(err)
		if landed.State != files.StateLanded || landed.ID != staged.Upload || landed.Supersedes != "" {
			t.Fatalf("landed %+v", landed)
		}
	})
	t.Run("after the removal of the old one: a new photo", func(t *testing.T) {
		old := s.land(s.album, "b.jpg", "one")
		staged := s.stage(s.album, "b.jpg.filepart", "two")
		s.remove(old)
		landed, err := land(staged, "b.jpg", false)
		s.ok(err)
		if landed.ID != staged.Upload || landed.Supersedes != "" {
			t.Fatalf("landed %+v", landed)
		}
	})
	t.Run("onto a landed file: refused, or its next version", func(t *testing.T) {
		old := s.land(s.album, "c.jpg", "one")
		staged := s.stage(s.album, "c.jpg.filepart", "two")
		_, err := land(staged, "c.jpg", false)
		s.is(err, fault.Exists, `"c.jpg" exists already`)
		landed, err := land(staged, "c.jpg", true)
		s.ok(err)
		if landed.ID != old.ID || landed.Upload != staged.Upload || landed.Supersedes != old.Upload || landed.State != files.StateLanded {
			t.Fatalf("landed %+v", landed)
		}
	})
	t.Run("onto the same bytes: no version", func(t *testing.T) {
		old := s.land(s.album, "d.jpg", "one")
		staged := s.stage(s.album, "d.jpg.filepart", "one")
		landed, err := land(staged, "d.jpg", true)
		s.ok(err)
		if landed.Upload != old.Upload || landed.ID != old.ID {
			t.Fatalf("landed %+v", landed)
		}
		if gone := s.last(staged); !gone.Gone() || gone.MovedTo != "" {
			t.Fatalf("left behind %+v", gone)
		}
	})
	t.Run("landed onto landed: the mover keeps its id", func(t *testing.T) {
		s.land(s.album, "e.jpg", "one")
		mover := s.land(s.album, "f.jpg", "two")
		landed, err := land(mover, "e.jpg", true)
		s.ok(err)
		if landed.ID != mover.ID || landed.Upload != mover.Upload || landed.Supersedes != "" {
			t.Fatalf("landed %+v", landed)
		}
	})
	t.Run("from one temporary name to another", func(t *testing.T) {
		staged := s.stage(s.album, "g.jpg.filepart", "one")
		if moved := s.move(staged, s.album, ".in.g.jpg"); moved.State != files.StateStaged {
			t.Fatalf("moved %+v", moved)
		}
	})
}
