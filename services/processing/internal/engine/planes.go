package engine

import (
	"context"
	"image"
	"image/color"

	"github.com/disintegration/imaging"

	"filmgate.dev/services/processing/internal/picture"
	"filmgate.dev/services/processing/internal/plane"
)

// decodeWhole answers a picture that can be decoded at its full size only, as luma and chroma of all its pixels, or luma alone.
func decodeWhole(ctx context.Context, src []byte, in picture.Info, end picture.End) ([]component, []plane.Plane, error) {
	img, err := decode(ctx, src, in, end)
	if err != nil {
		return nil, nil, err
	}
	planes, err := planesOf(ctx, img)
	components := make([]component, len(planes))
	for i, p := range planes {
		components[i] = component{float64(p.Width), float64(p.Height)}
	}
	return components, planes, err
}

// planesOf turns a picture into planes on white paper, in its own memory: a row of pixels becomes a row of each plane, one beside
// the other. The picture is none afterwards.
func planesOf(ctx context.Context, img image.Image) ([]plane.Plane, error) {
	size := img.Bounds().Size()
	switch img := img.(type) {
	case *image.Gray:
		return beside(img.Pix, img.Stride, size, 1), nil
	case *image.Gray16:
		err := eachRow(ctx, img.Pix, img.Stride, size, func(to, from []byte) {
			for x := range size.X {
				to[x] = from[2*x]
			}
		})
		return beside(img.Pix, img.Stride, size, 1), err
	case *image.Paletted:
		return ofPalette(ctx, img)
	case *image.RGBA: // of decoders, and none of them makes transparent ones
		return pixelsOf(ctx, img.Pix, img.Stride, size, func(to, from []byte) { opaque(to, from, size.X, 1) })
	case *image.RGBA64:
		return pixelsOf(ctx, img.Pix, img.Stride, size, func(to, from []byte) { opaque(to, from, size.X, 2) })
	case *image.NRGBA:
		return pixelsOf(ctx, img.Pix, img.Stride, size, func(to, from []byte) { onWhite(to, from, size.X, 1) })
	case *image.NRGBA64:
		return pixelsOf(ctx, img.Pix, img.Stride, size, func(to, from []byte) { onWhite(to, from, size.X, 2) })
	case *image.CMYK:
		return pixelsOf(ctx, img.Pix, img.Stride, size, func(to, from []byte) {
			for x := range size.X {
				r, g, b := color.CMYKToRGB(from[4*x], from[4*x+1], from[4*x+2], from[4*x+3])
				put(to, x, size.X, int32(r), int32(g), int32(b))
			}
		})
	default:
		return planesOf(ctx, imaging.Clone(img))
	}
}

// beside answers planes whose rows lie beside one another.
func beside(pix []byte, stride int, size image.Point, count int) []plane.Plane {
	planes := make([]plane.Plane, count)
	for i := range planes {
		planes[i] = plane.Plane{Pix: pix[i*size.X:], Stride: stride, Width: size.X, Height: size.Y}
	}
	return planes
}

// eachRow rewrites rows, of copies of themselves.
func eachRow(ctx context.Context, pix []byte, stride int, size image.Point, write func(to, from []byte)) error {
	from := make([]byte, stride)
	for y := range size.Y {
		if y%64 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		to := pix[y*stride : min((y+1)*stride, len(pix))]
		copy(from, to)
		write(to, from)
	}
	return nil
}

func pixelsOf(ctx context.Context, pix []byte, stride int, size image.Point, write func(to, from []byte)) ([]plane.Plane, error) {
	err := eachRow(ctx, pix, stride, size, write)
	return beside(pix, stride, size, 3), err
}

// opaque converts pixels of four numbers, of one or two bytes each, the last of which does not count.
func opaque(to, from []byte, width, bytes int) {
	for x := range width {
		p := from[4*bytes*x : 4*bytes*x+4*bytes]
		put(to, x, width, int32(p[0]), int32(p[bytes]), int32(p[2*bytes]))
	}
}

// onWhite converts pixels of which the last number says how much they cover.
func onWhite(to, from []byte, width, bytes int) {
	for x := range width {
		p := from[4*bytes*x : 4*bytes*x+4*bytes]
		r, g, b, a := int32(p[0]), int32(p[bytes]), int32(p[2*bytes]), int32(p[3*bytes])
		if a < 255 {
			paper := 255*(255-a) + 127
			r, g, b = (r*a+paper)/255, (g*a+paper)/255, (b*a+paper)/255
		}
		put(to, x, width, r, g, b)
	}
}

// put writes a pixel as luma and chroma (JFIF) to a row with room for those of width pixels, one beside the other.
func put(row []byte, x, width int, r, g, b int32) {
	row[x] = byte((19595*r + 38470*g + 7471*b + 1<<15) >> 16)
	row[width+x] = byte(min((-11056*r-21712*g+32768*b+257<<15)>>16, 255))
	row[2*width+x] = byte(min((32768*r-27440*g-5328*b+257<<15)>>16, 255))
}

// ofPalette makes planes of a picture with few colours, and luma in its own memory.
func ofPalette(ctx context.Context, img *image.Paletted) ([]plane.Plane, error) {
	size := img.Rect.Size()
	var colours [3][256]byte
	for i, c := range img.Palette {
		n, _ := color.NRGBAModel.Convert(c).(color.NRGBA)
		var one [3]byte
		onWhite(one[:], []byte{n.R, n.G, n.B, n.A}, 1, 1)
		colours[0][i], colours[1][i], colours[2][i] = one[0], one[1], one[2]
	}
	planes := []plane.Plane{beside(img.Pix, img.Stride, size, 1)[0], plane.New(size.X, size.Y), plane.New(size.X, size.Y)}
	y := 0
	err := eachRow(ctx, img.Pix, img.Stride, size, func(to, from []byte) {
		blue, red := planes[1].Row(y), planes[2].Row(y)
		for x := range size.X {
			i := from[x]
			to[x], blue[x], red[x] = colours[0][i], colours[1][i], colours[2][i]
		}
		y++
	})
	return planes, err
}

// atMost answers a plane, smaller where its long edge is much longer than that.
func atMost(ctx context.Context, p plane.Plane, edge int) (plane.Plane, error) {
	have := image.Pt(p.Width, p.Height)
	if max(have.X, have.Y) < edge*5/4 { // as scaled planes are
		return p, nil
	}
	want := fit(have, edge)
	return plane.Resize(ctx, p, plane.Area{X1: float64(have.X), Y1: float64(have.Y)}, want.X, want.Y)
}
