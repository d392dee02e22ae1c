// Package codes finds the QR codes that a photograph shows, and says when it shows a card that cannot be read.
//
// It looks for the three square rings in the corners of a code at several scales, lays a grid of modules over the picture
// that follows perspective and bent paper, takes blur off in the grid, where it is small, and has gozxing correct what
// is still wrong. What it does not read it says, because the photos behind an unreadable card belong to nobody until a
// person has looked. Built with cgo and the tag zxing, it asks zxing-cpp as well.
package codes

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Luma is the brightness of a photograph; row y begins at Pix[y*Stride]. The best long edge is about 3,000 pixels: more is
// halved first, and of less only large codes can be read.
type Luma struct {
	Pix                   []byte
	Stride, Width, Height int
}

// Bounds of what is answered.
const (
	MostCodes = 5
	MostText  = 512 // bytes; a longer text is no access code, and its card counts as not read
)

// Point is a place in shares of the picture's width and height: {0, 0} is its upper left corner, {1, 1} its lower right.
type Point struct{ X, Y float64 }

// Code is one QR code that was read.
type Code struct {
	Text    string   // valid UTF-8 without control characters but line breaks and tabs, at most MostText bytes, never empty
	Corners [4]Point // upper left, upper right, lower right and lower left of the code as one reads it, however it is turned
}

// Finding is what a photograph shows.
type Finding struct {
	Codes  []Code // at most MostCodes, from the top of the picture down
	Unread bool   // there is a card or a code besides Codes that could not be read
}

// Find looks for codes. It stops soon after ctx ends and answers then, with ctx's error, what it has found so far. The
// same plane always gives the same finding, in bounded time and memory, and no bytes of one make it panic. It changes
// nothing and may run many times at once.
func Find(ctx context.Context, luma Luma) (Finding, error) {
	if luma.Width <= 0 || luma.Height <= 0 || luma.Stride < luma.Width || (len(luma.Pix)-luma.Width)/luma.Stride < luma.Height-1 || len(luma.Pix) < luma.Width {
		return Finding{}, fmt.Errorf("codes: %d bytes are no plane of %d × %d pixels in rows of %d", len(luma.Pix), luma.Width, luma.Height, luma.Stride)
	}
	s := &search{ctx: ctx}
	err := s.run(newLevel(luma))
	slices.SortStableFunc(s.found, func(a, b Code) int { return int(1000*a.Corners[0].Y) - int(1000*b.Corners[0].Y) })
	return Finding{Codes: s.found, Unread: s.unread()}, err
}

// acceptable answers a text that may leave this package.
func acceptable(text string) (string, bool) {
	if text == "" || len(text) > MostText || !utf8.ValidString(text) {
		return "", false
	}
	bad := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' }
	return text, !strings.ContainsFunc(text, bad)
}
