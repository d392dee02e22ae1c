package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"

	"filmgate.dev/pkg/serve"
)

// profiler serves net/http/pprof's pages until stop, so while the edge drains too. They show what is in memory: they have an
// address of their own, and none by default.
func profiler(ctx context.Context, address string, log *slog.Logger) (stop func(), err error) {
	if address == "" {
		return func() {}, nil
	}
	lis, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	ctx, stop = context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		if err := serve.HTTP(ctx, lis, mux); err != nil {
			log.Warn("no profiles any more", "error", err)
		}
	}()
	return stop, nil
}
