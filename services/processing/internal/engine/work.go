package engine

import (
	"encoding/base64"
	"fmt"
	"image"
	"runtime/debug"
	"strconv"

	"filmgate.dev/services/processing/internal/exif"
	"filmgate.dev/services/processing/internal/icc"
	"filmgate.dev/services/processing/internal/palette"
	"filmgate.dev/services/processing/internal/phash"
	"filmgate.dev/services/processing/internal/picture"
	"filmgate.dev/services/processing/internal/thumbhash"
)

// work is one picture on its way through an engine, with what every engine does alike.
type work struct {
	end     picture.End
	levels  []level
	convert *icc.Transform // nil: the picture is sRGB
	owner   []byte         // a segment for each derivative, or nil
	result  Result
}

// begin says all that can be said about a picture before it is decoded.
func begin(src []byte, in picture.Info, job Job) (*work, error) {
	facts := exif.Read(in.EXIF)
	end, err := picture.Survey(src, in)
	if err != nil {
		return nil, err
	}
	w := &work{end: end, levels: sizes(in, job.Sizes)}
	w.result.Integrity = "ok"
	if end != picture.EndMarked {
		w.result.Integrity = "truncated"
	}
	w.result.EXIF, w.result.Image = facts.EXIF, describe(in)
	profile, convert, warnings := colours(in, facts)
	w.convert = convert
	w.result.Image.ColorProfile = profile
	w.result.Warnings = append(warnings, oddities(in, end)...)
	if job.KeepOwner {
		w.owner = exif.Segment(facts.Artist, facts.Copyright)
	}
	return w, nil
}

// made adds a derivative.
func (w *work) made(l level, jpeg []byte) {
	w.result.Derivatives = append(w.result.Derivatives, Derivative{Name: l.name, Width: l.shown.X, Height: l.shown.Y, JPEG: jpeg})
}

// summarise says in a few bytes what a picture looks like, by a copy of at most thumbhash.MostSide pixels.
func (w *work) summarise(small *image.NRGBA) {
	w.result.Image.Placeholder = base64.StdEncoding.EncodeToString(thumbhash.Encode(small))
	w.result.Image.PerceptualHash = fmt.Sprintf("%016x", uint64(phash.Of(small)))
	w.result.Image.DominantColor = palette.Dominant(small)
}

// contain makes a rejection of a panic: whatever a decoder or a resizer stumbled over, it was this file's.
func contain(result *Result, err *error) {
	if r := recover(); r != nil {
		*result, *err = Result{}, picture.Damaged(fmt.Errorf("panic: %v\n%s", r, debug.Stack()))
	}
}

// level is one derivative: the name asked for and its size, as stored in the original and as a person sees it.
type level struct {
	name          string
	stored, shown image.Point
}

// sizes answers what is made of an original, largest first: every size asked for that it reaches, and the next one above
// at the original's own size. Nothing is enlarged.
func sizes(in picture.Info, asked []int) []level {
	stored := image.Pt(in.Width, in.Height)
	shown := image.Pt(in.Display())
	var levels []level
	for i, edge := range asked {
		if i+1 < len(asked) && asked[i+1] >= max(stored.X, stored.Y) {
			continue // a smaller size asked for already shows all there is
		}
		levels = append(levels, level{strconv.Itoa(edge), fit(stored, edge), fit(shown, edge)})
	}
	return levels
}

// fit answers the size of a picture in a square of this edge.
func fit(size image.Point, edge int) image.Point {
	longest := max(size.X, size.Y)
	if longest <= edge {
		return size
	}
	side := func(v int) int { return max(1, (2*v*edge+longest)/(2*longest)) }
	return image.Pt(side(size.X), side(size.Y))
}
