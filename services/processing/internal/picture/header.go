package picture

import (
	"bytes"
	"errors"

	"filmgate.dev/services/processing/internal/exif"
)

// errStructure says that a file has so many parts that they can only be there to cost time.
var errStructure = errors.New("picture: more structure than picture")

// ErrShort says that the header is longer than the bytes at hand.
var ErrShort = errors.New("picture: more of the file is needed")

// ReadHeader reads what head, the beginning of a file of size bytes, says about the picture. It answers ErrShort when
// more of the file is needed, and a *Rejection when the file can be no picture.
func ReadHeader(head []byte, size int64) (Info, error) {
	switch {
	case size == 0:
		return Info{}, reject(CodeEmpty, "This file is empty (0 bytes). It was probably not copied completely from the card. Upload it again.")
	case size > MostFileBytes:
		return Info{}, reject(CodeTooLarge, "This file has %d MB. The most that is accepted is %d MB. Export it smaller and upload it again.", size>>20, int64(MostFileBytes)>>20)
	case len(head) < 64 && int64(len(head)) < size:
		return Info{}, ErrShort
	}
	head = head[:min(len(head), MostHeader)]
	info := Info{FileBytes: size, Orientation: 1}
	complete := int64(len(head)) >= size
	var err error
	switch {
	case bytes.HasPrefix(head, []byte{0xFF, 0xD8, 0xFF}):
		info.Format = JPEG
		err = readJPEG(head, &info)
	case bytes.HasPrefix(head, []byte(pngSignature)):
		info.Format = PNG
		err = readPNG(head, &info)
	default:
		return Info{}, foreign(head)
	}
	if errors.Is(err, ErrShort) {
		switch {
		case complete:
			err = Truncated(err)
		case len(head) >= MostHeader:
			err = reject(CodeTooLarge, "More than %d MB of this file are not picture but metadata. Export it without extra metadata and upload it again.", MostHeader>>20)
		}
	}
	if err != nil {
		return Info{}, err
	}
	if o := exif.Orientation(info.EXIF); o != 0 {
		info.Orientation = o
	}
	return info, info.check()
}

// End says how a file ends.
type End uint8

// The ends. A picture may be followed by other things (a second picture, a camera maker's notes).
const (
	EndMarked  End = iota // with its end marker
	EndMissing            // without; all of the picture may still be there
	EndZeros              // with nothing but zeros: room that was reserved on a disk and never written
)

// Survey reads the structure of the whole file behind its header, without decoding: it refuses what takes too many passes or
// is mostly structure, a PNG whose checksums are wrong, and says how the file ends.
func Survey(file []byte, info Info) (End, error) {
	if info.Pixels > len(file) {
		return EndMissing, Truncated(ErrShort)
	}
	marked := false
	switch info.Format {
	case JPEG:
		s := surveyJPEG(file[info.Pixels:])
		if s.scans > MostScans {
			return EndMissing, reject(CodeUnsupported, "This file paints its picture in more than %d passes, which no camera does. Export it again as an ordinary JPEG and upload that.", MostScans)
		}
		if s.tooMany() {
			return EndMissing, Damaged(errStructure)
		}
		// Damage in the middle may look like a long segment that swallows the end; the last bytes still tell.
		marked = s.ended || bytes.HasSuffix(file, []byte{0xFF, markerEOI})
	case PNG:
		var err error
		if marked, err = surveyPNG(file[info.Pixels:]); err != nil {
			return EndMissing, err
		}
	}
	if marked {
		return EndMarked, nil
	}
	const tail = 2048
	if len(file) > 2*tail && len(bytes.Trim(file[len(file)-tail:], "\x00")) == 0 {
		return EndZeros, nil
	}
	return EndMissing, nil
}
