package engine

import (
	"context"
	"errors"
	"image"
	"image/color"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"filmgate.dev/pkg/telemetry"
	"filmgate.dev/services/processing/internal/baseline"
	"filmgate.dev/services/processing/internal/icc"
	"filmgate.dev/services/processing/internal/jpegscale"
	"filmgate.dev/services/processing/internal/picture"
	"filmgate.dev/services/processing/internal/plane"
	"filmgate.dev/services/processing/internal/thumbhash"
)

// Planar is the engine of the product: of a JPEG it decodes no more than the largest derivative needs, and never leaves the planes of
// luma and of chroma at half size that both the original and the derivatives are made of. What is stored otherwise becomes such
// planes when it is decoded.
type Planar struct{ Imaging }

// Name answers "planar".
func (Planar) Name() string { return "planar" }

// headroom is how many more samples are decoded than the largest derivative has: with fewer, resizing softens it.
const headroom = 1.2

// Process decodes once, where it can at the smallest scale that serves the largest size, and makes each smaller picture from the one before.
func (e Planar) Process(ctx context.Context, src []byte, in picture.Info, job Job) (Result, error) {
	return e.process(ctx, src, in, job, codec{decodeScaled, baseline.Encode})
}

// codec is what stands between files and planes.
type codec struct {
	// decode answers the planes of a picture that serve one of this size, and where the picture's edges are in them.
	decode func(ctx context.Context, src []byte, size image.Point) ([]component, []plane.Plane, error)
	encode func(ctx context.Context, p baseline.Picture, o baseline.Options) ([]byte, error)
}

func (e Planar) process(ctx context.Context, src []byte, in picture.Info, job Job, files codec) (result Result, err error) {
	defer contain(&result, &err)
	w, err := begin(src, in, job)
	if err != nil {
		return Result{}, err
	}
	if w.end == picture.EndZeros {
		return Result{}, picture.Truncated(nil)
	}
	if planar(in) && another(src, in) {
		return Result{}, picture.Damaged(errOther)
	}
	decoding, span := telemetry.Span(ctx, "decode")
	var components []component
	var planes []plane.Plane
	if planar(in) {
		serves := w.levels[0].stored
		if job.Codes {
			serves = fit(image.Pt(in.Width, in.Height), max(serves.X, serves.Y, cardEdge/headroom))
		}
		components, planes, err = files.decode(decoding, src, serves)
	} else {
		components, planes, err = decodeWhole(decoding, src, in, w.end)
	}
	telemetry.End(span, err)
	damage := new(jpegscale.Damage)
	switch {
	case errors.As(err, new(*jpegscale.Unsupported)): // to the standard library too; it would need the memory of the whole picture to say so
		return Result{}, picture.Unsupported("a JPEG of a rare kind", err)
	case errors.As(err, &damage) && (damage.Truncated || w.end == picture.EndMissing):
		return Result{}, picture.Truncated(err)
	case damage.Reason != "":
		return Result{}, picture.Damaged(err)
	case err != nil:
		return Result{}, err
	}
	if job.Codes {
		luma, err := atMost(ctx, planes[0], cardEdge)
		if err != nil {
			return Result{}, err
		}
		if err := w.findCodes(ctx, luma, in); err != nil {
			return Result{}, err
		}
	}
	current, err := top(ctx, in, components, planes, w.levels[0].stored, w.convert)
	if err != nil {
		return Result{}, err
	}
	for i, level := range w.levels {
		making, span := telemetry.Span(ctx, "derivative", trace.WithAttributes(attribute.String("filmgate.size", level.name)))
		if i > 0 {
			current, err = smaller(making, current, level.shown)
		}
		var encoded []byte
		if err == nil {
			encoded, err = files.encode(making, current, baseline.Options{Quality: job.Quality, Segment: w.owner})
		}
		telemetry.End(span, err)
		if err != nil {
			return Result{}, err
		}
		w.made(level, encoded)
	}
	small, err := pixels(ctx, current, fit(w.levels[0].shown, thumbhash.MostSide))
	if err != nil {
		return Result{}, err
	}
	w.summarise(small)
	return w.result, nil
}

// planar reports whether a picture is stored as luma, with or without chroma.
func planar(in picture.Info) bool { return in.Format == picture.JPEG && !in.CMYK() && !in.RGB }

// decodeScaled answers each component at the smallest scale that serves a picture of this size, with chroma of half of it.
func decodeScaled(ctx context.Context, src []byte, size image.Point) ([]component, []plane.Plane, error) {
	p, err := jpegscale.Open(src)
	if err != nil {
		return nil, nil, err
	}
	scales := scalesFor(p, size)
	planes, err := p.Decode(ctx, scales)
	return edges(p, scales), planes, err
}

