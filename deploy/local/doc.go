// Package local proves the production shape that cluster.sh starts: what was told OK is there exactly once, whatever dies
// while real clients upload.
//
// It holds nothing but tests, which take minutes and CPU: `make cluster-test` runs them, `go test` alone skips them.
package local
