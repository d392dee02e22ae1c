package files_test

import (
	"fmt"
	"testing"

	"filmgate.dev/pkg/files"
)

func TestCountAndHeld(t *testing.T) {
	s := begin(t)
	count := func(folder string, want int) {
		t.Helper()
		if n, err := s.log.Count(t.Context(), s.job, folder); err != nil || n != want {
			t.Errorf("%s: %d places are counted, not %d (%v)", folder, n, want, err)
		}
	}
	held := func(n, bytes int64) {
		t.Helper()
		if h, err := s.log.Held(t.Context(), s.job); err != nil || h != (files.Holding{Files: n, Bytes: bytes}) {
			t.Errorf("the job holds %+v, not %d files of %d bytes (%v)", h, n, bytes, err)
		}
	}
	count(files.Root, 1)
	count(s.album.ID, 0)
	held(0, 0)
	group := s.mkdir(s.album.ID, "group")
	first := s.land(s.album, "a.jpg", "12345")
	s.stage(s.album, "b.jpg.filepart", "123")
	s.land(group, "c.jpg", "1234567")
	count(files.Root, 1)
	count(s.album.ID, 3)
	count(group.ID, 1)
	held(3, 15)
	s.land(s.album, "a.jpg", "1234567890") // a version more is no file more
	count(s.album.ID, 3)
	held(3, 20)
	s.remove(s.last(first))
	count(s.album.ID, 3) // its tombstone stays
	held(2, 10)
	partial := files.Record{Job: s.job, JobName: "JOB00001", Folder: s.album.ID, Name: "d.jpg", Upload: "01J00000000000000000000009", State: files.UploadOpen, Bytes: 8}
	partial, err := s.log.Uploads().Put(t.Context(), partial)
	s.ok(err)
	held(2, 10) // a running upload is its edge's to count
	partial.State = files.UploadPartial
	_, err = s.log.Uploads().Put(t.Context(), partial)
	s.ok(err)
	held(3, 18)
	if n, err := s.log.Count(t.Context(), files.Job{Account: "demo", ID: "another"}, files.Root); err != nil || n != 0 {
		t.Error("another job holds", n, err)
	}
	if _, err := s.log.Count(t.Context(), s.job, ">"); err == nil {
		t.Error("a wildcard was taken for a folder")
	}
}

func BenchmarkCount(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := begin(b)
			for i := range n {
				s.land(s.album, fmt.Sprintf("%d.jpg", i), "one")
			}
			for b.Loop() {
				got, err := s.log.Count(b.Context(), s.job, s.album.ID)
				s.ok(err)
				if got != n {
					b.Fatal(got)
				}
			}
		})
	}
}
