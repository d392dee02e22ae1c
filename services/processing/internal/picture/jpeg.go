package picture

import (
	"bytes"
	"encoding/binary"
)

// JPEG's markers that matter here.
const (
	markerSOF0 = 0xC0 // SOF0 … SOF15, but for DHT, JPG and DAC
	markerDHT  = 0xC4
	markerJPG  = 0xC8
	markerDAC  = 0xCC
	markerRST0 = 0xD0
	markerSOI  = 0xD8
	markerEOI  = 0xD9
	markerSOS  = 0xDA
	markerDQT  = 0xDB
	markerAPP0 = 0xE0
	markerAPP1 = 0xE1
	markerAPP2 = 0xE2
	markerAPPE = 0xEE
)

const (
	exifPrefix = "Exif\x00\x00"
	iccPrefix  = "ICC_PROFILE\x00"
)

// readJPEG walks the segments up to the first scan.
func readJPEG(head []byte, info *Info) error {
	profile := make(map[byte][]byte) // parts by number: they may come in any order
	parts, names := byte(0), ""
	jfif, adobe, transform := false, false, byte(1)
	var all structure
	for at := 2; ; {
		marker, next, err := nextMarker(head, at)
		if err != nil {
			return err
		}
		switch {
		case marker == markerSOS:
			if info.Components == 0 {
				return Damaged(nil)
			}
			if info.CMYK() && !adobe {
				return Unsupported("a CMYK picture that does not say how its inks are stored", nil)
			}
			info.RGB = info.Components == 3 && !jfif && (adobe && transform == 0 || names == "RGB")
			info.Pixels = at
			info.ICC = joinProfile(profile, parts)
			return nil
		case marker == markerEOI:
			return Truncated(nil) // an end before any picture
		case marker == markerSOI || marker == 1 || marker >= markerRST0 && marker < markerSOI:
			at = next // markers without a body
			continue
		}
		if next+2 > len(head) {
			return ErrShort
		}
		size := int(binary.BigEndian.Uint16(head[next:]))
		if size < 2 {
			return Damaged(nil)
		}
		if next+size > len(head) {
			return ErrShort
		}
		body := head[next+2 : next+size]
		at = next + size
		if all.add(marker, size); all.tooMany() {
			return Damaged(errStructure)
		}
		switch {
		case marker >= markerSOF0 && marker <= 0xCF && marker != markerDHT && marker != markerJPG && marker != markerDAC:
			if err := readFrame(marker, body, info); err != nil {
				return err
			}
			if info.Components == 3 {
				names = string([]byte{body[6], body[9], body[12]})
			}
		case marker == markerAPP0 && bytes.HasPrefix(body, []byte("JFIF")):
			jfif = true
		case marker == markerAPP1 && info.EXIF == nil && bytes.HasPrefix(body, []byte(exifPrefix)):
			info.EXIF = body[len(exifPrefix):]
		case marker == markerAPP2 && bytes.HasPrefix(body, []byte(iccPrefix)) && len(body) > len(iccPrefix)+2:
			profile[body[len(iccPrefix)]] = body[len(iccPrefix)+2:]
			parts = body[len(iccPrefix)+1]
		case marker == markerAPPE && bytes.HasPrefix(body, []byte("Adobe")) && len(body) >= 12:
			adobe, transform = true, body[11]
		}
	}
}

