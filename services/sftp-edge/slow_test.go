package sftpedge_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pkg/sftp"
)

// BenchmarkSlowUploads has 300 clients send 3 MB each at 100 KiB/s at the same time to an edge with 1 GiB, while somebody
// else asks for a file's size all the time. It prints how many finished at the first try, how many were refused at OPEN, how many failed
// later, the 99th percentile of the STATs, and the edge's peak memory. One run takes about 40 s.
func BenchmarkSlowUploads(b *testing.B) {
	const uploads, size, piece = 300, 3_000_000, 10 << 10
	e := start(b)
	server := e.spawnPlain("GOMEMLIMIT=922MiB", "FILMGATE_SFTP_MEMORY=512MiB", "FILMGATE_SFTP_MAX_PER_USER=400", "FILMGATE_SFTP_MAX_PER_ADDRESS=400", "FILMGATE_SFTP_MAX_UPLOADS_PER_USER=400", "FILMGATE_SFTP_PPROF=127.0.0.1:6061")
	c := e.client("anna")
	must(b, c.Mkdir("/JOB00001/Class 1"))
	e.put(c, "/JOB00001/Class 1/there.jpg", photo(1000, 1))
	content := photo(size, 2)
	var finished, refusedAtOpen, failed atomic.Int64
	clients := make([]*sftp.Client, uploads)
	for n := range clients {
		clients[n] = e.client("anna")
	}
	for b.Loop() {
		var work sync.WaitGroup
		for n, client := range clients {
			work.Go(func() {
				switch opened, err := sendSlowly(client, fmt.Sprintf("/JOB00001/Class 1/%d.jpg", n), content, piece); {
				case err == nil:
					finished.Add(1)
				case !opened && strings.Contains(err.Error(), "busy"):
					refusedAtOpen.Add(1)
				default:
					failed.Add(1)
					b.Log(err)
				}
			})
		}
		done := make(chan struct{})
		go func() { work.Wait(); close(done) }()
		var stats []time.Duration
		for running := true; running; {
			began := time.Now()
			_, err := c.Stat("/JOB00001/Class 1/there.jpg")
			must(b, err)
			stats = append(stats, time.Since(began))
			select {
			case <-done:
				running = false
			case <-time.After(5 * time.Millisecond):
			}
		}
		slices.Sort(stats)
		b.ReportMetric(float64(stats[len(stats)*99/100].Microseconds())/1000, "p99-stat-ms")
	}
	must(b, server.command.Process.Signal(syscall.SIGTERM))
	state := server.wait()
	b.ReportMetric(float64(finished.Load())/float64(b.N), "finished")
	b.ReportMetric(float64(refusedAtOpen.Load())/float64(b.N), "refused-at-open")
	b.ReportMetric(float64(failed.Load())/float64(b.N), "failed-later")
	b.ReportMetric(float64(state.SysUsage().(*syscall.Rusage).Maxrss)/1024, "peak-MiB")
	if failed.Load() > 0 {
		b.Error("uploads failed after their first byte was taken")
	}
	e.landed("Class 1/0.jpg", content)
}

// sendSlowly sends about ten pieces a second.
func sendSlowly(c *sftp.Client, path string, content []byte, piece int) (opened bool, err error) {
	f, err := c.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return false, err
	}
	began := time.Now()
	for off := 0; off < len(content); off += piece {
		if _, err := f.WriteAt(content[off:min(len(content), off+piece)], int64(off)); err != nil {
			return true, errors.Join(err, f.Close())
		}
		due := began.Add(time.Duration(off) * time.Second / (10 * 10 << 10))
		time.Sleep(time.Until(due))
	}
	return true, f.Close()
}
