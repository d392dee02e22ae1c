package engine

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/draw"
	"image/jpeg"
	"image/png"
	"io"

	"filmgate.dev/services/processing/internal/picture"
)

// decode decodes the whole picture and gives up when ctx ends.
func decode(ctx context.Context, src []byte, in picture.Info, end picture.End) (image.Image, error) {
	if in.Format == picture.PNG && end != picture.EndMarked || end == picture.EndZeros {
		return nil, picture.Truncated(nil)
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
	if cmyk, ok := img.(*image.CMYK); ok { // the resizer would go through an interface for each pixel
		rgb := image.NewRGBA(cmyk.Rect)
		draw.Draw(rgb, rgb.Rect, cmyk, cmyk.Rect.Min, draw.Src)
		return rgb, nil
	}
	return img, nil
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
