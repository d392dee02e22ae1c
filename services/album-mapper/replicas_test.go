package albummapper

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/sqldb/sqltest"
)

// Two replicas share every consumer and one database; one of them stops while photos land, and another one starts.
func TestReplicasComeAndGo(t *testing.T) {
	s := openStudio(t, sqltest.Postgres(t))
	s.sayJob("JOB00001", "JOB00001", "PLANNING", 1)
	start := func() (stop func()) {
		replica, err := New(t.Context(), Config{}, s.service.deps)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
		var running sync.WaitGroup
		running.Go(func() {
			if err := replica.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		stop = sync.OnceFunc(func() {
			cancel()
			running.Wait()
		})
		t.Cleanup(stop)
		return stop
	}
	stop := start()
	album := s.mustMake(files.Root, "Class 1")
	group := s.mustMake(album.ID, "group")
	const photos = 40
	for n := range photos {
		s.mustLand([]string{album.ID, group.ID}[n%2], fmt.Sprintf("IMG_%d.jpg", n/2), fmt.Sprint("photo ", n))
		switch n {
		case photos / 3:
			stop()
		case photos / 2:
			start()
		}
	}
	s.ready(photos)
	s.until("all said", func() bool { return len(s.ids(events.TypePhotoIngested)) >= photos })
	for _, kind := range []events.Type{events.TypePhotoIngested, events.TypeFileLanded} {
		if ids := s.ids(kind); len(ids) != photos || len(slices.Compact(slices.Sorted(slices.Values(ids)))) != photos {
			t.Errorf("%s was said %d times: %q", kind, len(ids), ids)
		}
	}
}

// A photo that lost its path to another without a message is said to be removed once nothing can tell otherwise any more.
func TestAPhotoThatLostItsPathIsSaidToBeRemoved(t *testing.T) {
	s := openStudio(t, sqltest.SQLite(t))
	s.sayJob("JOB00001", "JOB00001", "PLANNING", 1)
	album := s.mustMake(files.Root, "Class 1")
	lost := s.mustLand(album.ID, "x.jpg", "a")
	other := s.mustLand(album.ID, "y.jpg", "b")
	s.ready(2)
	moved, err := s.log.Move(t.Context(), files.MoveRequest{From: other, ToParent: album.ID, ToName: "x.jpg", Replace: true, By: s.by()})
	if err != nil {
		t.Fatal(err)
	}
	s.until("said", func() bool { return len(s.ids(events.TypePhotoRemoved)) > 0 })
	if removed := dataOf[events.PhotoRemoved](t, s.event(events.TypePhotoRemoved)); removed.Photo.ID != lost.ID || removed.Photo.State != "removed" {
		t.Errorf("said %+v", removed)
	}
	if all := s.ready(1); all[0].GetId() != moved.ID || all[0].GetName() != "x.jpg" {
		t.Errorf("listed %v", all)
	}
}
