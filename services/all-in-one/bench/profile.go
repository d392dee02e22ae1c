package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"
)

// profiledSeconds is how much of a load the CPU profile sees, from its beginning.
const profiledSeconds = 6

// profile begins to take a CPU profile of the edge, if one is wanted; the answered function waits for it and takes one of the
// allocations. The last run's stay.
func (s *sideBySide) profile(ctx context.Context, l *load, address string) (wait func() error) {
	if s.profiles == "" {
		return func() error { return nil }
	}
	var work errgroup.Group
	work.Go(func() error {
		return fetch(ctx, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", address, profiledSeconds), filepath.Join(s.profiles, "cpu-"+l.name+".pprof"))
	})
	return func() error {
		if err := work.Wait(); err != nil {
			return err
		}
		return fetch(ctx, "http://"+address+"/debug/pprof/allocs", filepath.Join(s.profiles, "allocs-"+l.name+".pprof"))
	}
}

func fetch(ctx context.Context, url, path string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, answer.Status)
	}
	return os.WriteFile(path, b, 0o600)
}