// scalesFor answers the smallest scale of each component that serves a picture of this size.
func scalesFor(p *jpegscale.Picture, size image.Point) []jpegscale.Scale {
	scales := make([]jpegscale.Scale, len(p.Components))
	for i, c := range p.Components {
		need := headroom
		if i > 0 {
			need /= 2
		}
		if size.X == p.Width { // nothing is resized: the samples are wanted as they are, or as near as can be
			need /= headroom
		}
		scales[i] = jpegscale.Scale{X: jpegscale.ScaleFor(c.Width, need*float64(size.X)), Y: jpegscale.ScaleFor(c.Height, need*float64(size.Y))}
	}
	return scales
}

// edges answers where those of the picture are in planes of these scales.
func edges(p *jpegscale.Picture, scales []jpegscale.Scale) []component {
	components := make([]component, len(scales))
	for i, c := range p.Components {
		components[i] = component{
			width:  float64(p.Width) * float64(c.H) / float64(p.H) * float64(scales[i].X) / 8,
			height: float64(p.Height) * float64(c.V) / float64(p.V) * float64(scales[i].Y) / 8,
		}
	}
	return components
}

// component is where a picture's edges are in a plane of it: the last sample may lie on one.
type component struct{ width, height float64 }

// top answers the largest picture, in sRGB and the right way up.
func top(ctx context.Context, in picture.Info, components []component, planes []plane.Plane, size image.Point, convert *icc.Transform) (baseline.Picture, error) {
	turn := turns[in.Orientation]
	var out [3]plane.Plane
	for i := range out {
		want, reach := size, [2]float64{1, 1} // how far the samples reach beyond the picture
		if i > 0 && convert == nil {
			want = chroma(size)
			reach = [2]float64{2 * float64(want.X) / float64(size.X), 2 * float64(want.Y) / float64(size.Y)}
		}
		if i >= len(planes) { // grey
			out[i] = plane.New(want.X, want.Y)
			for j := range out[i].Pix {
				out[i].Pix[j] = 128
			}
		} else {
			c := components[i]
			area := plane.Area{X1: c.width * reach[0], Y1: c.height * reach[1]}
			if turn.x {
				area.X0, area.X1 = c.width, c.width-area.X1
			}
			if turn.y {
				area.Y0, area.Y1 = c.height, c.height-area.Y1
			}
			var err error
			if out[i], err = plane.Resize(ctx, planes[i], area, want.X, want.Y); err != nil {
				return baseline.Picture{}, err
			}
		}
	}
	if convert != nil {
		convert.Planes(&out)
		for i := 1; i < 3; i++ {
			out[i] = out[i].Half()
		}
	}
	if turn.transpose {
		for i := range out {
			out[i] = out[i].Transpose()
		}
	}
	return baseline.Picture{Y: out[0], Cb: out[1], Cr: out[2]}, nil
}

// turns are how the stored picture becomes that which the photographer saw, by EXIF orientation: mirrored left to right, then
// top to bottom, then at the line between.
var turns = [9]struct{ x, y, transpose bool }{
	2: {x: true}, 3: {x: true, y: true}, 4: {y: true},
	5: {transpose: true}, 6: {y: true, transpose: true}, 7: {x: true, y: true, transpose: true}, 8: {x: true, transpose: true},
}

func chroma(size image.Point) image.Point { return image.Pt((size.X+1)/2, (size.Y+1)/2) }

// smaller answers a picture of another size.
func smaller(ctx context.Context, p baseline.Picture, size image.Point) (out baseline.Picture, err error) {
	half := chroma(size)
	// In samples of the source's chroma; both may reach beyond the picture by half a sample.
	area := plane.Area{
		X1: float64(p.Y.Width) / 2 * float64(2*half.X) / float64(size.X),
		Y1: float64(p.Y.Height) / 2 * float64(2*half.Y) / float64(size.Y),
	}
	if out.Y, err = plane.Resize(ctx, p.Y, plane.Area{X1: float64(p.Y.Width), Y1: float64(p.Y.Height)}, size.X, size.Y); err != nil {
		return out, err
	}
	both := plane.NewResizer(p.Cb.Width, p.Cb.Height, area, half.X, half.Y)
	if out.Cb, err = both.Resize(ctx, p.Cb); err != nil {
		return out, err
	}
	out.Cr, err = both.Resize(ctx, p.Cr)
	return out, err
}

// pixels answers a picture of another size in RGB.
func pixels(ctx context.Context, p baseline.Picture, size image.Point) (*image.NRGBA, error) {
	img := image.NewNRGBA(image.Rectangle{Max: size})
	var planes [3]plane.Plane
	for i, from := range []plane.Plane{p.Y, p.Cb, p.Cr} {
		area := plane.Area{X1: float64(p.Y.Width), Y1: float64(p.Y.Height)}
		if i > 0 {
			area.X1, area.Y1 = area.X1/2, area.Y1/2
		}
		var err error
		if planes[i], err = plane.Resize(ctx, from, area, size.X, size.Y); err != nil {
			return nil, err
		}
	}
	for i := range planes[0].Pix {
		r, g, b := color.YCbCrToRGB(planes[0].Pix[i], planes[1].Pix[i], planes[2].Pix[i])
		copy(img.Pix[4*i:], []byte{r, g, b, 255})
	}
	return img, nil
}
