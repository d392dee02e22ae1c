package engine

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"image/png"
	"io"

	"filmgate.dev/services/processing/internal/jpegscale"
	"filmgate.dev/services/processing/internal/picture"
)

// decode decodes the whole picture and gives up when ctx ends.
func decode(ctx context.Context, src []byte, in picture.Info, end picture.End) (image.Image, error) {
	if in.Format == picture.PNG && end != picture.EndMarked || end == picture.EndZeros {
		return nil, picture.Truncated(nil)
	}
	if config, err := header(in.Format)(bytes.NewReader(src)); err == nil && (config.Width != in.Width || config.Height != in.Height) {
		return nil, picture.Damaged(errOther)
	}
	img, err := decoder(in.Format)(newSource(ctx, src, end))
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil && end == picture.EndMissing:
		return nil, picture.Truncated(err)
	case errors.As(err, new(jpeg.UnsupportedError)):
		return nil, picture.Unsupported("a JPEG of a rare kind", err)
	case err != nil:
		return nil, picture.Damaged(err)
	}
	return img, nil
}

// errOther says that a decoder finds another picture in a file than the one that was weighed: it could be of any size.
var errOther = errors.New("engine: two headers in one file")

// another reports whether our decoder finds another picture in a file than the one that was weighed.
func another(src []byte, in picture.Info) bool {
	p, err := jpegscale.Open(src)
	return err == nil && (p.Width != in.Width || p.Height != in.Height || p.Progressive != in.Progressive || len(p.Components) != in.Components)
}

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

func header(format picture.Format) func(io.Reader) (image.Config, error) {
	if format == picture.PNG {
		return png.DecodeConfig
	}
	return jpeg.DecodeConfig
}
