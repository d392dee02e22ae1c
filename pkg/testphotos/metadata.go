package testphotos

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
)

// metadata answers the JPEG segments for what the options say besides pixels.
func metadata(o Options) []byte {
	var out []byte
	if tiff := exif(o); tiff != nil {
		out = append(out, segment(0xE1, append([]byte("Exif\x00\x00"), tiff...))...)
	}
	const most = 65000 // of a profile in one segment
	for i, parts := 0, (len(o.ICC)+most-1)/most; i < parts; i++ {
		part := o.ICC[i*most : min(len(o.ICC), (i+1)*most)]
		out = append(out, segment(0xE2, append([]byte{'I', 'C', 'C', '_', 'P', 'R', 'O', 'F', 'I', 'L', 'E', 0, byte(i + 1), byte(parts)}, part...))...)
	}
	return out
}

func segment(marker byte, payload []byte) []byte {
	out := []byte{0xFF, marker, 0, 0}
	binary.BigEndian.PutUint16(out[2:], uint16(len(payload)+2))
	return append(out, payload...)
}

// withSegments puts segments behind a JPEG's first marker.
func withSegments(jpeg, segments []byte) []byte {
	return slices.Concat(jpeg[:2], segments, jpeg[2:])
}

// withChunks puts ICC and EXIF behind a PNG's header chunk.
func withChunks(png []byte, o Options) []byte {
	var extra []byte
	if len(o.ICC) > 0 {
		var packed bytes.Buffer
		z := zlib.NewWriter(&packed)
		_, _ = z.Write(o.ICC) // into memory: cannot fail
		_ = z.Close()
		extra = append(extra, chunk("iCCP", append([]byte("profile\x00\x00"), packed.Bytes()...))...)
	}
	if tiff := exif(o); tiff != nil {
		extra = append(extra, chunk("eXIf", tiff)...)
	}
	const header = 8 + 25
	return slices.Concat(png[:header], extra, png[header:])
}

func chunk(kind string, data []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	out = append(append(out, kind...), data...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

// tag is one TIFF entry; its value is already in big-endian bytes.
type tag struct {
	id, kind uint16
	count    uint32
	value    []byte
}

const (
	ascii    = 2
	short    = 3
	long     = 4
	rational = 5
)

// exif answers a TIFF block, or nil when the options say nothing for it.
func exif(o Options) []byte {
	var first, photo, gps []tag
	if o.Orientation > 0 {
		first = append(first, number(0x0112, o.Orientation))
	}
	for id, s := range map[uint16]string{0x010F: o.Camera.Make, 0x0110: o.Camera.Model, 0x013B: o.Artist, 0x8298: o.Copyright} {
		if s != "" {
			first = append(first, words(id, s))
		}
	}
	if t := o.TakenAt; !t.IsZero() {
		photo = append(photo, words(0x9003, t.Format("2006:01:02 15:04:05")),
			words(0x9011, t.Format("-07:00")), words(0x9291, fmt.Sprintf("%03d", t.Nanosecond()/1e6)))
	}
	if c := o.Camera; c.Make != "" {
		photo = append(photo, number(0x8827, c.ISO), fraction(0x829A, c.Exposure[0], c.Exposure[1]),
			fraction(0x829D, uint32(c.FNumber*10+0.5), 10), fraction(0x920A, uint32(c.FocalLengthMM*10+0.5), 10),
			words(0xA431, c.Serial), words(0xA434, c.Lens))
	}
	if o.GPS {
		gps = []tag{words(1, "N"), fractions(2, 54, 20, 0), words(3, "W"), fractions(4, 30, 40, 0)}
	}
	if len(first)+len(photo)+len(gps) == 0 {
		return nil
	}
	out := append([]byte("MM\x00\x2A"), 0, 0, 0, 8)
	// The directories follow each other; the first one points at the others, whose place depends on its own size.
	room := func(tags []tag) int {
		size := 2 + 12*len(tags) + 4
		for _, t := range tags {
			if len(t.value) > 4 {
				size += len(t.value) + len(t.value)%2
			}
		}
		return size
	}
	pointers := 0
	for _, tags := range [][]tag{photo, gps} {
		if len(tags) > 0 {
			pointers++
		}
	}
	at := 8 + room(first) + 12*pointers
	for _, sub := range []struct {
		id   uint16
		tags []tag
	}{{0x8769, photo}, {0x8825, gps}} {
		if len(sub.tags) > 0 {
			first = append(first, tag{sub.id, long, 1, binary.BigEndian.AppendUint32(nil, uint32(at))})
			at += room(sub.tags)
		}
	}
	for _, tags := range [][]tag{first, photo, gps} {
		if len(tags) > 0 {
			out = append(out, directory(tags, len(out))...)
		}
	}
	return out
}

func directory(tags []tag, at int) []byte {
	slices.SortFunc(tags, func(a, b tag) int { return int(a.id) - int(b.id) })
	out := binary.BigEndian.AppendUint16(nil, uint16(len(tags)))
	var values []byte
	rest := at + 2 + 12*len(tags) + 4
	for _, t := range tags {
		out = binary.BigEndian.AppendUint16(out, t.id)
		out = binary.BigEndian.AppendUint16(out, t.kind)
		out = binary.BigEndian.AppendUint32(out, t.count)
		if len(t.value) <= 4 {
			out = append(append(out, t.value...), make([]byte, 4-len(t.value))...)
			continue
		}
		out = binary.BigEndian.AppendUint32(out, uint32(rest+len(values)))
		values = append(append(values, t.value...), make([]byte, len(t.value)%2)...)
	}
	return append(append(out, 0, 0, 0, 0), values...)
}

func words(id uint16, s string) tag {
	return tag{id, ascii, uint32(len(s) + 1), append([]byte(s), 0)}
}

func number(id uint16, n int) tag {
	return tag{id, short, 1, binary.BigEndian.AppendUint16(nil, uint16(n))}
}

func fraction(id uint16, num, den uint32) tag {
	return tag{id, rational, 1, binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, num), den)}
}

func fractions(id uint16, whole ...uint32) tag {
	t := tag{id: id, kind: rational, count: uint32(len(whole))}
	for _, n := range whole {
		t.value = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(t.value, n), 1)
	}
	return t
}
