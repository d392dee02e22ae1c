package local

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/testphotos"
	catalogv1 "filmgate.dev/proto/catalog/v1"
	jobsv1 "filmgate.dev/proto/jobs/v1"
)

// struckAfter is how many of the 300 photos have been told OK when the fault comes.
const struckAfter = 60

// Each fault comes while real clients upload 300 photos. Whatever they were told OK is in the catalog afterwards, with its
// bytes, and nothing else; and each photo was said to be ingested exactly once.
func TestFaults(t *testing.T) {
	c := startCluster(t)
	// Small pictures in files of a usual size: what is asked for is that nothing is lost, and the decoder loses nothing.
	shares := makePhotos(t, t.TempDir(), testphotos.Options{Width: 800, Height: 600}, 3_000_000, 75, 75, 75, 75)
	var leader string
	nothing := func() {}
	faults := []struct {
		name   string
		strike func() // returns when the fault is over, if it ends by itself
		mend   func() // after the uploads
	}{
		{name: "nothing", strike: nothing, mend: nothing},
		{
			name: "the leader of FILES is killed",
			strike: func() {
				leader = c.leader("FILES")
				c.script("kill", leader)
			},
			mend: func() { c.script("start", leader) },
		},
		{
			name:   "an edge is killed",
			strike: func() { c.script("kill", "sftp-edge-1") },
			mend:   func() { c.script("start", "sftp-edge-1") },
		},
		{
			name:   "PostgreSQL is restarted",
			strike: func() { c.script("stop", "postgres"); c.script("start", "postgres") },
			mend:   nothing,
		},
		{
			name: "S3 is away for 30 s",
			strike: func() {
				c.script("stop", "minio")
				time.Sleep(30 * time.Second) // this is the fault
				c.script("start", "minio")
			},
			mend: nothing,
		},
	}
	for i, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			job := c.makeJob(fmt.Sprintf("FAULT-%d", i))
			r := c.strikeDuring(t, job, shares, f.strike)
			f.mend()
			photos := c.settled(job, len(r.told.ok))
			ready := time.Since(r.ended)
			r.check(t, c, job, shares, photos)
			r.report(t, ready)
		})
	}
}

// run is one upload during which something happened.
type run struct {
	told                         *told
	began, struck, mended, ended time.Time
	before                       int // told OK when the fault came
}

var shareClients = []string{"sftp", "sftp", "lftp", "rclone"}

// strikeDuring lets the clients upload, and strikes when some photos have landed.
func (c *cluster) strikeDuring(t *testing.T, job *jobsv1.Job, shares [][]photoFile, strike func()) run {
	t.Helper()
	r := run{told: newTold(), began: time.Now()}
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	var clients errgroup.Group
	for i, files := range shares {
		u := &upload{t: t, dir: t.TempDir(), client: shareClients[i], target: c.env["FILMGATE_SMOKE_SFTP"], key: c.key,
			job: job.GetInternalName(), album: fmt.Sprintf("Class %d", i+1), files: files, told: r.told}
		clients.Go(func() error { return u.run(ctx) })
	}
	c.until("the first photos have landed", func() bool { return r.told.count() >= struckAfter })
	r.struck, r.before = time.Now(), r.told.count()
	strike()
	r.mended = time.Now()
	if err := clients.Wait(); err != nil {
		t.Fatalf("%v; last words: %v", err, r.told.said)
	}
	r.ended = time.Now()
	if r.before >= 290 {
		t.Errorf("%d photos had landed already: the fault came too late", r.before)
	}
	return r
}

