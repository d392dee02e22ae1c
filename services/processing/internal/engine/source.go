package engine

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"

	"filmgate.dev/pkg/events"
	"filmgate.dev/services/processing/internal/picture"
)

// source reads a file's bytes until its context ends: decoders know no contexts, but they stop when reading fails.
type source struct {
	ctx context.Context
	io.Reader
}

// newSource reads src. A JPEG without its end marker gets one: a decoder refuses it otherwise, even where all of the
// picture is there; where it is not, decoding still fails.
func newSource(ctx context.Context, src []byte, end picture.End) io.Reader {
	var r io.Reader = bytes.NewReader(src)
	if end == picture.EndMissing {
		r = io.MultiReader(r, bytes.NewReader([]byte{0xFF, 0xD9}))
	}
	return source{ctx, r}
}

func (s source) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.Reader.Read(p)
}

func decoder(format picture.Format) func(io.Reader) (image.Image, error) {
	if format == picture.PNG {
		return png.Decode
	}
	return jpeg.Decode
}

func note(code, message string) events.Warning { return events.Warning{Code: code, Message: message} }

// describe says what the header knows about the picture.
func describe(in picture.Info) events.Image {
	w, h := in.Display()
	return events.Image{Width: in.Width, Height: in.Height, Orientation: in.Orientation, DisplayWidth: w, DisplayHeight: h}
}

// oddities are worth knowing about a usable picture.
func oddities(in picture.Info, end picture.End) []events.Warning {
	warnings := []events.Warning{}
	if end == picture.EndMissing {
		warnings = append(warnings, note("damaged_ending", "The end of this file is missing, though the picture itself seems complete. Look at it closely, and upload it again if it is not."))
	}
	const small = 1200
	if max(in.Width, in.Height) < small {
		warnings = append(warnings, note("low_resolution", fmt.Sprintf("This photo has only %d × %d pixels: enough for a screen, too little for prints.", in.Width, in.Height)))
	}
	return warnings
}
