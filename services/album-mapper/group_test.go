package albummapper

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/pkg/sqldb/sqltest"

	"filmgate.dev/services/album-mapper/internal/store"
)

// serviceOn is a service that is not running.
func serviceOn(t *testing.T, b bus, db *sqldb.DB) *Service {
	t.Helper()
	s, err := New(t.Context(), Config{}, Deps{DB: db, NATS: b.nc, Files: b.log, Log: quiet, Installation: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func job(id string) store.Job {
	j := store.Job{Account: "studio-a", Revision: 1}
	j.ID, j.Name, j.InternalName, j.Status = id, id, id, "PLANNING"
	return j
}

// Handlers that share a transaction share nothing else: neither a panic nor what was left half done.
func TestPartsOfATransactionDoNotHarmEachOther(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serviceOn(t, startBus(t), db)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { s.commits(ctx) })
		defer running.Wait()
		defer cancel()

		put := func(id string, then func() error) func(context.Context, *turn) error {
			return func(ctx context.Context, t *turn) error {
				if err := t.PutJob(ctx, job(id)); err != nil {
					return err
				}
				return then()
			}
		}
		waits := func() error { return fault.New(fault.NotFound, "its folder is not known yet") }
		fine := func() error { return nil }
		panics := func() error { panic("boom") }

		// All but the first wait until that one is at work, so that they come together.
		entered, goOn := make(chan struct{}), make(chan struct{})
		var together sync.WaitGroup
		errs := make([]error, 4)
		together.Go(func() {
			errs[0] = s.commit(ctx, put("first", func() error {
				close(entered)
				<-goOn
				return nil
			}))
		})
		<-entered
		for i, then := range []func() error{waits, fine, panics} {
			together.Go(func() { errs[i+1] = s.commit(ctx, put([]string{"waits", "fine", "panics"}[i], then)) })
		}
		close(goOn)
		together.Wait()
		// They may have come together or not; so once more, surely in one transaction.
		parts := make([]work, 3)
		for i, then := range []func() error{waits, fine, waits} {
			parts[i] = work{put(fmt.Sprint("part ", i), then), make(chan error, 1)}
		}
		if err := s.transact(ctx, parts...); err != nil {
			t.Fatal(err)
		}

		if errs[0] != nil || !fault.Is(errs[1], fault.NotFound) || errs[2] != nil || errs[3] == nil || !fault.Is(errs[3], fault.Internal) {
			t.Errorf("answers: %v", errs)
		}
		for id, want := range map[string]bool{
			"first": true, "waits": false, "fine": true, "panics": false, "part 0": false, "part 1": true, "part 2": false,
		} {
			if _, known, err := store.In(db).Job(ctx, id); err != nil || known != want {
				t.Errorf("%q is kept: %t, %v; want %t", id, known, err, want)
			}
		}
	})
}

// An album that was renamed stands behind its photos in the log. More of these than may be waiting at once must not keep
// the album from being heard.
func TestPhotosBeforeTheirAlbum(t *testing.T) {
	b := startBus(t)
	p := newPhotographer(t, b, "studio-a")
	album, err := p.make(t, files.Root, "Class 1")
	if err != nil {
		t.Fatal(err)
	}
	const photos = 300
	for n := range photos {
		if _, err := p.land(t, album.ID, fmt.Sprintf("IMG_%d.jpg", n), fmt.Sprint(n)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.log.Move(t.Context(), files.MoveRequest{From: album, ToParent: files.Root, ToName: "Class 2", By: p.by()}); err != nil {
		t.Fatal(err)
	}
	db := sqltest.SQLite(t)
	s := serviceOn(t, b, db)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	defer running.Wait()
	defer cancel()
	look := &studio{t: t}
	look.until("all photos in the catalog", func() bool {
		in, err := store.In(db).PhotosIn(ctx, album.ID)
		if err != nil {
			t.Fatal(err)
		}
		return len(in) == photos
	})
}

func TestAPanicFailsItsOwnHandlerAlone(t *testing.T) {
	s := openStudio(t, sqltest.SQLite(t))
	var all sync.WaitGroup
	for i := range 2 * mostTogether {
		all.Go(func() {
			err := s.service.commit(t.Context(), func(context.Context, *turn) error {
				if i%3 == 0 {
					panic("a bug")
				}
				return nil
			})
			if i%3 == 0 && (err == nil || fault.KindOf(err) != fault.Internal) {
				t.Errorf("a panic was answered with %v", err)
			}
			if i%3 != 0 && err != nil {
				t.Errorf("a neighbour of a panic: %v", err)
			}
		})
	}
	all.Wait()
}
