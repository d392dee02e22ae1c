package files_test

import (
	"encoding/json"
	"testing"
	"time"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
)

func TestRemoveAndRestore(t *testing.T) {
	s := begin(t)
	photo := s.land(s.album, "x.jpg", "one")
	s.ok(second(s.log.Touch(t.Context(), photo, time.Unix(1, 0)))) // the entry in hand is not the last one
	s.remove(photo)
	s.holds(s.album.ID, nil)
	gone := s.last(photo)
	if !gone.Gone() || gone.MovedTo != "" || gone.Upload != photo.Upload || gone.ID != photo.ID || gone.User != by.User || gone.GoneAt.IsZero() {
		t.Fatalf("tombstone %+v", gone)
	}
	s.is(s.log.Remove(t.Context(), photo, by), fault.NotFound, `there is no "x.jpg" here`)

	back, err := s.log.Restore(t.Context(), gone, by)
	s.ok(err)
	if back.ID != photo.ID || back.Upload != photo.Upload || back.State != files.StateLanded || !back.GoneAt.IsZero() || back.Revision <= gone.Revision {
		t.Fatalf("restored %+v", back)
	}
	_, err = s.log.Restore(t.Context(), gone, by)
	s.is(err, fault.Exists, `"x.jpg" exists already`)

	// It went elsewhere, and its place is free: the tombstone in hand is not the last word about the photo.
	s.move(back, s.album, "y.jpg")
	_, err = s.log.Restore(t.Context(), gone, by)
	s.is(err, fault.Exists, `the photo is back already, as "y.jpg"`)
}

func TestRestoreWhereThePlaceWasTaken(t *testing.T) {
	s := begin(t)
	photo := s.land(s.album, "x.jpg", "one")
	s.remove(photo)
	gone := s.last(photo)
	s.land(s.album, "x.jpg", "two")
	_, err := s.log.Restore(t.Context(), gone, by)
	s.is(err, fault.Exists, `"x.jpg" exists already`)
	gone.Name = "x (restored).jpg"
	back, err := s.log.Restore(t.Context(), gone, by)
	s.ok(err)
	if back.ID != photo.ID {
		t.Fatalf("restored %+v", back)
	}
}

func TestRestoreBringsItsFolderBack(t *testing.T) {
	s := begin(t)
	group := s.mkdir(s.album.ID, "group")
	photo := s.land(group, "x.jpg", "one")
	s.remove(photo)
	gone := s.last(photo)
	s.ok(s.log.Rmdir(t.Context(), group, by))
	s.ok(s.log.Rmdir(t.Context(), s.album, by))
	s.holds(files.Root, nil)
	s.ok(second(s.log.Restore(t.Context(), gone, by)))
	s.holds(files.Root, map[string]string{"Class 1": s.album.ID})
	s.holds(s.album.ID, map[string]string{"group": group.ID})
	s.holds(group.ID, map[string]string{"x.jpg": photo.Upload})
}

func TestRemoveOfAnotherUpload(t *testing.T) {
	s := begin(t)
	old := s.land(s.album, "x.jpg", "one")
	s.land(s.album, "x.jpg", "two")
	s.is(s.log.Remove(t.Context(), old, by), fault.Conflict, `"x.jpg" was replaced by another upload meanwhile`)
}

func TestRemoveOfAnUploadThatDidNotLand(t *testing.T) {
	s := begin(t)
	mine := s.upload(s.album, "x.jpg", "one")
	mine.Kind = files.KindFile
	s.remove(mine)
	// A sweep that finds the object cannot bring it back.
	s.ok(second(s.log.Land(t.Context(), files.Landing{Entry: mine})))
	place, err := mine.Place()
	s.ok(err)
	if last := s.last(files.Entry{Subject: place.Subject()}); !last.Gone() || last.Upload != mine.Upload {
		t.Fatalf("the log holds %+v", last)
	}
}

// Whoever was removing the folder died on the way: for a moment the folder is left to them, then it is everybody's again.
func TestARemovalThatWasBrokenOff(t *testing.T) {
	s := begin(t)
	for age, admitted := range map[time.Duration]bool{time.Second: false, time.Hour: true} {
		marked := s.mkdir(files.Root, "Class "+age.String())
		marked.State, marked.GoneAt = files.StateRemoving, time.Now().Add(-age)
		data, err := json.Marshal(marked)
		s.ok(err)
		_, err = s.nc.Request(marked.Subject, data, time.Second)
		s.ok(err)
		marked = s.last(marked)
		if err = s.log.Admit(t.Context(), marked); admitted {
			s.ok(err)
			s.mkdir(marked.ID, "group")
		} else {
			s.is(err, fault.Denied, `the folder "Class 1s" is being removed`)
		}
		if now := s.last(marked); (now.State == files.StateLanded) != admitted || now.GoneAt.IsZero() != admitted {
			t.Errorf("after %s: %+v", age, now)
		}
	}
}

func TestRmdir(t *testing.T) {
	s := begin(t)
	photo := s.land(s.album, "x.jpg", "one")
	s.is(s.log.Rmdir(t.Context(), s.album, by), fault.Invalid, `the folder "Class 1" is not empty: "x.jpg" is in it`)
	group := s.mkdir(s.album.ID, "group")
	s.remove(photo)
	s.is(s.log.Rmdir(t.Context(), s.album, by), fault.Invalid, `the folder "Class 1" is not empty: "group" is in it`)
	s.ok(s.log.Rmdir(t.Context(), group, by))

	record, err := s.log.Uploads().Put(t.Context(), files.Record{Job: s.job, Folder: s.album.ID, Name: "y.jpg", Upload: photo.Upload, State: files.UploadPartial})
	s.ok(err)
	s.is(s.log.Rmdir(t.Context(), s.album, by), fault.Invalid, `the folder "Class 1" is not empty: the upload of "y.jpg" is not finished`)
	s.ok(s.log.Uploads().Delete(t.Context(), record))

	s.ok(s.log.Rmdir(t.Context(), s.album, by))
	s.holds(files.Root, nil)
	s.is(s.log.Rmdir(t.Context(), s.album, by), fault.NotFound, `there is no "Class 1" here`)
	_, err = s.log.Make(t.Context(), files.Entry{Job: s.job, Parent: s.album.ID, Name: "group"})
	s.is(err, fault.NotFound, `the folder "Class 1" was removed`)

	again := s.mkdir(files.Root, "CLASS 1")
	if again.ID != s.album.ID || again.Name != "CLASS 1" {
		t.Fatalf("made again %+v", again)
	}
}

func TestMakeRefusals(t *testing.T) {
	s := begin(t)
	for _, c := range []struct {
		parent, name string
		kind         fault.Kind
		words        string
	}{
		{files.Root, "class 1", fault.Exists, `the folder "Class 1" exists already`},
		{files.Root, " Gruppen", fault.Invalid, `" Gruppen" is a part of an album: create an album folder first`},
		{s.album.ID, "Best of", fault.Invalid, `an album holds only the folders "group" and "individuals"`},
		{"01NOSUCHFOLDER", "group", fault.NotFound, "the folder was removed"},
		{"a.*", "group", fault.Invalid, `"a.*" cannot be a folder id`},
		{files.Root, "..", fault.Invalid, `".." is not a name`},
	} {
		e, err := s.log.Make(t.Context(), files.Entry{Job: s.job, Parent: c.parent, Name: c.name})
		s.is(err, c.kind, c.words)
		if c.kind == fault.Exists && e.ID != s.album.ID {
			t.Fatalf("the loser was answered %+v", e)
		}
	}
}
