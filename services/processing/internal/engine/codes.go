package engine

import (
	"context"
	"image"
	"image/color"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/telemetry"
	"filmgate.dev/services/processing/internal/codes"
	"filmgate.dev/services/processing/internal/picture"
	"filmgate.dev/services/processing/internal/plane"
)

// cardEdge is the least long edge at which cards are looked for, where there are as many pixels.
const cardEdge = 3000

// findCodes looks for codes on the luma of a picture as it is stored, and says where they are as it is shown.
func (w *work) findCodes(ctx context.Context, luma plane.Plane, in picture.Info) error {
	ctx, span := telemetry.Span(ctx, "codes")
	found, err := codes.Find(ctx, codes.Luma(luma))
	telemetry.End(span, err)
	if err != nil {
		return err
	}
	w.result.UnreadCard = found.Unread
	turn := turns[in.Orientation]
	for _, code := range found.Codes {
		shown := events.FoundCode{Text: code.Text}
		for _, p := range code.Corners {
			if turn.x {
				p.X = 1 - p.X
			}
			if turn.y {
				p.Y = 1 - p.Y
			}
			if turn.transpose {
				p.X, p.Y = p.Y, p.X
			}
			shown.Corners = append(shown.Corners, events.Point{X: round(p.X), Y: round(p.Y)})
		}
		w.result.Codes = append(w.result.Codes, shown)
	}
	return nil
}

// round keeps what a picture can tell: a ten-thousandth of its width.
func round(v float64) float64 { return float64(int(v*10000+0.5)) / 10000 }

// lumaOf answers the brightness of a decoded picture, at a size at which codes are looked for.
func lumaOf(img image.Image) plane.Plane {
	size := fit(img.Bounds().Size(), cardEdge)
	small := shrink(img, size)
	luma := plane.New(size.X, size.Y)
	for y := range size.Y {
		for x := range size.X {
			luma.Row(y)[x] = color.GrayModel.Convert(small.NRGBAAt(x, y)).(color.Gray).Y //nolint:forcetypeassert // the model's own
		}
	}
	return luma
}
