//go:build !failpoint

// Package failpoint lets a test kill the process at a named step. In the product it is nothing: the tests build a binary of
// their own, with the tag failpoint.
package failpoint

// Here marks a step.
func Here(string) {}
