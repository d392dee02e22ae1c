// Package jpegscale decodes a JPEG straight to the size that is wanted: for a preview it transforms only the low
// frequencies of each block of eight by eight samples, and reads over the others without decoding them.
//
// Pictures stay what they are in the file: one plane of samples for each colour component, never converted. It decodes
// baseline and progressive pictures of 8 bits in Huffman code (ITU-T T.81), grey or of three components.
package jpegscale

import (
	"context"
	"fmt"

	"filmgate.dev/services/processing/internal/plane"
)

// Scale is how many samples a block of eight by eight becomes, on each axis: one of Scales.
type Scale struct{ X, Y int }

// Full keeps all samples.
var Full = Scale{8, 8}

// Scales are those that can be decoded to, for either axis.
var Scales = []int{1, 2, 3, 4, 5, 6, 8}

// ScaleFor answers the smallest scale at which have samples become at least need.
func ScaleFor(have int, need float64) int {
	for _, s := range Scales {
		if float64(have*s)/8 >= need {
			return s
		}
	}
	return 8
}

// Damage says what is wrong with a picture's data. The planes that come with it show what could be decoded; what could not
// is grey.
type Damage struct {
	Reason    string
	Truncated bool // the data ends too early
}

func (d *Damage) Error() string { return "jpegscale: " + d.Reason }

// Unsupported says that a picture is of a kind that this package does not decode.
type Unsupported struct{ Kind string }

func (u *Unsupported) Error() string { return "jpegscale: " + u.Kind + " is not supported" }

func damaged(format string, args ...any) error { return &Damage{Reason: fmt.Sprintf(format, args...)} }

// Component is one colour: grey or luma, or one of the two chromas.
type Component struct {
	H, V          int // samples on each axis, relative to the other components (T.81 A.1.1)
	Width, Height int // in samples
	id, quant     byte
	table         [64]uint16 // quantisation, in zig-zag order; as it was when the component's first scan began
	defined       bool       // whether table has been set
	// blocks that have samples of the picture, and blocks with those that fill up the last units of an interleaved scan.
	blocks, padded grid
}

type grid struct{ w, h int }

// Picture is a JPEG whose frame is known and whose samples are not decoded yet.
type Picture struct {
	Width, Height int
	Progressive   bool
	Components    []Component
	H, V          int // the most samples that a component has, relative to the others

	src      []byte
	scans    int // where the first scan's marker stands
	units    grid
	quant    [4][64]uint16
	known    [4]bool // which of quant are
	dc, ac   [4]*code
	interval int // units between restarts; 0 for none
}

// Open reads src up to its first scan. It keeps src and never writes to it.
func Open(src []byte) (*Picture, error) {
	p := &Picture{src: src}
	return p, p.readHeader()
}

// Decode answers the planes of all components, each at its own scale. With a *Damage there are planes too.
func (p *Picture) Decode(ctx context.Context, scales []Scale) ([]plane.Plane, error) {
	if len(scales) != len(p.Components) {
		return nil, fmt.Errorf("jpegscale: %d scales for %d components", len(scales), len(p.Components))
	}
	d := decoder{Picture: p, outputs: make([]output, len(scales))}
	for i, s := range scales {
		if err := d.outputs[i].prepare(&p.Components[i], s); err != nil {
			return nil, err
		}
	}
	var err error
	if p.Progressive {
		err = d.progressive(ctx)
	} else {
		err = d.sequential(ctx)
	}
	planes := make([]plane.Plane, len(scales))
	for i := range d.outputs {
		planes[i] = d.outputs[i].plane
	}
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return planes, err
}
