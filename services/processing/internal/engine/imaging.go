package engine

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"image"
	"image/draw"
	"image/jpeg"
	"strconv"

	"github.com/disintegration/imaging"

	"filmgate.dev/pkg/events"
	"filmgate.dev/services/processing/internal/exif"
	"filmgate.dev/services/processing/internal/icc"
	"filmgate.dev/services/processing/internal/picture"
	"filmgate.dev/services/processing/internal/thumbhash"
)

// Imaging is the reference engine: the standard library decodes, disintegration/imaging resizes. It takes every format and
// is what faster engines are compared with.
type Imaging struct{}

// Name answers "imaging".
func (Imaging) Name() string { return "imaging" }

// Probe reads a file's header.
func (Imaging) Probe(ctx context.Context, hdr []byte, size int64) (picture.Info, error) {
	if err := ctx.Err(); err != nil {
		return picture.Info{}, err
	}
	return picture.ReadHeader(hdr, size)
}

// Process decodes once, shrinks to the largest size first, sets colours and orientation right there, and makes each
// smaller picture from the one before.
func (e Imaging) Process(ctx context.Context, src []byte, in picture.Info, job Job) (result Result, err error) {
	facts := exif.Read(in.EXIF)
	result.EXIF = facts.EXIF
	result.Image = describe(in)
	end, err := picture.Survey(src, in)
	if err != nil {
		return Result{}, err
	}
	decoded, err := decode(ctx, src, in, end)
	if err != nil {
		return Result{}, err
	}
	defer func() {
		if r := recover(); r != nil { // a picture that decodes may still be too odd to work with
			result, err = Result{}, picture.Damaged(panicked(r))
		}
	}()
	levels := sizes(max(in.Width, in.Height), job.Sizes)
	current := shrink(decoded, levels[0].edge)
	decoded = nil // the large one is garbage from here on
	flatten(current)
	profile, convert, warnings := colours(in, facts)
	if convert != nil {
		convert.Apply(current)
	}
	result.Image.ColorProfile = profile
	result.Warnings = append(warnings, oddities(in, end)...)
	current = upright(current, in.Orientation)
	var owner []byte
	if job.KeepOwner {
		owner = exif.Segment(facts.Artist, facts.Copyright)
	}
	for _, level := range levels {
		if err := ctx.Err(); err != nil {
			return Result{}, err
		}
		current = shrink(current, level.edge)
		encoded, err := encode(current, job.Quality, owner)
		if err != nil {
			return Result{}, err
		}
		b := current.Bounds()
		result.Derivatives = append(result.Derivatives, Derivative{Name: level.name, Width: b.Dx(), Height: b.Dy(), JPEG: encoded})
	}
	result.Image.Placeholder = base64.StdEncoding.EncodeToString(thumbhash.Encode(shrink(current, thumbhash.MostSide)))
	return result, nil
}

// level is one derivative: the name asked for and the longest edge that the original can give.
type level struct {
	name string
	edge int
}

// sizes answers what is made of an original with this longest edge, largest first: every size asked for that it reaches,
// and the next one above at the original's own size. Nothing is enlarged.
func sizes(longest int, asked []int) []level {
	var levels []level
	for i, edge := range asked {
		if i+1 < len(asked) && asked[i+1] >= longest {
			continue // a smaller size asked for already shows all there is
		}
		levels = append(levels, level{strconv.Itoa(edge), min(edge, longest)})
	}
	return levels
}

// shrink fits img into a square of this edge. It never enlarges.
func shrink(img image.Image, edge int) *image.NRGBA {
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	if w <= edge && h <= edge {
		if same, ok := img.(*image.NRGBA); ok {
			return same
		}
		return imaging.Clone(img)
	}
	if w >= h {
		return imaging.Resize(img, edge, max(1, (h*edge+w/2)/w), imaging.Lanczos)
	}
	return imaging.Resize(img, max(1, (w*edge+h/2)/h), edge, imaging.Lanczos)
}

