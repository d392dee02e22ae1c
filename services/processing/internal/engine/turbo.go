//go:build turbo && cgo

package engine

import (
	"context"
	"errors"
	"image"

	"filmgate.dev/services/processing/internal/jpegscale"
	"filmgate.dev/services/processing/internal/picture"
	"filmgate.dev/services/processing/internal/plane"
	"filmgate.dev/services/processing/internal/turbo"
)

// Turbo is Planar with libjpeg-turbo in two places where that is faster: it writes the derivatives, and it decodes pictures of which most
// samples are wanted. All judging is left to jpegscale.
type Turbo struct{ Planar }

// Name answers "turbo".
func (Turbo) Name() string { return "turbo" }

// Fastest answers the engine for this build.
func Fastest() Engine { return Turbo{} }

// Process is Planar's.
func (e Turbo) Process(ctx context.Context, src []byte, in picture.Info, job Job) (Result, error) {
	return e.process(ctx, src, in, job, codec{decodeTurbo, turbo.Encode})
}

// Estimate is Planar's with room for what libjpeg-turbo decodes, perhaps in vain: three planes of full size.
func (e Turbo) Estimate(in picture.Info) Estimate {
	estimate := e.Planar.Estimate(in)
	if planar(in) && !in.Progressive && scaleOf(in) > 5 {
		estimate.Memory += in.FileBytes + 3*int64(in.Width)*int64(in.Height)
	}
	return estimate
}

// decodeTurbo is decodeScaled with libjpeg-turbo where at least half of all samples are wanted. It decodes all there are then: it has
// kernels for that, and none for six eighths. Of fewer, jpegscale is as fast, because it reads over what it does not need.
func decodeTurbo(ctx context.Context, src []byte, size image.Point) ([]component, []plane.Plane, error) {
	p, err := jpegscale.Open(src)
	if err != nil {
		return nil, nil, err
	}
	scales := scalesFor(p, size)
	if turbo.Takes(p) && wanted(p, scales) >= 0.5 {
		all := make([]jpegscale.Scale, len(scales))
		for i := range all {
			all[i] = jpegscale.Scale{X: 1, Y: 1}
		}
		// Whether the file is sound is seen without transforming anything, and C reads none that is not.
		if _, err := p.Decode(ctx, all); err != nil {
			return nil, nil, err
		}
		for i := range all {
			all[i] = jpegscale.Full
		}
		planes, err := turbo.Decode(ctx, src, p)
		if !errors.Is(err, turbo.ErrDeclined) {
			return edges(p, all), planes, err
		}
	}
	planes, err := p.Decode(ctx, scales)
	return edges(p, scales), planes, err
}

// wanted answers the share of a picture's samples that there are at these scales.
func wanted(p *jpegscale.Picture, scales []jpegscale.Scale) float64 {
	some, all := 0, 0
	for i, c := range p.Components {
		some += c.H * c.V * scales[i].X * scales[i].Y
		all += c.H * c.V * 64
	}
	return float64(some) / float64(all)
}
