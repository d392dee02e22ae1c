package files_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/files"
)

// A file that is renamed back and forth is in every listing under one of its names, and none is ever missing.
func TestListWhileFilesAreRenamed(t *testing.T) {
	s := begin(t)
	const n = 50
	photos := make([]files.Entry, n)
	for i := range photos {
		photos[i] = s.land(s.album, fmt.Sprintf("%d.jpg", i), "one")
	}
	ctx, cancel := context.WithCancel(t.Context())
	var renaming sync.WaitGroup
	for i := range 4 {
		renaming.Go(func() {
			log := reopen(t, s.nc)
			e := photos[i*10]
			for turn := 0; ctx.Err() == nil; turn++ {
				moved, err := log.Move(t.Context(), files.MoveRequest{From: e, ToParent: s.album.ID, ToName: fmt.Sprintf("%d-%d.jpg", i, turn%3)})
				if err != nil {
					t.Error(err)
					return
				}
				e = moved
			}
		})
	}
	for range 30 {
		entries, err := s.log.List(t.Context(), s.job, s.album.ID)
		if err != nil {
			t.Error(err)
			break
		}
		seen := map[string]bool{}
		for _, e := range entries {
			seen[e.ID] = true
		}
		if len(seen) != n {
			t.Errorf("a listing shows %d of %d photos", len(seen), n)
			break
		}
	}
	cancel()
	renaming.Wait()
}

func TestListLeavesNoConsumerBehind(t *testing.T) {
	s := begin(t)
	s.land(s.album, "x.jpg", "one")
	for range 20 {
		s.ok(second(s.log.List(t.Context(), s.job, s.album.ID)))
	}
	s.ok(s.nc.Flush())
	js, err := jetstream.New(s.nc)
	s.ok(err)
	stream, err := js.Stream(t.Context(), files.Stream)
	s.ok(err)
	for stream.CachedInfo().State.Consumers > 0 { // nobody waited for the deletions
		s.ok(second(stream.Info(t.Context())))
	}
}

// One bad message never hides the others.
func TestListWithABadEntry(t *testing.T) {
	s := begin(t)
	photo := s.land(s.album, "x.jpg", "one")
	js, err := jetstream.New(s.nc)
	s.ok(err)
	s.ok(second(js.Publish(t.Context(), photo.Subject[:len(photo.Subject)-26]+"00000000000000000000000000", []byte("{"))))
	s.holds(s.album.ID, map[string]string{"x.jpg": photo.Upload})
}

// Many listings at once wait for one another, and each is whole.
func TestManyListingsAtOnce(t *testing.T) {
	s := begin(t)
	const n = 20
	for i := range n {
		s.land(s.album, fmt.Sprintf("%d.jpg", i), "one")
	}
	var listing sync.WaitGroup
	for range 40 {
		listing.Go(func() {
			if entries, err := s.log.List(t.Context(), s.job, s.album.ID); err != nil || len(entries) != n {
				t.Error(len(entries), err)
			}
		})
	}
	listing.Wait()
}
