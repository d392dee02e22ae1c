package usage

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/oklog/ulid/v2"

	"filmgate.dev/pkg/embednats/natstest"
	"filmgate.dev/pkg/files"
)

// BenchmarkFile is what limits add to an OPEN: hardly anything, but for one in half a minute ("asked").
func BenchmarkFile(b *testing.B) {
	_, nc := natstest.Start(b)
	js, err := jetstream.New(nc)
	must(b, err)
	must(b, files.Provision(b.Context(), js, 1))
	log, err := files.Open(nc, files.Config{})
	must(b, err)
	for _, names := range []int{100, 5000} {
		job := files.Job{Account: "demo", ID: ulid.Make().String()}
		album, err := log.Make(b.Context(), files.Entry{Job: job, JobName: "JOB00001", Parent: files.Root, Name: "Class 1", User: "anna"})
		must(b, err)
		for i := range names {
			_, err := log.Land(b.Context(), files.Landing{Entry: files.Entry{
				Job: job, JobName: "JOB00001", Parent: album.ID, Name: fmt.Sprint(i, ".jpg"), Upload: ulid.Make().String(), User: "anna",
			}})
			must(b, err)
		}
		into := Folder{Job: job, JobName: "JOB00001", ID: album.ID, Name: album.Name}
		for name, limits := range map[string]Limits{"without": {}, "names": {Names: 10_000}, "quota": {Names: 10_000, Bytes: 1 << 40}} {
			for _, every := range []bool{false, true} {
				if every && limits == (Limits{}) {
					continue
				}
				b.Run(fmt.Sprintf("%d/%s/asked=%t", names, name, every), func(b *testing.B) {
					m := New(log, limits)
					clock := time.Now()
					m.now = func() time.Time { return clock }
					for b.Loop() {
						if every {
							clock = clock.Add(2 * fresh)
						}
						h, err := m.File(b.Context(), into, nil)
						must(b, err)
						h.Drop()
					}
				})
			}
		}
		b.Run(fmt.Sprintf("%d/one read of an OPEN", names), func(b *testing.B) {
			for b.Loop() {
				_, err := log.File(b.Context(), job, album.ID, "1.jpg")
				must(b, err)
			}
		})
	}
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
