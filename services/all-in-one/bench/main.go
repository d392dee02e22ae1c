// Command bench measures the product as its users meet it: the real binaries, driven by OpenSSH's sftp, on this machine.
//
// It prints one table: CPU seconds for each GiB that the edge receives (the edge as a process of its own), photos for each
// CPU second, the time from landed to ready of single photos, and peak memory. `make bench` runs it; deploy/BENCHMARKS.md
// keeps the figures.
//
// `bench edge` holds the edge alone, in front of MinIO, against OpenSSH's own server: `make bench-edge`. `bench pipeline`
// takes the way of many photographs from SFTP to ready, and can hold another build beside this one: `make bench-pipeline`.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"
)

type size struct {
	received    int // photos that the edge receives
	megabytes   int // each
	connections int
	pictures    int // camera-sized photos that are processed
	singles     int // photos that are uploaded one at a time
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "edge":
			exit(measureSideBySide(ctx, os.Args[2:]))
			return
		case "pipeline":
			exit(measurePipelines(ctx, os.Args[2:]))
			return
		}
	}
	var s size
	bin := flag.String("bin", ".bin", "folder of the binaries filmgate and sftp-edge")
	flag.IntVar(&s.received, "received", 200, "photos that the edge receives")
	flag.IntVar(&s.megabytes, "megabytes", 6, "size of each of them")
	flag.IntVar(&s.connections, "connections", 8, "connections at once")
	flag.IntVar(&s.pictures, "pictures", 16, "24-megapixel photos to process")
	flag.IntVar(&s.singles, "singles", 40, "12-megapixel photos to upload one at a time")
	flag.Parse()
	exit(run(ctx, *bin, s))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, bin string, s size) (err error) {
	dir, err := os.MkdirTemp("", "filmgate-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	fmt.Printf("%s/%s, %d processors, %s, %s\n\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), time.Now().Format(time.DateOnly))
	fmt.Println("| what | figure |\n|---|---|")

	product, err := startProduct(ctx, bin, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, product.stop()) }()
	row("up and serving after", "%.2f s", product.upAfter.Seconds())

	if err := product.measureEdge(ctx, bin, s); err != nil {
		return err
	}
	if err := product.measurePictures(ctx, s); err != nil {
		return err
	}
	if err := product.measureSingles(ctx, s); err != nil {
		return err
	}
	peak, err := product.peakMiB()
	if err != nil {
		return err
	}
	row("peak memory of filmgate (everything in one process), all of the above", "%.0f MiB", peak)
	return nil
}

func row(what, format string, args ...any) {
	fmt.Printf("| %s | %s |\n", what, fmt.Sprintf(format, args...))
}

// batch answers sftp's commands for putting files into an album of the demo job.
func batch(album string, files []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "-mkdir \"JOB00001/%s\"\n", album)
	for _, f := range files {
		fmt.Fprintf(&b, "put %q \"JOB00001/%s\"\n", f, album)
	}
	return b.String()
}
