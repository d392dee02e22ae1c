package albummapper

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/outbox"
	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/pkg/sqldb/sqltest"

	"filmgate.dev/services/album-mapper/internal/place"
	"filmgate.dev/services/album-mapper/internal/store"
)

// What the catalog shows must not depend on which messages between the last ones came, in which order and how often; and
// whoever only listens to what is said must end with the same picture.
func TestAnyDeliveryMakesTheSameCatalog(t *testing.T) {
	b := startBus(t)
	db := migrated(t, sqltest.SQLite(t))
	rapid.Check(t, func(rt *rapid.T) { checkDeliveries(t, rt, b, db) })
}

func TestAnyDeliveryMakesTheSameCatalogOnPostgres(t *testing.T) {
	if testing.Short() {
		t.Skip("the same on SQLite takes less time")
	}
	b := startBus(t)
	db := migrated(t, sqltest.Postgres(t))
	checks := 0
	rapid.Check(t, func(rt *rapid.T) {
		if checks++; checks <= 10 {
			checkDeliveries(t, rt, b, db)
		}
	})
}

func migrated(t testing.TB, db *sqldb.DB) *sqldb.DB {
	t.Helper()
	if err := errors.Join(db.Migrate(t.Context(), store.Migrations), outbox.Migrate(t.Context(), db)); err != nil {
		t.Fatal(err)
	}
	return db
}

func checkDeliveries(t *testing.T, rt *rapid.T, b bus, db *sqldb.DB) {
	p := newPhotographer(t, b, "studio-a")
	for range rapid.IntRange(1, 25).Draw(rt, "actions") {
		p.act(t, rt)
	}
	isFinal := finals(p.said)

	coin := func() bool { return rapid.Bool().Draw(rt, "process now") }
	want := play(t, db, p.said, coin)
	want.check(rt, "in order")

	shuffled := play(t, db, disturb(rt, p.said), coin)
	shuffled.check(rt, "shuffled")
	want.same(rt, "shuffled", shuffled)
	want.sameFacts(rt, "shuffled", shuffled)

	some := deliverable(slices.DeleteFunc(slices.Clone(p.said), func(e files.Entry) bool { return !isFinal(e) && rapid.Bool().Draw(rt, "lost") }))
	lossy := play(t, db, some, coin)
	lossy.check(rt, "some lost")
	want.same(rt, "some lost", lossy)
	lossyShuffled := play(t, db, disturb(rt, some), coin)
	lossyShuffled.check(rt, "some lost, shuffled")
	want.same(rt, "some lost, shuffled", lossyShuffled)
	lossy.sameFacts(rt, "some lost, shuffled", lossyShuffled)

	last := slices.DeleteFunc(slices.Clone(p.said), func(e files.Entry) bool { return !isFinal(e) })
	compacted := play(t, db, disturb(rt, last), coin)
	compacted.check(rt, "compacted")
	want.same(rt, "compacted", compacted)
}

// finals answers which messages are the last of their path: those are always delivered.
func finals(said []files.Entry) func(files.Entry) bool {
	final := map[string]uint64{}
	for _, e := range said {
		final[e.Subject] = max(final[e.Subject], e.Sequence)
	}
	return func(e files.Entry) bool { return final[e.Subject] == e.Sequence }
}

// deliverable leaves out what stands in a folder of which no word is left: its own folder's entry stood in the log for as long as it
// did, so whoever hears of the one hears of the other.
func deliverable(said []files.Entry) []files.Entry {
	for {
		told := map[string]bool{files.Root: true}
		for _, e := range said {
			if e.Folder() && !e.Gone() {
				told[e.ID] = true
			}
		}
		kept := slices.DeleteFunc(slices.Clone(said), func(e files.Entry) bool { return !e.Gone() && !told[e.Parent] })
		if len(kept) == len(said) {
			return kept
		}
		said = kept
	}
}

// disturb repeats some messages and changes their order.
func disturb(rt *rapid.T, said []files.Entry) []files.Entry {
	again := slices.Clone(said)
	for _, e := range said {
		if rapid.IntRange(0, 3).Draw(rt, "again") == 0 {
			again = append(again, e)
		}
	}
	return rapid.Permutation(again).Draw(rt, "order")
}

// outcome is what came of a delivery.
type outcome struct {
	shown map[string]string // what people see, by thing
	facts map[string]string // shown, and what is kept of the trash and of uploads
	said  []events.Envelope
}

var errUndo = errors.New("undone, so that the next delivery finds an empty catalog")

// play delivers messages in the given order, answers photo.mapped as processing would, now and then, and settles.
func play(t *testing.T, db *sqldb.DB, said []files.Entry, processNow func() bool) outcome {
	t.Helper()
	s := &Service{deps: Deps{Installation: "test"}, bucket: "photos", now: func() time.Time { return time.Now().UTC() }}
	var out outcome
	err := db.InTx(t.Context(), func(ctx context.Context, tx sqldb.Tx) error {
		out = outcome{}
		stage := s.newTurn(tx)
		var work []events.PhotoMapped
		drain := func() {
			more := takeOutbox(t, tx)
			out.said = append(out.said, more...)
			for _, env := range more {
				if kind, _ := env.Kind(); kind == events.TypePhotoMapped {
					work = append(work, dataOf[events.PhotoMapped](t, env))
				}
			}
		}
		queue := slices.Clone(said)
		for waited := 0; len(queue) > 0; {
			err := stage.entryHeard(ctx, queue[0], 1)
			if waited >= 2*len(queue) && queue[0].Gone() && fault.Is(err, fault.NotFound) {
				err = stage.orphanHeard(ctx, queue[0], 1) // the log was asked for its folder, and has no word of it
			}
			switch {
			case waited > 4*len(queue):
				return fmt.Errorf("%s waits for ever for its folder %s", queue[0].Subject, queue[0].Parent)
			case fault.Is(err, fault.NotFound):
				queue = append(queue[1:], queue[0]) // its folder comes later
				waited++
				continue
			case err != nil:
				return err
			}
			queue, waited = queue[1:], 0
			drain()
			if len(work) > 0 && processNow() {
				if err := process(ctx, stage, work[0]); err != nil {
					return err
				}
				work = work[1:]
				drain()
			}
			stage = s.newTurn(tx)
		}
		for ; len(work) > 0; drain() {
			if err := process(ctx, stage, work[0]); err != nil {
				return err
			}
			work = work[1:]
		}
		if err := stage.settle(ctx, 1, 1<<62); err != nil {
			return err
		}
		drain()
		out.shown, out.facts = dump(t, ctx, tx)
		return errUndo
	})
	if !errors.Is(err, errUndo) {
		t.Fatal(err)
	}
	return out
}

// process answers as processing would: files with the content "4" are no pictures.
func process(ctx context.Context, t *turn, m events.PhotoMapped) error {
	if broken(m) {
		return t.photoRejected(ctx, rejected(m))
	}
	return t.photoProcessed(ctx, processed(m))
}

func broken(m events.PhotoMapped) bool {
	return slices.ContainsFunc([]string{"4", "broken"}, func(content string) bool { return m.SHA256 == fmt.Sprintf("%064x", content) })
}

func rejected(m events.PhotoMapped) events.PhotoRejected {
	return events.PhotoRejected{Account: m.Account, JobID: m.JobID, PhotoID: m.PhotoID, Version: m.Version,
		Attempt: m.Attempt, Reason: events.Reason{Code: "damaged", Message: "The picture is damaged."}}
}

func processed(m events.PhotoMapped) events.PhotoProcessed {
	return events.PhotoProcessed{Account: m.Account, JobID: m.JobID, PhotoID: m.PhotoID, Version: m.Version, Attempt: m.Attempt,
		MediaType: "image/jpeg", Image: events.Image{Width: 6, Height: 4, Orientation: 1, DisplayWidth: 6, DisplayHeight: 4},
		Derivatives: []events.Derivative{{Name: "320", Width: 3, Height: 2, MediaType: "image/jpeg", Bytes: 7,
			Object: events.Object{Bucket: "photos", Key: "d/" + m.Version}}}}
}

func takeOutbox(t *testing.T, tx sqldb.Tx) []events.Envelope {
	t.Helper()
	rows, err := tx.QueryContext(t.Context(), `SELECT body FROM outbox ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []events.Envelope
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			t.Fatal(err)
		}
		env, err := events.Decode(body)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, env)
	}
	rows.Close()
	if _, err := tx.ExecContext(t.Context(), `DELETE FROM outbox`); err != nil {
		t.Fatal(err)
	}
	return all
}

// dump answers the catalog, thing by thing.
func dump(t *testing.T, ctx context.Context, tx sqldb.Tx) (shown, facts map[string]string) {
	t.Helper()
	shown, facts = map[string]string{}, map[string]string{}
	rows := store.In(tx)
	each := func(query string, see func(id string)) {
		found, err := tx.QueryContext(ctx, query)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for found.Next() {
			var id string
			if err := found.Scan(&id); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id)
		}
		found.Close()
		for _, id := range ids {
			see(id)
		}
	}
	each(`SELECT id FROM folders`, func(id string) {
		f, _, err := rows.Folder(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprint(f.Standing.State, " ", f.Parent, " ", f.Kind, " ", f.Section, " ", f.Name, " ", f.CreatedAt.UnixMilli())
		facts["folder "+id] = text
		if f.Standing.State == place.Here {
			shown["folder "+id] = text
		}
	})
	each(`SELECT id FROM photos`, func(id string) {
		p, _, err := rows.Photo(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		e := p.Entry
		text := fmt.Sprint(p.Shown(), " ", e.Parent, " ", e.Name, " ", e.Upload, " ", e.Bytes, " ", e.SHA256, " ", e.ModifiedAt.Unix(), " ", e.User)
		facts["photo "+id] = text
		if p.Standing.State != place.Here {
			return
		}
		text += fmt.Sprint(" ", p.Problem, " ", p.Attempt, " ", p.DuplicateOf)
		if p.Result != nil {
			text += " " + p.Result.Derivatives[0].Key
		}
		shown["photo "+id] = text
	})
	each(`SELECT id FROM uploads`, func(id string) {
		u, _, err := rows.Upload(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		facts["upload "+id] = fmt.Sprint(u.Photo, " ", u.Fate, " ", u.Bytes, " ", u.Told)
		if u.Fate == store.FateLanded {
			shown["upload "+id] = facts["upload "+id]
		}
	})
	return shown, facts
}

func (o outcome) same(rt fatal, how string, other outcome) { compare(rt, how, o.shown, other.shown) }
func (o outcome) sameFacts(rt fatal, how string, other outcome) {
	compare(rt, how, o.facts, other.facts)
}

func compare(rt fatal, how string, want, got map[string]string) {
	rt.Helper()
	var differences []string
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if got[key] != want[key] {
			differences = append(differences, fmt.Sprintf("%s\n  want %s\n  got  %s", key, want[key], got[key]))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[key]; !ok {
			differences = append(differences, fmt.Sprintf("%s\n  want nothing\n  got  %s", key, got[key]))
		}
	}
	if len(differences) > 0 {
		rt.Fatalf("%s:\n%s", how, strings.Join(differences, "\n"))
	}
}

// check listens to what was said as another team would, and compares its picture with the catalog.
func (o outcome) check(rt fatal, how string) {
	rt.Helper()
	seen := map[string]bool{}
	heard := newListener()
	for _, env := range o.said {
		if seen[env.ID] {
			rt.Fatalf("%s: %s was said twice", how, env.ID)
		}
		seen[env.ID] = true
		if err := heard.hear(env); err != nil {
			rt.Fatalf("%s: %v", how, err)
		}
	}
	want, got := map[string]string{}, heard.picture()
	for key, text := range o.shown {
		words := strings.Fields(text)
		switch {
		case strings.HasPrefix(key, "photo "):
			want[key] = words[0]
		case strings.HasPrefix(key, "folder ") && words[2] == string(files.KindAlbum):
			want[key] = "here"
		case strings.HasPrefix(key, "upload ") && !seen["file.landed:"+strings.TrimPrefix(key, "upload ")]:
			rt.Fatalf("%s: %s landed and nobody was told", how, key)
		}
	}
	compare(rt, how+", as told", want, got)
	for key, place := range heard.places() {
		if shown, ok := o.shown[key]; ok && !strings.Contains(shown, place) {
			rt.Fatalf("%s: %s was told to be at %s, and is %s", how, key, place, shown)
		}
	}
}
