package engine

import (
	"time"

	"filmgate.dev/services/processing/internal/jpegscale"
	"filmgate.dev/services/processing/internal/picture"
)

// Estimate is what a picture will cost, by its header.
type Estimate struct {
	Memory int64         // bytes that are needed at the same time, with the file's
	CPU    time.Duration // of one core, for the whole set
	Heavy  bool          // so much of either that few of its kind should be made at the same time
}

// Every estimate has room for the derivatives, the tables and what waits for the garbage collector.
const (
	largest = 2048 // pixels of a derivative's long edge
	room    = 24 << 20
)

// Estimate answers for the file, the decoded picture, and the largest derivative's width at full height.
func (Imaging) Estimate(in picture.Info) Estimate {
	pixels := int64(in.Width) * int64(in.Height)
	planes := 2 * int64(in.Components) // halves of a byte
	if in.Subsampled {
		planes = 3
	}
	need := pixels * planes / 2
	switch {
	case in.Format == picture.PNG:
		need = pixels * 4 * int64(max(8, in.BitDepth)/8)
		if in.Interlaced {
			need *= 2 // the passes
		}
	case in.CMYK():
		need += 8 * pixels // inks put together, then turned into RGB
	case in.RGB:
		need += 4 * pixels // colours put together
	}
	if in.Progressive {
		need += 2 * pixels * planes // coefficients of 4 bytes
	}
	ms := 100 + 20*megabytes(in) + 100*megapixels(in)
	if in.Progressive || in.CMYK() || in.Format == picture.PNG {
		ms *= 2
	}
	return Estimate{Memory: in.FileBytes + need + largest*4*int64(in.Height) + 2*room, CPU: milliseconds(ms), Heavy: true}
}

// Estimate answers for the file and a copy of its data, the scaled planes, and the coefficients of a progressive picture.
func (e Planar) Estimate(in picture.Info) Estimate {
	if !planar(in) {
		whole := e.Imaging.Estimate(in)
		whole.Memory -= largest*4*int64(in.Height) + room // it is made smaller where it is
		whole.CPU /= 2
		if in.CMYK() {
			whole.Memory -= 4 * int64(in.Width) * int64(in.Height) // and so are its inks
		}
		return whole
	}
	scale := scaleOf(in)
	pixels := int64(in.Width) * int64(in.Height)
	need := 2*in.FileBytes + pixels*scale*scale*3/2/64
	ms := 1.55 * (45 + 6*megabytes(in) + 0.8*megapixels(in))
	if in.Progressive {
		coefficients := 8 + 2*min(64, scale*scale*2) // of a block: those that are kept, and which are not zero
		need += int64(in.Blocks) * coefficients
		ms *= 3.2
	}
	return Estimate{Memory: need + 6*largest*largest + room, CPU: milliseconds(ms), Heavy: in.Progressive || megapixels(in) > 50}
}

// scaleOf answers the scale that luma is decoded at where cards are looked for: the largest that it may be.
func scaleOf(in picture.Info) int64 {
	return int64(jpegscale.ScaleFor(max(in.Width, in.Height), cardEdge))
}

func megabytes(in picture.Info) float64  { return float64(in.FileBytes) / 1e6 }
func megapixels(in picture.Info) float64 { return float64(in.Width) * float64(in.Height) / 1e6 }

func milliseconds(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }
