package albummapper

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/pkg/sqldb/sqltest"

	"filmgate.dev/services/album-mapper/internal/store"
)

// BenchmarkEntries measures entries of the files log taken into the catalog, each with its events in the outbox and
// published, one photo in two overwritten or touched as clients do.
func BenchmarkEntries(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *sqldb.DB{"sqlite": sqltest.SQLite, "postgres": sqltest.Postgres} {
		b.Run(name, func(b *testing.B) { benchmarkEntries(b, open(b)) })
	}
}

func benchmarkEntries(b *testing.B, db *sqldb.DB) {
	on := startBus(b)
	p := newPhotographer(b, on, "studio-a")
	album, err := p.make(b, files.Root, "Class 1")
	if err != nil {
		b.Fatal(err)
	}
	for i := range b.N {
		if _, err := p.land(b, album.ID, fmt.Sprintf("IMG_%05d.jpg", i), fmt.Sprint(i)); err != nil {
			b.Fatal(err)
		}
	}
	service, err := New(b.Context(), Config{}, Deps{DB: db, NATS: on.nc, Files: on.log, Log: quiet, Installation: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	before := cpu(b)
	b.ResetTimer()
	running.Go(func() {
		if err := service.Run(ctx); err != nil {
			b.Error(err)
		}
	})
	for count := int64(0); count < int64(b.N); time.Sleep(20 * time.Millisecond) {
		counts, err := store.In(db).CountPhotos(b.Context(), p.job.Account, p.job.ID)
		if err != nil {
			b.Fatal(err)
		}
		for _, c := range counts {
			count = c.Photos
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/entry")
	b.StopTimer()
	cancel()
	running.Wait()
}

// cpu answers the processor time of this process, which holds the bus as well; the database only if it is SQLite.
func cpu(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
