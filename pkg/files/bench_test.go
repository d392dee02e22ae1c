package files_test

import (
	"fmt"
	"testing"

	"filmgate.dev/pkg/files"
)

func BenchmarkLand(b *testing.B) {
	s := begin(b)
	for i := 0; b.Loop(); i++ {
		s.land(s.album, fmt.Sprintf("%d.jpg", i), "one")
	}
}

func BenchmarkFile(b *testing.B) {
	s := begin(b)
	s.land(s.album, "x.jpg", "one")
	for b.Loop() {
		s.ok(second(s.log.File(b.Context(), s.job, s.album.ID, "x.jpg")))
	}
}

func BenchmarkMove(b *testing.B) {
	s := begin(b)
	e := s.land(s.album, "x.jpg", "one")
	for i := 0; b.Loop(); i++ {
		e = s.move(e, s.album, fmt.Sprintf("%d.jpg", i%2))
	}
}

func BenchmarkList1000(b *testing.B) {
	s := begin(b)
	for i := range 1000 {
		s.land(s.album, fmt.Sprintf("%d.jpg", i), "one")
	}
	var entries []files.Entry
	for b.Loop() {
		var err error
		entries, err = s.log.List(b.Context(), s.job, s.album.ID)
		s.ok(err)
	}
	if len(entries) != 1000 {
		b.Fatalf("%d entries", len(entries))
	}
}
