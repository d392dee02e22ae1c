// Package testphotos makes photographs for tests and benchmarks: any size, orientation, camera and colour space, and the
// damaged ones that real cards, cables and people produce.
//
// The same Options always give the same bytes. Every made picture carries a red rectangle in its upper left corner, as a
// person sees it, so that a test can ask whether a picture made from it stands upright.
package testphotos

import (
	"bytes"
	"image"
	"image/jpeg"
	"image/png"
	"time"
)

// Options says what photograph to make. The zero value is a small upright picture without metadata.
type Options struct {
	Width, Height int    // as a person sees it, upright; 640 × 480 when zero
	Orientation   int    // EXIF 1–8: the stored picture is turned so that a viewer which obeys it sees it upright
	Seed          uint64 // another seed, another picture
	Quality       int    // JPEG; 90 when zero
	TakenAt       time.Time
	Camera        Camera
	Artist        string
	Copyright     string
	GPS           bool   // a position (on the open sea)
	ICC           []byte // an embedded profile: AdobeRGB(), DisplayP3(), SRGB() or any other bytes
	Sampling      Sampling
	Transparent   bool // PNG only: the right half fades out
}

// Camera is what the EXIF says about the camera. It is written only when Make is not empty.
type Camera struct {
	Make, Model, Serial, Lens string
	ISO                       int
	FNumber                   float64
	Exposure                  [2]uint32 // seconds as a fraction: {1, 250}
	FocalLengthMM             float64
}

// Sampling is how a JPEG stores its colours.
type Sampling uint8

// The ways to store colours. Subsampled (4:2:0) is what most cameras write.
const (
	Subsampled Sampling = iota
	Full                // 4:4:4, as written by picture editors
	Gray                // one component
	CMYK                // four inverted components with Adobe's marker, as written for print
)

// Studio is a camera as school photographers carry it.
func Studio() Camera {
	return Camera{
		Make: "Filmgate", Model: "Testcamera 24", Serial: "0042", Lens: "24-70mm F2.8",
		ISO: 400, FNumber: 5.6, Exposure: [2]uint32{1, 250}, FocalLengthMM: 50,
	}
}

// JPEG makes a photograph.
func JPEG(o Options) []byte {
	return EncodeJPEG(Scene(o.size()), o)
}

// EncodeJPEG makes a photograph that shows img, seen upright. Width, Height and Seed are not used.
func EncodeJPEG(img image.Image, o Options) []byte {
	stored := turn(img, o.Orientation)
	quality := o.Quality
	if quality == 0 {
		quality = 90
	}
	var body []byte
	switch o.Sampling {
	case Subsampled:
		body = encode(stored, quality)
	default:
		body = encodePlanes(stored, o.Sampling, quality)
	}
	return withSegments(body, metadata(o))
}

// PNG makes a picture without loss. It carries ICC and EXIF as JPEG does, each in its own chunk.
func PNG(o Options) []byte {
	w, h, seed := o.size()
	img := Scene(w, h, seed)
	if o.Transparent {
		fade(img)
	}
	return EncodePNG(img, o)
}

// EncodePNG makes a PNG that shows img, seen upright. Width, Height and Seed are not used.
func EncodePNG(img image.Image, o Options) []byte {
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := encoder.Encode(&out, turn(img, o.Orientation)); err != nil {
		panic("testphotos: " + err.Error()) // a picture without pixels: a mistake in the test
	}
	return withChunks(out.Bytes(), o)
}

func (o Options) size() (width, height int, seed uint64) {
	if o.Width == 0 || o.Height == 0 {
		return 640, 480, o.Seed
	}
	return o.Width, o.Height, o.Seed
}

func encode(img image.Image, quality int) []byte {
	var out bytes.Buffer
	if plain, ok := img.(*image.NRGBA); ok && plain.Opaque() {
		img = &image.RGBA{Pix: plain.Pix, Stride: plain.Stride, Rect: plain.Rect} // the same bytes, and the encoder's fast way
	}
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: quality}); err != nil {
		panic("testphotos: " + err.Error()) // a picture without pixels: a mistake in the test
	}
	return out.Bytes()
}
