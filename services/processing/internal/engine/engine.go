// Package engine turns an original into the pictures that pages show: a set of smaller JPEGs in sRGB, the right way up and
// with nothing but the owner's name in them, a placeholder, and what the camera said.
//
// There are two engines, held to the same tests: Planar, and Imaging, the reference. Builds with the tag turbo have a third.
package engine

import (
	"context"

	"filmgate.dev/pkg/events"
	"filmgate.dev/services/processing/internal/picture"
)

// Engine makes pictures.
type Engine interface {
	Name() string
	// Probe reads a file's header; it never decodes. It answers picture.ErrShort when hdr is not all of the header, and a
	// *picture.Rejection when the file can be no picture.
	Probe(ctx context.Context, hdr []byte, size int64) (picture.Info, error)
	// Estimate says what Process will cost.
	Estimate(in picture.Info) Estimate
	// Process makes what the job asks for. A *picture.Rejection is final; any other error is worth another try.
	Process(ctx context.Context, src []byte, in picture.Info, job Job) (Result, error)
}

// Job is what is wanted of one picture.
type Job struct {
	Sizes     []int // longest edges, largest first
	Quality   int   // JPEG
	KeepOwner bool  // copy artist and copyright
	Codes     bool  // look for QR codes
}

// Standard is the job of every photo.
func Standard() Job {
	return Job{Sizes: []int{2048, 1280, 640, 320}, Quality: 80, KeepOwner: true}
}

// Result is what was made of one picture.
type Result struct {
	Image       events.Image
	Integrity   string // ok, or truncated where the end is missing though the picture is whole
	EXIF        events.EXIF
	Warnings    []events.Warning
	Derivatives []Derivative // largest first
	Codes       []events.FoundCode
	UnreadCard  bool // it seems to show a card whose code could not be read
}

// Derivative is a smaller picture.
type Derivative struct {
	Name          string // the longest edge asked for; a small original keeps the name and has fewer pixels
	Width, Height int
	JPEG          []byte
}
