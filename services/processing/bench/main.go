// Command bench holds our picture engines against others, side by side in one run: CPU seconds, memory, bytes and likeness
// of the derivatives of real and of generated photographs; and what files cost that were made to hurt.
//
// Every run is a process of its own, ours as well as theirs, and rounds go through all of them in turn, so that whatever else the
// machine does hits all alike. `make bench-pictures` runs it; deploy/BENCHMARKS.md keeps the figures.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	photos := flag.String("photos", "", "folder of photographs, beside those that are generated")
	rounds := flag.Int("n", 5, "rounds; figures are medians")
	only := flag.String("only", "", "photos whose names have this in them")
	one := flag.String("one", "", "make derivatives once with this engine of ours, for a measurement: FILE SIZES DIR")
	bombed := flag.Bool("bombs", false, "measure files that were made to hurt, in place of photos")
	looked := flag.String("inspect", "", "say in a line what is thought of a file, for a measurement")
	turbo := flag.String("turbo", "", "this program, built with the tag turbo")
	spawned := flag.Bool("spawn", false, "run a program, for a measurement: PROGRAM ARGUMENTS")
	flag.Parse()
	err := func() error {
		if *spawned {
			return spawn(ctx, flag.Args())
		}
		if *looked != "" {
			return look(ctx, *looked)
		}
		if *bombed {
			return defuse(ctx, os.Stdout, *only)
		}
		if *one != "" {
			return makeOnce(ctx, *one, flag.Args())
		}
		return compare(ctx, *photos, *only, *turbo, *rounds)
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func compare(ctx context.Context, photos, only, turbo string, rounds int) (err error) {
	dir, err := os.MkdirTemp("", "filmgate-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	samples, err := collect(photos, only, dir)
	if err != nil {
		return err
	}
	engines := available(ctx, turbo)
	fmt.Printf("%s/%s, %d processors, %s, %s; medians of %d rounds\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), time.Now().Format(time.DateOnly), rounds)
	for _, e := range engines {
		fmt.Printf("- %s: %s\n", e.name, e.what)
	}
	for _, s := range samples {
		if err := s.measure(ctx, engines, rounds, dir); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}
