//go:build !(turbo && cgo)

package engine

// Fastest answers the engine for this build.
func Fastest() Engine { return Planar{} }