// readFrame reads a frame header: size and components.
func readFrame(marker byte, body []byte, info *Info) error {
	if len(body) < 6 {
		return Damaged(nil)
	}
	if info.Components != 0 {
		return Unsupported("a JPEG with several pictures in one", nil)
	}
	if marker > 0xC2 {
		return Unsupported("a lossless or arithmetic-coded JPEG", nil)
	}
	if body[0] != 8 {
		return Unsupported("a JPEG with more than 8 bits per colour", nil)
	}
	info.BitDepth = 8
	info.Progressive = marker == 0xC2
	info.Height = int(binary.BigEndian.Uint16(body[1:]))
	info.Width = int(binary.BigEndian.Uint16(body[3:]))
	info.Components = int(body[5])
	if len(body) < 6+3*info.Components {
		return Damaged(nil)
	}
	info.Blocks = blocks(info.Width, info.Height, body[6:6+3*info.Components])
	switch info.Components {
	case 1, 4:
	case 3:
		luma, blue := body[7], body[10]
		info.Subsampled = luma>>4*(luma&15) >= 4*(blue>>4)*(blue&15)
	default:
		return Unsupported("a JPEG with an unusual number of colours", nil)
	}
	return nil
}

// blocks answers how many blocks there are of all components (T.81 A.1.1, A.2.2): those that only fill up units are not
// counted.
func blocks(width, height int, components []byte) (n int) {
	h, v := 1, 1
	for i := 1; i < len(components); i += 3 {
		h, v = max(h, int(components[i]>>4)), max(v, int(components[i]&15))
	}
	for i := 1; i < len(components); i += 3 {
		across, down := int(components[i]>>4), int(components[i]&15)
		if len(components) == 3 { // alone, its factors mean nothing
			across, down = h, v
		}
		n += (width*across + 8*h - 1) / (8 * h) * ((height*down + 8*v - 1) / (8 * v))
	}
	return n
}

// nextMarker answers the marker at or behind at and where its body begins. Any number of 0xFF may stand before one; 0xFF before a
// zero is no marker, to decoders neither.
func nextMarker(b []byte, at int) (marker byte, next int, err error) {
	for from := at; ; {
		// Some writers leave a few bytes between segments; decoders skip them.
		skip := bytes.IndexByte(b[min(at, len(b)):min(len(b), max(at, from+64))], 0xFF)
		if skip < 0 {
			if len(b) < from+64 {
				return 0, 0, ErrShort
			}
			return 0, 0, Damaged(nil)
		}
		for at += skip; at < len(b) && b[at] == 0xFF; {
			at++
		}
		if at >= len(b) {
			return 0, 0, ErrShort
		}
		if b[at] != 0 {
			return b[at], at + 1, nil
		}
	}
}

// joinProfile puts a profile's parts together, or answers nil when one is missing.
func joinProfile(parts map[byte][]byte, count byte) []byte {
	var out []byte
	for i := range int(count) {
		part, ok := parts[byte(i+1)]
		if !ok {
			return nil
		}
		if out = append(out, part...); len(out) > MostProfile {
			break // it is refused
		}
	}
	return out
}

// structure is what a JPEG consists of.
type structure struct {
	scans, segments int
	tables          int // bytes
	ended           bool
}

func (s *structure) add(marker byte, size int) {
	switch marker {
	case markerSOS:
		s.scans++
	case markerDHT, markerDQT:
		s.tables += size
	}
	s.segments++
}

func (s *structure) tooMany() bool { return s.segments > mostSegments || s.tables > mostTables }

// surveyJPEG counts what comes from the first scan on, as far as it is accepted.
func surveyJPEG(b []byte) (s structure) {
	for at := 0; at < len(b); {
		i := bytes.IndexByte(b[at:], 0xFF)
		if i < 0 || at+i+1 >= len(b) {
			return s
		}
		for at += i + 1; at+1 < len(b) && b[at] == 0xFF; { // fill
			at++
		}
		marker := b[at]
		switch {
		case marker == 0 || marker == 1 || marker >= markerRST0 && marker < markerSOI:
			at++ // a stuffed byte, or a restart
		case marker == markerEOI:
			s.ended = true
			return s
		case marker == markerSOI:
			at++
		default:
			if at+3 > len(b) {
				return s
			}
			size := max(2, int(binary.BigEndian.Uint16(b[at+1:])))
			if s.add(marker, size); s.scans > MostScans || s.tooMany() {
				return s
			}
			at += 1 + size
		}
	}
	return s
}
