package local

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"filmgate.dev/pkg/testphotos"
	catalogv1 "filmgate.dev/proto/catalog/v1"
)

// What a second replica is worth on this machine. Every part and the clients share its processors, so the figures say what
// limits and what it costs, not what a second machine would give.
func TestScale(t *testing.T) {
	c := startCluster(t)
	t.Run("processing", c.scaleProcessing) // first: the other one leaves pictures waiting
	t.Run("edges", c.scaleEdges)
}

// scaleEdges sends 160 files of 6 MB over 8 connections, through one edge and through two.
func (c *cluster) scaleEdges(t *testing.T) {
	const connections, each = 8, 20
	c.script(append([]string{"stop"}, "processing-1", "processing-2")...) // they are the other measurement
	defer c.script("start", "processing-1", "processing-2")
	shares := make([]int, connections)
	for i := range shares {
		shares[i] = each
	}
	files := makePhotos(t, t.TempDir(), testphotos.Options{Width: 320, Height: 240}, 6_000_000, shares...)
	for _, edges := range []int{1, 2} {
		if edges == 1 {
			c.script("stop", "sftp-edge-2")
		} else {
			c.script("start", "sftp-edge-2")
		}
		job := c.makeJob(fmt.Sprintf("EDGES-%d", edges))
		before, begun := c.cpu(t), time.Now()
		all := newTold()
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		var clients errgroup.Group
		for i := range connections {
			u := &upload{t: t, dir: t.TempDir(), client: "sftp", target: c.env["FILMGATE_SMOKE_SFTP"], key: c.key,
				job: job.GetInternalName(), album: fmt.Sprint("Class ", i), files: files[i], told: all}
			clients.Go(func() error { return u.run(ctx) })
		}
		must(t, clients.Wait())
		wall := time.Since(begun).Seconds()
		if retries := all.retries["sftp"]; retries != 0 {
			t.Errorf("%d retries; the last one: %s", retries, all.said["sftp"])
		}
		n := float64(connections * each)
		t.Logf("| %d | %.1f | %.1f | %.0f | %s |", edges, wall, n/wall, n*6/wall, c.cpu(t).since(before, wall))
	}
}

// scaleProcessing lets photos wait for processing, and has one replica and then two make their pictures, with one worker each.
func (c *cluster) scaleProcessing(t *testing.T) {
	const photos = 40
	t.Setenv("FILMGATE_PROCESSING_WORKERS", "1")
	files := makePhotos(t, t.TempDir(), testphotos.Options{Width: 3000, Height: 2000}, 0, photos)[0]
	for _, replicas := range []int{1, 2} {
		c.script("stop", "processing-1", "processing-2")
		job := c.makeJob(fmt.Sprintf("PROCESSING-%d", replicas))
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		u := &upload{t: t, dir: t.TempDir(), client: "sftp", target: c.env["FILMGATE_SMOKE_SFTP"], key: c.key,
			job: job.GetInternalName(), album: "Class", files: files, told: newTold()}
		must(t, u.run(ctx))
		c.until("all wait", func() bool { return len(c.photos(job)) == photos })
		parts := []string{"start", "processing-1", "processing-2"}[:replicas+1]
		begun := time.Now()
		c.script(parts...)
		before := c.cpu(t)
		for _, p := range c.settled(job, photos) {
			if p.GetState() != catalogv1.PhotoState_PHOTO_STATE_READY {
				t.Errorf("%s is %s", p.GetName(), p.GetState())
			}
		}
		wall := time.Since(begun).Seconds()
		t.Logf("| %d | %.1f | %.2f | %s |", replicas, wall, photos/wall, c.cpu(t).since(before, wall))
	}
}

// cpu is what each kind of part has used so far, in seconds; "machine" is everything, by anybody, on all processors.
type cpu map[string]float64

func (c *cluster) cpu(t *testing.T) cpu {
	t.Helper()
	used := cpu{}
	running, err := filepath.Glob(filepath.Join(c.data, "run", "*.pid"))
	must(t, err)
	for _, path := range running {
		part := strings.TrimSuffix(filepath.Base(path), ".pid")
		fields := stat(fmt.Sprintf("/proc/%d/stat", c.pid(part)))
		if len(fields) < 15 {
			continue
		}
		kind := strings.TrimRight(part, "-0123456789")
		used[kind] += (number(fields[11]) + number(fields[12])) / 100 // USER_HZ is 100 on Linux
	}
	total := strings.Fields(strings.SplitN(string(read("/proc/stat")), "\n", 2)[0])[1:]
	for i, ticks := range total {
		if i != 3 && i != 4 && i < 8 { // idle and waiting
			used["machine"] += number(ticks) / 100
		}
	}
	return used
}

// since says in words how many processors each kind of part used.
func (c cpu) since(before cpu, wall float64) string {
	var words []string
	for _, kind := range []string{"sftp-edge", "balancer", "minio", "nats", "job-status", "album-mapper", "processing", "machine"} {
		words = append(words, fmt.Sprintf("%s %.2f", kind, (c[kind]-before[kind])/wall))
	}
	return strings.Join(words, ", ")
}

func stat(path string) []string {
	text := string(read(path))
	return strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
}

func read(path string) []byte {
	b, _ := os.ReadFile(path) // a part that ended has used nothing more
	return b
}

func number(s string) float64 {
	f, _ := strconv.ParseFloat(s, 64)
	return f
}
