package store

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/pkg/sqldb/sqltest"

	"filmgate.dev/services/album-mapper/internal/album"
	"filmgate.dev/services/album-mapper/internal/photo"
	"filmgate.dev/services/album-mapper/internal/place"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// each runs a test on both databases.
func each(t *testing.T, test func(t *testing.T, r Rows)) {
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		if err := db.Migrate(t.Context(), Migrations); err != nil {
			t.Fatal(err)
		}
		test(t, In(db))
	})
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func entry(id, name string, seq uint64) (files.Entry, place.Claim) {
	e := files.Entry{Kind: files.KindFile, State: files.StateLanded, Job: files.Job{Account: "a", ID: "j"}, JobName: "JOB00001", Parent: "f", ID: id,
		Name: name, Upload: id, Revision: 1, Bytes: 10, SHA256: "s", LandedAt: time.UnixMilli(5).UTC(), Subject: "subject-" + name, Sequence: seq}
	return e, place.Of(e, 1)
}

func TestAnOlderEntryNeverReplacesANewerOne(t *testing.T) {
	each(t, func(t *testing.T, r Rows) {
		for _, seq := range []uint64{2, 1, 3, 2} {
			e, c := entry(fmt.Sprint("p", seq), "x", seq)
			ok(t, r.PutEntry(t.Context(), e, c))
		}
		c, known, err := r.Claim(t.Context(), "subject-x")
		if err != nil || !known || c.ID != "p3" || c.Fence != (place.Fence{Epoch: 1, Sequence: 3}) {
			t.Errorf("held %v, %t, %v", c, known, err)
		}
		e, c := entry("q", "x", 1)
		c.Fence.Epoch = 2 // a rebuilt log begins anew
		ok(t, r.PutEntry(t.Context(), e, c))
		if c, _, err = r.Claim(t.Context(), "subject-x"); err != nil || c.ID != "q" {
			t.Errorf("held %v, %v", c, err)
		}
		if _, known, err = r.Claim(t.Context(), "nothing"); err != nil || known {
			t.Errorf("nothing is %t, %v", known, err)
		}
	})
}

func TestWhatIsBoundToAPath(t *testing.T) {
	each(t, func(t *testing.T, r Rows) {
		e, c := entry("p", "x", 1)
		ok(t, r.PutPhoto(t.Context(), aPhoto(e, c)))
		left, c := entry("q", "y", 2)
		left.State, left.MovedTo = files.StateGone, "subject-x"
		c.State, c.MovedTo = left.State, left.MovedTo
		ok(t, r.PutEntry(t.Context(), left, c))
		bound, err := r.Bound(t.Context(), "subject-x")
		if slices.Sort(bound); err != nil || !slices.Equal(bound, []string{"p", "q"}) {
			t.Errorf("bound %q, %v", bound, err)
		}
		if _, _, known, err := r.NewestEntry(t.Context(), "q"); err != nil || known {
			t.Errorf("an entry that only left tells where it is: %t, %v", known, err)
		}
	})
}

func aPhoto(e files.Entry, c place.Claim) *photo.Photo {
	return &photo.Photo{Entry: e, Claim: c, Standing: place.Standing{State: place.Here}, State: photo.Processing, Attempt: 1}
}

func TestPhotosKeepEverything(t *testing.T) {
	each(t, func(t *testing.T, r Rows) {
		e, c := entry("p", "Ä.jpg", 7)
		p := aPhoto(e, c)
		p.Standing.Until = place.Fence{Epoch: 1, Sequence: 9}
		p.State, p.ReadyAt, p.Hidden, p.Problem = photo.Ready, time.UnixMilli(77).UTC(), true, events.Reason{Code: "c", Message: "m"}
		p.Result = &events.PhotoProcessed{PhotoID: "p", Version: "p", Codes: []string{"x"}}
		p.Told = photo.Told{Ready: "p", Spot: photo.Spot{Album: "f", Section: events.SectionGroup, Name: "n"}, Said: 3}
		ok(t, r.PutPhoto(t.Context(), p))
		older := aPhoto(entry("p", "older.jpg", 6))
		ok(t, r.PutPhoto(t.Context(), older))
		got, known, err := r.PhotoOf(t.Context(), "a", "p")
		if err != nil || !known {
			t.Fatal(known, err)
		}
		want, have := fmt.Sprintf("%+v %+v", *p, *p.Result), fmt.Sprintf("%+v %+v", *got, *got.Result)
		want = string(bytes.ReplaceAll([]byte(want), []byte(fmt.Sprintf("%p", p.Result)), nil))
		have = string(bytes.ReplaceAll([]byte(have), []byte(fmt.Sprintf("%p", got.Result)), nil))
		if want != have {
			t.Errorf("wrote %s\nread  %s", want, have)
		}
		if _, known, err := r.PhotoOf(t.Context(), "b", "p"); err != nil || known {
			t.Errorf("another account sees it: %t, %v", known, err)
		}
		for floor, want := range map[int64]int{8: 0, 9: 1, 10: 1} {
			if ids, err := r.UnsettledPhotos(t.Context(), 1, floor); err != nil || len(ids) != want {
				t.Errorf("at %d are settled %q, %v", floor, ids, err)
			}
		}
		if waiting, err := r.Unsettled(t.Context()); err != nil || !waiting {
			t.Errorf("something waits: %t, %v", waiting, err)
		}
	})
}

