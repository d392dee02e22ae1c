package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// stages are the running parts of an instance, in the order they were started. They stop in the opposite order, each one
// only after everything that depends on it is gone.
type stages struct {
	log     *slog.Logger
	running []*stage
	failed  chan error // the first part that ended by itself
}

type stage struct {
	name string
	stop func()
	done chan struct{}
}

func newStages(log *slog.Logger) *stages {
	return &stages{log: log, failed: make(chan error, 1)}
}

// run starts a part that works until its context ends.
func (s *stages) run(name string, part func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	st := &stage{name: name, stop: cancel, done: make(chan struct{})}
	s.running = append(s.running, st)
	go func() {
		defer close(st.done)
		err := part(ctx)
		if ctx.Err() != nil && err == nil {
			return
		}
		if err == nil {
			err = fmt.Errorf("ended by itself")
		}
		select {
		case s.failed <- fmt.Errorf("%s: %w", name, err):
		default:
		}
	}()
}

// hold adds a part that runs by itself until stop is called, such as an embedded server.
func (s *stages) hold(name string, stop func()) {
	st := &stage{name: name, done: make(chan struct{})}
	st.stop = func() {
		go func() {
			defer close(st.done)
			stop()
		}()
	}
	s.running = append(s.running, st)
}

// stop ends every part within the limit and reports whether all of them did.
func (s *stages) stop(limit time.Duration) error {
	deadline := time.After(limit)
	for _, st := range slices.Backward(s.running) {
		begun := time.Now()
		st.stop()
		select {
		case <-st.done:
			s.log.Debug("stopped", "part", st.name, "after", time.Since(begun).Round(time.Millisecond).String())
		case <-deadline:
			return fmt.Errorf("%s did not stop within %v", st.name, limit)
		}
	}
	return nil
}
