package albummapper

import (
	"slices"
	"testing"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/pkg/sqldb/sqltest"
)

// The disaster drill: NATS is gone with everything in it, the database is not.
func TestRebuildAfterNATSWasLost(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		before := openStudio(t, db)
		before.sayJob("JOB00001", "Summer Fair", "PLANNING", 1)
		album := before.mustMake(files.Root, "Class 1")
		before.mustLand(album.ID, "a.jpg", "a")
		before.mustLand(album.ID, "b.jpg", "b")
		before.mustLand(album.ID, "a.jpg", "a, once more")
		if err := before.log.Remove(ctx, before.mustLand(album.ID, "c.jpg", "c"), files.By{User: "anna"}); err != nil {
			t.Fatal(err)
		}
		before.until("c.jpg is gone", func() bool { return len(before.ids(events.TypePhotoRemoved)) == 1 })
		photos := before.ready(2)
		// What was said, but not yet noted as said, would be said again to whoever comes, under the same id.
		before.until("everything is noted as said", func() bool {
			var waiting int
			if err := db.QueryRowContext(ctx, `SELECT count(*) FROM outbox`).Scan(&waiting); err != nil {
				t.Fatal(err)
			}
			return waiting == 0
		})
		before.stop()

		anew := startBus(t)
		n, err := Rebuild(ctx, db, anew.nc, 1)
		if err != nil || n != 4 {
			t.Fatalf("%d entries, %v", n, err)
		}
		listed, err := anew.log.List(ctx, before.job, album.ID)
		if err != nil || len(listed) != 2 {
			t.Fatalf("listed %v, %v", listed, err)
		}
		if epoch, err := anew.log.Epoch(ctx); err != nil || epoch != 2 {
			t.Fatalf("epoch %d, %v", epoch, err)
		}

		after := openStudioOn(t, db, anew)
		after.photographer.job = before.job
		after.mustLand(album.ID, "d.jpg", "d")
		now := after.ready(3)
		if got, want := names(now), []string{"a.jpg", "b.jpg", "d.jpg"}; !slices.Equal(got, want) {
			t.Errorf("listed %q, want %q", got, want)
		}
		for i, p := range photos {
			if now[i].GetId() != p.GetId() || now[i].GetVersion() != p.GetVersion() || now[i].GetSha256() != p.GetSha256() {
				t.Errorf("%v became %v", p, now[i])
			}
		}
		// Nothing is said again of what was said before.
		id := "photo.ingested:" + now[2].GetId() + ":" + now[2].GetVersion()
		after.until("the new photo is ingested", func() bool { return slices.Contains(after.ids(events.TypePhotoIngested), id) })
		for _, kind := range []events.Type{events.TypePhotoIngested, events.TypePhotoUpdated, events.TypePhotoRemoved, events.TypeFileLanded} {
			for _, id := range after.ids(kind) {
				if slices.Contains(before.ids(kind), id) {
					t.Errorf("%s was said again", id)
				}
			}
		}
		if _, err := Rebuild(ctx, db, anew.nc, 1); !fault.Is(err, fault.Conflict) {
			t.Errorf("a log that lives was rebuilt: %v", err)
		}
	})
}