// flatten lays a picture on white paper.
func flatten(img *image.NRGBA) {
	for y := range img.Rect.Dy() {
		row := img.Pix[y*img.Stride : y*img.Stride+4*img.Rect.Dx()]
		for ; len(row) >= 4; row = row[4:] {
			if a := uint32(row[3]); a < 255 {
				for i := range 3 {
					row[i] = uint8((uint32(row[i])*a + 255*(255-a) + 127) / 255)
				}
				row[3] = 255
			}
		}
	}
}

// upright turns a stored picture the way its photographer saw it.
func upright(img *image.NRGBA, orientation int) *image.NRGBA {
	switch orientation {
	case 2:
		return imaging.FlipH(img)
	case 3:
		return imaging.Rotate180(img)
	case 4:
		return imaging.FlipV(img)
	case 5:
		return imaging.Transpose(img)
	case 6:
		return imaging.Rotate270(img) // the library counts against the clock
	case 7:
		return imaging.Transverse(img)
	case 8:
		return imaging.Rotate90(img)
	}
	return img
}

// encode writes a JPEG with 4:2:0 colours and the owner's segment behind its first marker.
func encode(img *image.NRGBA, quality int, owner []byte) ([]byte, error) {
	// Without transparency the two layouts are the same bytes, and the encoder is much faster with this one.
	opaque := &image.RGBA{Pix: img.Pix, Stride: img.Stride, Rect: img.Rect}
	var out bytes.Buffer
	out.Grow(len(img.Pix) / 16)
	if err := jpeg.Encode(&out, opaque, &jpeg.Options{Quality: quality}); err != nil {
		return nil, err
	}
	if owner == nil {
		return out.Bytes(), nil
	}
	whole := out.Bytes()
	return append(append(append(make([]byte, 0, len(whole)+len(owner)), whole[:2]...), owner...), whole[2:]...), nil
}

// colours answers the profile's name, the way to sRGB if one is needed, and what a person should know about it.
func colours(in picture.Info, facts exif.Facts) (string, *icc.Transform, []events.Warning) {
	if in.CMYK() {
		return "CMYK", nil, []events.Warning{note("cmyk", "This photo is stored in printing inks (CMYK). Its colours were translated and may differ a little. Export it as sRGB for exact colours.")}
	}
	if len(in.ICC) == 0 {
		switch {
		case facts.AdobeRGB:
			p := icc.AdobeRGB()
			return p.Description, p.ToSRGB(), nil
		case facts.Uncalibrated:
			return "sRGB", nil, []events.Warning{note("no_profile", "The camera says that the colours of this photo are not sRGB, but the file does not say what they are. They may look dull. Embed the colour profile when you export.")}
		}
		return "sRGB", nil, nil
	}
	profile, err := icc.Parse(in.ICC)
	if err != nil {
		name := "unknown"
		if profile != nil && profile.Description != "" {
			name = profile.Description
		}
		return name, nil, []events.Warning{note("profile_ignored", "The colour profile of this photo could not be used, so its colours may differ a little. Export it as sRGB for exact colours.")}
	}
	name := profile.Description
	if name == "" {
		name = "unnamed"
	}
	return name, profile.ToSRGB(), nil
}

// decode decodes the whole picture and gives up when ctx ends.
func decode(ctx context.Context, src []byte, in picture.Info, end picture.End) (img image.Image, err error) {
	defer func() {
		if r := recover(); r != nil {
			img, err = nil, picture.Damaged(panicked(r))
		}
	}()
	if in.Format == picture.PNG && end != picture.EndMarked || end == picture.EndZeros {
		return nil, picture.Truncated(nil)
	}
	img, err = decoder(in.Format)(newSource(ctx, src, end))
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil && end == picture.EndMissing:
		return nil, picture.Truncated(err)
	case errors.As(err, new(jpeg.UnsupportedError)):
		return nil, unsupported(err)
	case err != nil:
		return nil, picture.Damaged(err)
	}
	if cmyk, ok := img.(*image.CMYK); ok { // the resizer would go through an interface for each pixel
		rgb := image.NewRGBA(cmyk.Rect)
		draw.Draw(rgb, rgb.Rect, cmyk, cmyk.Rect.Min, draw.Src)
		return rgb, nil
	}
	return img, nil
}
