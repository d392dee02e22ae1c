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

// Turbo is Planar with libjpeg-turbo in two places where that is faster: it writes the derivatives, and it decodes what has to be decoded
// at more than half of its size. All judging is left to jpegscale.
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
	if planar(in) && !in.Progressive && scaleOf(in) > mostOurs {
		estimate.Memory += in.FileBytes + 3*int64(in.Width)*int64(in.Height)
	}
	return estimate
}

// mostOurs is the largest scale at which jpegscale is as fast as libjpeg-turbo, because it reads over what it does not need.
const mostOurs = 4

// decodeTurbo is decodeScaled with libjpeg-turbo for larger scales. It then decodes all there is: for that it has kernels, for five or six
// eighths it has none. What costs more than it seems to, pictures in several scans, stays ours: C cannot be stopped.
func decodeTurbo(ctx context.Context, src []byte, size image.Point) ([]component, []plane.Plane, error) {
	p, err := jpegscale.Open(src)
	if err != nil {
		return nil, nil, err
	}
	scales := scalesFor(p, size)
	if max(scales[0].X, scales[0].Y) > mostOurs && p.OneScan() {
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
