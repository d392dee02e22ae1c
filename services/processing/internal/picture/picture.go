// Package picture tells what a file is before anybody decodes it: kind, size, orientation and what it will cost, read
// from its header alone, so that a file made to hurt is refused for the price of a few bytes.
//
// What it cannot accept it refuses with a Rejection: a code for programs and a sentence for the photographer.
package picture

import "fmt"

// Format is a kind of picture that can be decoded.
type Format string

// The formats.
const (
	JPEG Format = "image/jpeg"
	PNG  Format = "image/png"
)

// What is decoded at all. Each limit is far above any camera and far below what hurts.
const (
	MostFileBytes = 200 << 20
	MostPixels    = 120e6
	MostSide      = 30000
	MostScans     = 64
	MostProfile   = 4 << 20
	MostEXIF      = 1 << 20
	// MostHeader is how much of a file may come before its pixels: profile, EXIF and what editors leave behind.
	MostHeader = 16 << 20
	// MostDecoded is for JPEGs that can be decoded at their full size only: as many bytes as the deepest PNG has.
	MostDecoded = 8 * MostPixels
	// No camera writes a hundredth of this, but each costs a decoder some work, whatever the picture's size.
	mostSegments = 10_000    // JPEG: before the first scan, and from there on
	mostTables   = 256 << 10 // JPEG: bytes of Huffman and quantisation tables, there and there
	mostChunks   = 500_000   // PNG: from the first one with pixels on
)

// Info is what a header says about a picture.
type Info struct {
	Format        Format
	Width, Height int // as stored
	Orientation   int // EXIF 1–8
	Components    int // 1 grey, 3 colour, 4 CMYK (JPEG) or with alpha (PNG)
	BitDepth      int
	Subsampled    bool // JPEG: colours at half size
	RGB           bool // JPEG: stored as red, green and blue
	Progressive   bool // JPEG: comes in several scans, all held in memory until the last
	Blocks        int  // JPEG: of eight by eight samples, of all components
	PixelBits     int  // PNG: of a stored pixel
	Interlaced    bool // PNG: comes in seven passes
	ICC           []byte
	EXIF          []byte // a TIFF block
	FileBytes     int64
	Pixels        int // where they begin in the file
}

// CMYK reports whether the picture is stored as printing inks.
func (i Info) CMYK() bool { return i.Format == JPEG && i.Components == 4 }

// Display answers the size as a person sees it.
func (i Info) Display() (width, height int) {
	if i.Orientation >= 5 {
		return i.Height, i.Width
	}
	return i.Width, i.Height
}

// check refuses what the limits do not allow.
func (i Info) check() error {
	switch {
	case i.Width <= 0 || i.Height <= 0:
		return reject(CodeDamaged, "This file says that its picture has no width or no height: it is damaged. Upload the original again, or export it again from your editor.")
	case i.Width > MostSide || i.Height > MostSide || float64(i.Width)*float64(i.Height) > MostPixels:
		return reject(CodeTooLarge, "This picture says it is %d × %d pixels. The most that is accepted is 120 megapixels and %d pixels on a side. Export it smaller and upload it again.", i.Width, i.Height, MostSide)
	case i.decoded() > MostDecoded:
		return reject(CodeTooLarge, "This picture is %d × %d pixels in a rare kind of JPEG, which takes too much memory at that size. Export it as an ordinary JPEG in sRGB, or smaller, and upload that.", i.Width, i.Height)
	case i.FileBytes-int64(i.Pixels) < i.least():
		return Truncated(fmt.Errorf("%d bytes cannot hold %d × %d pixels", i.FileBytes, i.Width, i.Height))
	case len(i.ICC) > MostProfile:
		return reject(CodeTooLarge, "This picture carries a colour profile of more than 4 MB. Export it as sRGB and upload it again.")
	case len(i.EXIF) > MostEXIF:
		return reject(CodeTooLarge, "This picture carries more than 1 MB of camera data. Export it without extra metadata and upload it again.")
	}
	return nil
}

// least answers how many bytes the pixels take at the very least, however plain they are: with fewer, the file was cut off, and
// nothing has to be decoded to know it.
func (i Info) least() int64 {
	switch {
	case i.Format == PNG: // deflate makes at most 258 bytes of two bits
		return int64(i.Width) * int64(i.Height) * int64(i.PixelBits) / 8 / 1032
	case i.Progressive: // one bit for each DC coefficient
		return int64(i.Blocks) / 8
	default: // and one for the end of the block
		return int64(i.Blocks) / 4
	}
}

// decoded answers how many bytes a JPEG takes that can be decoded at its full size only: each component by itself, and pixels of four
// bytes.
func (i Info) decoded() int64 {
	of := int64(i.Components)
	switch {
	case !i.CMYK() && !i.RGB:
		return 0
	case i.Progressive: // and coefficients of four bytes
		of *= 5
	}
	return (of + 4) * int64(i.Width) * int64(i.Height)
}
