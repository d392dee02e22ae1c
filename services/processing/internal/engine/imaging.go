package engine

import (
	"bytes"
	"context"
	"image"
	"image/draw"
	"image/jpeg"

	"github.com/disintegration/imaging"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"filmgate.dev/pkg/telemetry"
	"filmgate.dev/services/processing/internal/picture"
	"filmgate.dev/services/processing/internal/thumbhash"
)

// Imaging is the reference engine, which Planar is compared with: the standard library decodes, disintegration/imaging resizes.
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
	defer contain(&result, &err)
	w, err := begin(src, in, job)
	if err != nil {
		return Result{}, err
	}
	decoding, span := telemetry.Span(ctx, "decode")
	decoded, err := decode(decoding, src, in, w.end)
	telemetry.End(span, err)
	if err != nil {
		return Result{}, err
	}
	if cmyk, ok := decoded.(*image.CMYK); ok { // the resizer would go through an interface for each pixel
		rgb := image.NewRGBA(cmyk.Rect)
		draw.Draw(rgb, rgb.Rect, cmyk, cmyk.Rect.Min, draw.Src)
		decoded = rgb
	}
	if job.Codes {
		if err := w.findCodes(ctx, lumaOf(decoded), in); err != nil {
			return Result{}, err
		}
	}
	current := shrink(decoded, w.levels[0].stored)
	flatten(current)
	if w.convert != nil {
		w.convert.Apply(current)
	}
	current = upright(current, in.Orientation)
	for _, level := range w.levels {
		if err := ctx.Err(); err != nil {
			return Result{}, err
		}
		_, span := telemetry.Span(ctx, "derivative", trace.WithAttributes(attribute.String("filmgate.size", level.name)))
		current = shrink(current, level.shown)
		encoded, err := encode(current, job.Quality, w.owner)
		telemetry.End(span, err)
		if err != nil {
			return Result{}, err
		}
		w.made(level, encoded)
	}
	w.summarise(shrink(current, fit(w.levels[0].shown, thumbhash.MostSide)))
	return w.result, nil
}

// shrink brings img to a size that is not larger than its own.
func shrink(img image.Image, size image.Point) *image.NRGBA {
	if img.Bounds().Size() != size {
		return imaging.Resize(img, size.X, size.Y, imaging.Lanczos)
	}
	if same, ok := img.(*image.NRGBA); ok {
		return same
	}
	return imaging.Clone(img)
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
