package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"filmgate.dev/pkg/testphotos"
)

// pipeline is what the whole way of many photos takes, from the first byte over SFTP to the last thumbnail.
type pipeline struct {
	uploaded, ready time.Duration // since the first byte: all were told safe, all are ready
	cpu             float64       // seconds, of the whole product
	took            []int64       // landed → ready in milliseconds, in order
	peakMiB         float64
}

// measurePipelines runs `bench pipeline`: one build of the product, and another beside it.
func measurePipelines(ctx context.Context, args []string) (err error) {
	flags := flag.NewFlagSet("bench pipeline", flag.ExitOnError)
	bin := flags.String("bin", ".bin", "folder of the binary filmgate")
	against := flags.String("against", "", "folder of another filmgate, to hold this one against: what a change has won")
	folder := flags.String("photos", "", "folder of photographs, *.jpg; without one they are painted")
	n := flags.Int("n", 200, "photos: each photograph under so many names that there are enough, no two the same bytes")
	connections := flags.Int("connections", 8, "connections at once")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "filmgate-bench-pipeline-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	pictures, err := photographs(*folder)
	if err != nil {
		return err
	}
	files, err := writePhotos(filepath.Join(dir, "photos"), *n, pictures)
	if err != nil {
		return err
	}
	builds := []string{*bin}
	if *against != "" {
		builds = []string{*against, *bin}
	}
	fmt.Printf("%s/%s, %d processors, %s, %s; %d photos (%d different) over %d connections\n\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(),
		runtime.Version(), time.Now().Format(time.DateOnly), *n, len(pictures), *connections)
	fmt.Println("| build | photos/s | photos per CPU s | all uploaded after | landed → ready p50 | p95 | peak memory |\n|---|---|---|---|---|---|---|")
	for i, build := range builds {
		p, err := measurePipeline(ctx, build, filepath.Join(dir, fmt.Sprint(i)), files, *connections)
		if err != nil {
			return fmt.Errorf("%s: %w", build, err)
		}
		name := "this one"
		if build == *against {
			name = "the other"
		}
		fmt.Printf("| %s | %.2f | %.2f | %.1f s | %.2f s | %.2f s | %.0f MiB |\n", name, float64(*n)/p.ready.Seconds(), float64(*n)/p.cpu,
			p.uploaded.Seconds(), at(p.took, 50), at(p.took, 95), p.peakMiB)
	}
	return nil
}

// at answers a percentile in seconds.
func at(sorted []int64, percent int) float64 {
	return float64(sorted[(len(sorted)-1)*percent/100]) / 1000
}

// photographs answers those of a folder or, without one, 24 megapixels as cameras write them and as editors do.
func photographs(folder string) (all [][]byte, err error) {
	if folder == "" {
		for _, s := range []testphotos.Sampling{testphotos.Subsampled, testphotos.Full} {
			all = append(all, testphotos.JPEG(testphotos.Options{Width: 6000, Height: 4000, Seed: uint64(len(all)), Sampling: s, Camera: testphotos.Studio()}))
		}
		return all, nil
	}
	paths, err := filepath.Glob(filepath.Join(folder, "*.jpg"))
	if err != nil || len(paths) == 0 {
		return nil, fmt.Errorf("there are no photographs in %s", folder)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, nil
}

func measurePipeline(ctx context.Context, bin, dir string, files []string, connections int) (m pipeline, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return m, err
	}
	p, err := startProduct(ctx, bin, dir)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	before, err := p.cpuSeconds()
	if err != nil {
		return m, err
	}
	begun := time.Now()
	var clients errgroup.Group
	for i := range connections {
		clients.Go(func() error {
			var mine []string
			for j := i; j < len(files); j += connections {
				mine = append(mine, files[j])
			}
			return p.sftp(ctx, p.card.SFTP.Address, batch("Pipeline", mine))
		})
	}
	if err := clients.Wait(); err != nil {
		return m, err
	}
	m.uploaded = time.Since(begun)
	if err := p.waitReady(ctx, "Pipeline", len(files)); err != nil {
		return m, err
	}
	m.ready = time.Since(begun)
	after, err := p.cpuSeconds()
	if err != nil {
		return m, err
	}
	m.cpu = after - before
	if m.took, err = p.durations(ctx, "Pipeline"); err != nil {
		return m, err
	}
	slices.Sort(m.took)
	m.peakMiB, err = p.peakMiB()
	return m, err
}
