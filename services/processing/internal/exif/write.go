package exif

import "encoding/binary"

// Segment answers the JPEG segment that names artist and copyright and nothing else, or nil when there is neither.
func Segment(artist, copyright string) []byte {
	type text struct {
		id    uint16
		value string
	}
	var texts []text
	for _, t := range []text{{0x013B, artist}, {0x8298, copyright}} {
		if t.value != "" {
			texts = append(texts, text{t.id, t.value + "\x00"})
		}
	}
	if len(texts) == 0 {
		return nil
	}
	tiff := []byte("MM\x00\x2A\x00\x00\x00\x08")
	tiff = binary.BigEndian.AppendUint16(tiff, uint16(len(texts)))
	var values []byte
	rest := len(tiff) + 12*len(texts) + 4
	for _, t := range texts {
		tiff = binary.BigEndian.AppendUint16(tiff, t.id)
		tiff = binary.BigEndian.AppendUint16(tiff, 2) // text
		tiff = binary.BigEndian.AppendUint32(tiff, uint32(len(t.value)))
		if len(t.value) <= 4 {
			tiff = append(tiff, append([]byte(t.value), make([]byte, 4-len(t.value))...)...)
			continue
		}
		tiff = binary.BigEndian.AppendUint32(tiff, uint32(rest+len(values)))
		values = append(values, t.value...)
		values = append(values, make([]byte, len(values)%2)...)
	}
	tiff = append(append(tiff, 0, 0, 0, 0), values...)
	const prefix = "Exif\x00\x00"
	out := binary.BigEndian.AppendUint16([]byte{0xFF, 0xE1}, uint16(2+len(prefix)+len(tiff)))
	return append(append(out, prefix...), tiff...)
}