// check holds the catalog and the events against what the clients were told.
func (r run) check(t *testing.T, c *cluster, job *jobsv1.Job, shares [][]photoFile, photos []*catalogv1.Photo) {
	t.Helper()
	want, have := map[string]string{}, map[string]string{}
	for i, files := range shares {
		for _, f := range files {
			key := fmt.Sprintf("Class %d/%s", i+1, f.name)
			if _, ok := r.told.ok[key]; ok {
				want[key] = f.sha256
			}
		}
	}
	ids := map[string]bool{}
	for _, p := range photos {
		key := p.GetAlbumName() + "/" + p.GetName()
		if _, twice := have[key]; twice {
			t.Errorf("%s is in the catalog twice", key)
		}
		have[key], ids[p.GetId()] = p.GetSha256(), true
		if p.GetState() != catalogv1.PhotoState_PHOTO_STATE_READY {
			t.Errorf("%s is %s: %s", key, p.GetState(), p.GetProblem().GetMessage())
		}
	}
	if !maps.Equal(want, have) {
		t.Errorf("clients were told OK for %d files, the catalog has %d; only told: %v; only there: %v",
			len(want), len(have), missingFrom(want, have), missingFrom(have, want))
	}
	if said := c.listed(job); !maps.Equal(have, said) {
		t.Errorf("`filmgate photo list` has %d files, gRPC %d", len(said), len(have))
	}
	// A client may remove a file of which it was told nothing, and send it again: that photo's ingested is one too many, and is
	// followed by its photo.removed.
	var ingested map[string]int
	c.until("every photo was said to be ingested", func() bool {
		ingested = map[string]int{}
		removed := map[string]bool{}
		seen := map[string]int{}
		for _, env := range c.heard(job) {
			seen[env.ID]++
			switch kind, _ := env.Kind(); kind {
			case events.TypePhotoIngested:
				ingested[decode[events.PhotoIngested](t, env).Photo.ID]++
			case events.TypePhotoRemoved:
				removed[decode[events.PhotoRemoved](t, env).Photo.ID] = true
			}
		}
		for id, n := range seen {
			if n > 1 {
				t.Errorf("%s was said %d times", id, n)
			}
		}
		for id := range removed {
			if !ids[id] {
				delete(ingested, id)
			}
		}
		return len(ingested) >= len(ids)
	})
	for id, n := range ingested {
		if n != 1 || !ids[id] {
			t.Errorf("photo %s was said to be ingested %d times; in the catalog: %t", id, n, ids[id])
		}
	}
}

func missingFrom(a, b map[string]string) []string {
	var list []string
	for key, sum := range a {
		if b[key] != sum {
			list = append(list, key)
		}
	}
	slices.Sort(list)
	return list[:min(len(list), 10)]
}

// report prints for how long the fault was felt.
func (r run) report(t *testing.T, ready time.Duration) {
	t.Helper()
	before := longestGap(r.told.ok, "", r.began, r.struck)
	after := longestGap(r.told.ok, "", r.struck, r.ended)
	var each []string
	for i, client := range shareClients {
		each = append(each, fmt.Sprintf("%s %.1f s", client, longestGap(r.told.ok, fmt.Sprintf("Class %d/", i+1), r.struck, r.ended).Seconds()))
	}
	load, _ := os.ReadFile("/proc/loadavg")
	t.Logf("| %s | %d | %.1f s | %.1f s | %.1f s (%s) | %v | %.0f s | %.1f s | load %s |",
		filepath.Base(t.Name()), r.before, r.mended.Sub(r.struck).Seconds(), before.Seconds(), after.Seconds(), strings.Join(each, ", "),
		r.told.retries, r.ended.Sub(r.began).Seconds(), ready.Seconds(), strings.Fields(string(load))[0])
	for client, words := range r.told.said {
		t.Logf("%s, the last words about a failure: %s", client, words)
	}
}

// longestGap answers the longest time between two OKs of a client, or of all, from one moment to another.
func longestGap(ok map[string]time.Time, prefix string, from, to time.Time) time.Duration {
	at := []time.Time{from}
	for key, when := range ok {
		if strings.HasPrefix(key, prefix) && when.After(from) && when.Before(to) {
			at = append(at, when)
		}
	}
	slices.SortFunc(at, time.Time.Compare)
	var longest time.Duration
	for i := 1; i < len(at); i++ {
		longest = max(longest, at[i].Sub(at[i-1]))
	}
	return longest
}
