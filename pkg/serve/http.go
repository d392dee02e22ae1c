package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// HTTP serves on the listener until ctx ends, then lets running requests finish within a bound: halfway through it their
// contexts end, which is how streams of events learn of it. It closes the listener.
func HTTP(ctx context.Context, lis net.Listener, handler http.Handler) error {
	base, endRequests := context.WithCancel(context.WithoutCancel(ctx))
	defer endRequests()
	server := &http.Server{
		Handler:           handler,
		BaseContext:       func(net.Listener) context.Context { return base },
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(lis) }()
	select {
	case err := <-served:
		// Connections outlive their listener; the listener's error is the one to tell.
		return fmt.Errorf("serving HTTP on %s: %w", lis.Addr(), errors.Join(err, server.Close()))
	case <-ctx.Done():
	}
	timer := time.AfterFunc(grace/2, endRequests)
	defer timer.Stop()
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := server.Shutdown(bound)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	if e := <-served; err == nil && !errors.Is(e, http.ErrServerClosed) {
		err = e
	}
	if err != nil {
		return fmt.Errorf("stopping HTTP on %s: %w", lis.Addr(), err)
	}
	return nil
}
