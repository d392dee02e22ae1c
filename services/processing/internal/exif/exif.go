// Package exif reads what the camera wrote into a photo and writes the little that derivatives keep: who made it and whose
// it is. A position is never copied anywhere; only that there was one is said.
package exif

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/bep/imagemeta"

	"filmgate.dev/pkg/events"
)

// Facts is what the camera and its owner wrote.
type Facts struct {
	events.EXIF
	Artist, Copyright string
	Uncalibrated      bool // the camera says that the colours are not sRGB
	AdobeRGB          bool // … but Adobe RGB, by the rule for cameras that embed no profile (DCF: R03)
}

// Read reads a TIFF block. What cannot be read is left out: a photo is never refused for its EXIF.
func Read(block []byte) Facts {
	var facts Facts
	if len(block) == 0 {
		return facts
	}
	tags := make(map[string]any)
	var interop string
	func() {
		defer func() { _ = recover() }() // a hostile block may break the reader; the tags read so far are kept
		// No Timeout: the library would go on in a goroutine of its own. The limits below bound the work.
		_, _ = imagemeta.Decode(imagemeta.Options{
			R:               bytes.NewReader(block),
			ImageFormat:     imagemeta.TIFF,
			Sources:         imagemeta.EXIF,
			LimitNumTags:    1000,
			LimitTagSize:    4096,
			ShouldHandleTag: func(imagemeta.TagInfo) bool { return true },
			HandleTag: func(tag imagemeta.TagInfo) error {
				switch {
				case strings.HasSuffix(tag.Namespace, "InteroperabilityIFD"):
					if tag.Tag == "InteropIndex" {
						interop = words(tag.Value)
					}
				case strings.Contains(tag.Namespace, "GPSInfoIFD"):
					facts.HasGPS = facts.HasGPS || tag.Tag == "GPSLatitude"
				case tag.Namespace == "IFD0" || tag.Namespace == "IFD0/ExifIFDP":
					if _, again := tags[tag.Tag]; !again {
						tags[tag.Tag] = tag.Value
					}
				}
				return nil
			},
		})
	}()
	facts.CameraMake, facts.CameraModel = words(tags["Make"]), words(tags["Model"])
	facts.CameraSerial, facts.Lens = words(tags["SerialNumber"]), words(tags["LensModel"])
	facts.Artist, facts.Copyright = words(tags["Artist"]), words(tags["Copyright"])
	facts.ISO = int(number(tags["ISO"]))
	facts.FNumber = round(number(tags["FNumber"]))
	facts.FocalLengthMM = round(number(tags["FocalLength"]))
	facts.Exposure = exposure(number(tags["ExposureTime"]))
	facts.Uncalibrated = number(tags["ColorSpace"]) == 0xFFFF
	facts.AdobeRGB = interop == "R03"
	facts.TakenAt, facts.TakenAtOffset = taken(block, tags)
	return facts
}

// taken answers when the photo was taken: as if in UTC when the camera knew no offset.
func taken(block []byte, tags map[string]any) (at *time.Time, offset string) {
	for _, name := range []struct {
		time, offset string
		fraction     uint16
	}{
		{"DateTimeOriginal", "OffsetTimeOriginal", 0x9291},
		{"CreateDate", "OffsetTimeDigitized", 0x9292},
	} {
		t, err := time.Parse("2006:01:02 15:04:05", words(tags[name.time]))
		if err != nil || t.Year() < 1900 {
			continue
		}
		// The fraction is a text of digits: "05" is five hundredths, so its leading zeros count. The library has lost them.
		if digits := asciiInExif(block, name.fraction); digits != "" && len(digits) <= 9 {
			if n, err := strconv.ParseUint(digits, 10, 64); err == nil {
				t = t.Add(time.Duration(float64(n) * math.Pow10(9-len(digits))))
			}
		}
		said := words(tags[name.offset])
		if said == "Z" {
			said = "+00:00"
		}
		if zone, err := time.Parse("-07:00", said); err == nil {
			_, seconds := zone.Zone()
			t = t.Add(-time.Duration(seconds) * time.Second).In(time.FixedZone("", seconds))
			offset = said
		}
		return &t, offset
	}
	return nil, ""
}

// exposure says an exposure time as photographers do: "1/250", "0.5", "30".
func exposure(seconds float64) string {
	switch {
	case seconds <= 0 || seconds > 1e6 || seconds < 1e-7:
		return ""
	case seconds < 0.25001:
		return fmt.Sprintf("1/%d", int(math.Round(1/seconds)))
	default:
		return strings.TrimSuffix(strconv.FormatFloat(seconds, 'f', 1, 64), ".0")
	}
}

// words answers a text value: valid, printable, trimmed and bounded.
func words(v any) string {
	s, ok := v.(string)
	if !ok {
		return ""
	}
	s = strings.ToValidUTF8(s, "")
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	s = strings.TrimSpace(s)
	if len(s) > 500 {
		s = strings.ToValidUTF8(s[:500], "")
	}
	return s
}

// number answers a numeric value, 0 when it is none.
func number(v any) float64 {
	var f float64
	switch n := v.(type) {
	case interface{ Float64() float64 }:
		f = n.Float64()
	case float64:
		f = n
	case uint16:
		f = float64(n)
	case uint32:
		f = float64(n)
	case int:
		f = float64(n)
	case []any: // two sensitivities, say: the first counts
		if len(n) > 0 {
			return number(n[0])
		}
	case []uint16:
		if len(n) > 0 {
			f = float64(n[0])
		}
	}
	if math.IsNaN(f) || f < 0 || f > 1e9 {
		return 0
	}
	return f
}

func round(v float64) float64 { return math.Round(v*100) / 100 }
