package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"filmgate.dev/pkg/testphotos"
)

// measureEdge sends photos over several connections to an edge of its own.
func (p *product) measureEdge(ctx context.Context, bin string, s size) error {
	// Small pictures in large files: what is measured is receiving, not decoding.
	files, err := p.photos("received", s.received, func(i int) []byte {
		b := testphotos.JPEG(testphotos.Options{Width: 320, Height: 240, Seed: uint64(i)})
		return padded(b, s.megabytes*1_000_000)
	})
	if err != nil {
		return err
	}
	e, err := p.startEdge(ctx, bin)
	if err != nil {
		return err
	}
	begun := time.Now()
	var clients errgroup.Group
	for i := range s.connections {
		clients.Go(func() error {
			var mine []string
			for j := i; j < len(files); j += s.connections {
				mine = append(mine, files[j])
			}
			return p.sftp(ctx, e.address, batch("Received", mine))
		})
	}
	if err := clients.Wait(); err != nil {
		return err
	}
	wall := time.Since(begun)
	used, err := e.stop()
	if err != nil {
		return err
	}
	if err := p.waitReady(ctx, "Received", s.received); err != nil {
		return err
	}
	gib := float64(s.received*s.megabytes) * 1e6 / (1 << 30)
	row(fmt.Sprintf("edge, %d photos of %d MB over %d connections: CPU seconds per GiB received", s.received, s.megabytes, s.connections),
		"%.2f", (seconds(used.Utime)+seconds(used.Stime))/gib)
	row("edge: received per second, everything on this machine", "%.0f MiB", gib*1024/wall.Seconds())
	row("edge: peak memory", "%.0f MiB", float64(used.Maxrss)/1024)
	return nil
}

// measurePictures sends camera-sized photos and takes the whole product's CPU time until all are ready.
func (p *product) measurePictures(ctx context.Context, s size) error {
	files, err := p.photos("pictures", s.pictures, func(i int) []byte {
		return testphotos.JPEG(testphotos.Options{Width: 6000, Height: 4000, Seed: uint64(i), Camera: testphotos.Studio()})
	})
	if err != nil {
		return err
	}
	before, err := p.cpuSeconds()
	if err != nil {
		return err
	}
	begun := time.Now()
	if err := p.sftp(ctx, p.card.SFTP.Address, batch("Pictures", files)); err != nil {
		return err
	}
	if err := p.waitReady(ctx, "Pictures", s.pictures); err != nil {
		return err
	}
	after, err := p.cpuSeconds()
	if err != nil {
		return err
	}
	row(fmt.Sprintf("%d photos of 24 megapixels, received, stored and processed: photos per CPU second of the whole product", s.pictures),
		"%.2f", float64(s.pictures)/(after-before))
	row("the same, photos per second", "%.2f", float64(s.pictures)/time.Since(begun).Seconds())
	return nil
}

// measureSingles sends photos one at a time, each when the one before is ready.
func (p *product) measureSingles(ctx context.Context, s size) error {
	files, err := p.photos("singles", s.singles, func(i int) []byte {
		return testphotos.JPEG(testphotos.Options{Width: 4000, Height: 3000, Seed: uint64(i), Camera: testphotos.Studio()})
	})
	if err != nil {
		return err
	}
	for i, f := range files {
		if err := p.sftp(ctx, p.card.SFTP.Address, batch("Singles", []string{f})); err != nil {
			return err
		}
		if err := p.waitReady(ctx, "Singles", i+1); err != nil {
			return err
		}
	}
	took, err := p.durations(ctx, "Singles")
	if err != nil {
		return err
	}
	slices.Sort(took)
	row(fmt.Sprintf("single photos of 12 megapixels, landed → ready, p50 of %d", len(took)), "%d ms", took[len(took)/2])
	row("the same, p99", "%d ms", took[len(took)*99/100])
	return nil
}

// photos writes test photos, a few different pictures under many names.
func (p *product) photos(folder string, n int, picture func(int) []byte) ([]string, error) {
	const different = 4
	pictures := make([][]byte, min(n, different))
	for i := range pictures {
		pictures[i] = picture(i + 1)
	}
	return writePhotos(filepath.Join(p.dir, folder), n, pictures)
}

// writePhotos writes pictures under many names, in turn: every file has bytes of its own.
func writePhotos(dir string, n int, pictures [][]byte) ([]string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	paths := make([]string, n)
	for i := range n {
		paths[i] = filepath.Join(dir, fmt.Sprintf("IMG_%04d.jpg", i+1))
		b := pictures[i%len(pictures)]
		if err := os.WriteFile(paths[i], commented(b, fmt.Sprintf("%08d", i)), 0o600); err != nil {
			return nil, err
		}
	}
	return paths, nil
}

// commented adds a JPEG comment, so that a file's bytes are its own.
func commented(b []byte, comment string) []byte {
	n := len(comment) + 2
	return slices.Concat(b[:2], []byte{0xff, 0xfe, byte(n >> 8), byte(n)}, []byte(comment), b[2:])
}

// padded fills a JPEG up with comments.
func padded(b []byte, to int) []byte {
	for len(b) < to {
		b = commented(b, strings.Repeat(".", min(60_000, to-len(b))))
	}
	return b
}

func (p *product) sftp(ctx context.Context, address, commands string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	askpass := filepath.Join(p.dir, "askpass")
	cmd := exec.CommandContext(ctx, "sftp", "-q", "-F", "none", "-P", port, "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null",
		"-oLogLevel=ERROR", "-oPreferredAuthentications=password", "-oBatchMode=no", "-b", "-", p.card.SFTP.User+"@"+host)
	cmd.Env = append(os.Environ(), "SSH_ASKPASS="+askpass, "SSH_ASKPASS_REQUIRE=force", "SFTP_PASSWORD="+p.card.SFTP.Password)
	cmd.Stdin = strings.NewReader(commands)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("sftp: %w\n%s", err, out)
	}
	return nil
}

type photo struct {
	Photo struct{ State string }
	Album struct{ Name string }
}

func (p *product) waitReady(ctx context.Context, album string, want int) error {
	for {
		out, err := p.filmgate(ctx, "photo", "list", "--job", "JOB00001", "--json")
		if err != nil {
			return err
		}
		ready := 0
		for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
			var one photo
			if err := dec.Decode(&one); err != nil {
				return err
			}
			if one.Album.Name != album {
				continue
			}
			if one.Photo.State == "failed" {
				return fmt.Errorf("a photo in %s failed", album)
			}
			if one.Photo.State == "ready" {
				ready++
			}
		}
		if ready == want {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// durations answers landed → ready in milliseconds, as photo.ingested tells it.
func (p *product) durations(ctx context.Context, album string) ([]int64, error) {
	out, err := p.filmgate(ctx, "events", "tail", "--json", "--from-start", "--no-follow")
	if err != nil {
		return nil, err
	}
	var took []int64
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var e struct {
			Type string
			Data struct {
				Album  struct{ Name string }
				Ingest struct{ DurationMS int64 }
			}
		}
		if err := dec.Decode(&e); err != nil {
			return nil, err
		}
		if e.Type == "dev.filmgate.photo.ingested.v1" && e.Data.Album.Name == album {
			took = append(took, e.Data.Ingest.DurationMS)
		}
	}
	if len(took) == 0 {
		return nil, fmt.Errorf("nothing was ingested into %s", album)
	}
	return took, nil
}

func (p *product) filmgate(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, p.bin, args...)
	cmd.Env = append(os.Environ(), "FILMGATE_DATA="+p.data)
	cmd.Stderr = os.Stderr
	return cmd.Output()
}
