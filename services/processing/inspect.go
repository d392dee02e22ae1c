package processing

import (
	"context"
	"errors"
	"time"

	"filmgate.dev/pkg/events"
	"filmgate.dev/services/processing/internal/engine"
	"filmgate.dev/services/processing/internal/picture"
)

// Inspection is what is thought of a file, and what would be made of it.
type Inspection struct {
	MediaType   string // "" where it is no picture
	Progressive bool
	Image       events.Image
	EXIF        events.EXIF
	Integrity   string
	Codes       []events.FoundCode
	UnreadCard  bool
	Warnings    []events.Warning
	Rejection   *events.Reason // nil: it is used
	Memory      int64          // that is set aside for it, in bytes
	CPU         time.Duration  // that it is expected to cost
	Took        time.Duration  // what it took here
	Derivatives []Derivative
}

// Derivative is a smaller picture.
type Derivative = engine.Derivative

// Inspect does with the bytes of a file what the service does with a photo, and keeps nothing. A file that is rejected is no error.
func Inspect(ctx context.Context, src []byte, sale Sale) (Inspection, error) {
	began := time.Now()
	e := engine.Fastest()
	info, err := e.Probe(ctx, src, int64(len(src)))
	if err != nil {
		return rejected(Inspection{}, err)
	}
	estimate := e.Estimate(info)
	width, height := info.Display()
	seen := Inspection{
		MediaType: string(info.Format), Progressive: info.Progressive, Memory: estimate.Memory, CPU: estimate.CPU,
		Image: events.Image{Width: info.Width, Height: info.Height, Orientation: info.Orientation, DisplayWidth: width, DisplayHeight: height},
	}
	warnings, err := sale.judge(info)
	if err != nil {
		return rejected(seen, err)
	}
	job := engine.Standard()
	job.Codes = true
	result, err := e.Process(ctx, src, info, job)
	if err != nil {
		return rejected(seen, err)
	}
	seen.Image, seen.EXIF, seen.Integrity, seen.Warnings, seen.Took = result.Image, result.EXIF, result.Integrity, append(warnings, result.Warnings...), time.Since(began)
	seen.Codes, seen.UnreadCard, seen.Derivatives = result.Codes, result.UnreadCard, result.Derivatives
	return seen, nil
}

// rejected adds why a file is not used, where that is the reason.
func rejected(seen Inspection, err error) (Inspection, error) {
	rejection := new(picture.Rejection)
	if !errors.As(err, &rejection) {
		return seen, err
	}
	seen.Rejection = &events.Reason{Code: string(rejection.Code), Message: rejection.Message}
	return seen, nil
}
