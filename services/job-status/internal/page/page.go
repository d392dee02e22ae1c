// Package page asks for a list a part at a time, so that no answer grows without bound.
package page

import (
	"github.com/oklog/ulid/v2"

	"filmgate.dev/pkg/fault"
)

// Sizes of a page.
const (
	usual = 100
	most  = 500
)

// Page asks for what comes after a key (an id or slug), at most so many.
type Page struct {
	After string
	Limit int
}

// Parse reads the request's fields: size 0 = 100, at most 500; the token is the last key of the page before.
func Parse(size int32, token string) (Page, error) {
	switch {
	case size < 0:
		return Page{}, fault.New(fault.Invalid, "the size of a page cannot be negative")
	case size == 0:
		size = usual
	case size > most:
		size = most
	}
	if len(token) > 64 {
		return Page{}, fault.New(fault.Invalid, "this page token is not one of ours")
	}
	return Page{After: token, Limit: int(size)}, nil
}

// ParseIDs does the same for lists in the order of ids.
func ParseIDs(size int32, token string) (Page, error) {
	if _, err := ulid.ParseStrict(token); token != "" && err != nil {
		return Page{}, fault.New(fault.Invalid, "this page token is not one of ours")
	}
	return Parse(size, token)
}

// Next answers the token of the following page: the last key of a full page, or "" at the end.
func Next[T any](p Page, list []T, key func(T) string) string {
	if len(list) < p.Limit {
		return ""
	}
	return key(list[len(list)-1])
}
