package picture

import (
	"bytes"
	"unicode/utf8"
)

// foreign says why a file that is neither JPEG nor PNG is refused, naming what it is if that helps its owner.
func foreign(head []byte) error {
	for _, known := range []struct {
		magic string
		at    int
		what  string
	}{
		{"ftypcr", 4, "a Canon raw photo (CR3)"},
		{"ftyphei", 4, "a HEIC photo, as iPhones make them"},
		{"ftyphev", 4, "a HEIC photo, as iPhones make them"},
		{"ftypmif1", 4, "a HEIC photo, as iPhones make them"},
		{"ftypavi", 4, "an AVIF picture"},
		{"ftyp", 4, "a video"},
		{"WEBP", 8, "a WebP picture"},
		{"CR\x02", 8, "a Canon raw photo (CR2)"},
		{"II\x2A\x00", 0, "a TIFF picture or a raw photo"},
		{"MM\x00\x2A", 0, "a TIFF picture or a raw photo"},
		{"FUJIFILM", 0, "a Fujifilm raw photo"},
		{"IIU\x00", 0, "a Panasonic raw photo"},
		{"IIRO", 0, "an Olympus raw photo"},
		{"GIF8", 0, "a GIF picture"},
		{"8BPS", 0, "a Photoshop document"},
		{"\x00\x00\x00\x0CjP  ", 0, "a JPEG 2000 picture"},
		{"\xFF\x0A", 0, "a JPEG XL picture"},
	} {
		if len(head) >= known.at && bytes.HasPrefix(head[known.at:], []byte(known.magic)) {
			return Unsupported(known.what, nil)
		}
	}
	if len(bytes.Trim(head, "\x00")) == 0 {
		return reject(CodeDamaged, "This file contains nothing but zeros: the card or the copy failed. Copy it from the card again and upload it.")
	}
	what := "but something else"
	switch text := bytes.ToLower(bytes.TrimSpace(head[:min(len(head), 512)])); {
	case bytes.HasPrefix(text, []byte("<!doctype html")) || bytes.HasPrefix(text, []byte("<html")):
		what = "but a web page"
	case bytes.HasPrefix(text, []byte("%pdf-")):
		what = "but a PDF document"
	case bytes.HasPrefix(text, []byte("pk\x03\x04")):
		what = "but a ZIP archive"
	case isText(head[:min(len(head), 512)]):
		what = "but text"
	}
	return reject(CodeNotAnImage, "This file is not a photo %s, whatever its name says. Check the file on your computer and upload the photo itself.", what)
}

func isText(b []byte) bool {
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size == 1 && len(b) >= utf8.UTFMax {
			return false
		}
		if r < ' ' && r != '\n' && r != '\r' && r != '\t' {
			return false
		}
		b = b[size:]
	}
	return true
}