func TestPagesAndCounts(t *testing.T) {
	each(t, func(t *testing.T, r Rows) {
		put := func(id, name string, state photo.State, standing place.State) {
			e, c := entry(id, name, 1)
			p := aPhoto(e, c)
			p.State, p.Standing.State = state, standing
			ok(t, r.PutPhoto(t.Context(), p))
		}
		put("p1", "IMG_10", photo.Ready, place.Here)
		put("p2", "img_9", photo.Failed, place.Here)
		put("p3", "IMG_9", photo.Ready, place.Gone)
		put("p4", "a", photo.Processing, place.Staged)
		put("p5", "IMG_010", photo.Processing, place.Here)
		list := func(shown photo.Filter, after string, id string, limit int) []string {
			var ids []string
			var sort []byte
			if after != "" {
				sort = album.SortKey(after)
			}
			all, err := r.Photos(t.Context(), "a", "j", "f", shown, sort, id, limit)
			ok(t, err)
			for _, p := range all {
				ids = append(ids, p.ID())
			}
			return ids
		}
		for _, test := range []struct {
			shown     photo.Filter
			after, id string
			limit     int
			want      []string
		}{
			{photo.Kept(), "", "", 9, []string{"p2", "p1", "p5"}},
			{photo.Kept(), "", "", 1, []string{"p2"}},
			{photo.Kept(), "img_9", "p2", 9, []string{"p1", "p5"}},
			{photo.Kept(), "img_10", "p1", 9, []string{"p5"}},
			{photo.Of(photo.Removed), "", "", 9, []string{"p3"}},
			{photo.Of(photo.Ready, photo.Removed), "", "", 9, []string{"p3", "p1"}},
		} {
			if got := list(test.shown, test.after, test.id, test.limit); !slices.Equal(got, test.want) {
				t.Errorf("%+v: %q", test, got)
			}
		}
		counts, err := r.CountPhotos(t.Context(), "a", "j")
		ok(t, err)
		got := map[photo.State]int64{}
		for _, c := range counts {
			got[c.State] += c.Photos*100 + c.Bytes
		}
		if fmt.Sprint(got) != fmt.Sprint(map[photo.State]int64{photo.Ready: 110, photo.Failed: 110, photo.Removed: 110, photo.Processing: 110}) {
			t.Errorf("counted %v", got)
		}
		p, _, err := r.Photo(t.Context(), "p5")
		if err != nil || p.DuplicateOf != "p1" {
			t.Errorf("p5 is a duplicate of %q, %v", p.DuplicateOf, err)
		}
	})
}

func TestJobsAreFencedByRevision(t *testing.T) {
	each(t, func(t *testing.T, r Rows) {
		for _, revision := range []int64{2, 1, 3, 2} {
			ok(t, r.PutJob(t.Context(), Job{Job: events.Job{ID: "j", InternalName: "JOB00001", Name: fmt.Sprint(revision), Status: "PLANNING"},
				Account: "a", Revision: revision}))
		}
		if j, known, err := r.Job(t.Context(), "j"); err != nil || !known || j.Name != "3" || j.Account != "a" {
			t.Errorf("job %v, %t, %v", j, known, err)
		}
	})
}

func TestFoldersKeepEverything(t *testing.T) {
	each(t, func(t *testing.T, r Rows) {
		f := album.Folder{Account: "a", JobID: "j", ID: "f", Parent: files.Root, Kind: files.KindAlbum, Name: "Class 1", JobName: "JOB00001",
			CreatedAt: time.UnixMilli(4).UTC(), ChangedAt: time.UnixMilli(5).UTC(), ChangedBy: "anna", Revision: 2,
			Claim:    place.Claim{Subject: "s", ID: "f", State: files.StateLanded, Fence: place.Fence{Epoch: 1, Sequence: 4}},
			Standing: place.Standing{State: place.Here}, Told: album.Told{Name: "Class 1", Said: 1}}
		ok(t, r.PutFolder(t.Context(), f))
		older := f
		older.Name, older.Claim.Fence.Sequence = "older", 3
		ok(t, r.PutFolder(t.Context(), older))
		got, known, err := r.Folder(t.Context(), "f")
		if err != nil || !known || got != f {
			t.Errorf("read %+v, %t, %v", got, known, err)
		}
		if n, err := r.CountAlbums(t.Context(), "a", "j"); err != nil || n != 1 {
			t.Errorf("counted %d, %v", n, err)
		}
		if all, err := r.Folders(t.Context(), "b", "j"); err != nil || len(all) != 0 {
			t.Errorf("another account sees %v, %v", all, err)
		}
	})
}
