package main

import (
	"net/http"
	"net/http/pprof"
)

// profiles answers net/http/pprof's pages. They show what is in memory, so they have an address of their own, and none by
// default.
func profiles() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}
