package processing

import (
	"context"
	"errors"
	"io"
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

// Inspect does with a file of size bytes what the service does with a photo, and keeps nothing. A file that is rejected is no error;
// one that its header rules out is not read further.
func Inspect(ctx context.Context, file io.Reader, size int64, sale Sale) (Inspection, error) {
	began := time.Now()
	e := engine.Fastest()
	var src []byte
	read := func(upTo int64) error {
		have := len(src)
		src = append(make([]byte, 0, upTo), src...)[:upTo]
		_, err := io.ReadFull(file, src[have:])
		return err
	}
	info, err := e.Probe(ctx, nil, size)
	for want := int64(256 << 10); errors.Is(err, picture.ErrShort); want *= 4 {
		if err := read(min(want, size, picture.MostHeader)); err != nil {
			return Inspection{}, err
		}
		info, err = e.Probe(ctx, src, size)
	}
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
	if err := read(size); err != nil {
		return seen, err
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
