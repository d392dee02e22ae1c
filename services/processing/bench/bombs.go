package main

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"slices"

	"filmgate.dev/pkg/testphotos"
)

// bomb is a file that asks for far more than it is, or the largest of its kind that is accepted.
type bomb struct {
	name  string
	make  func() []byte
	code  string // that it is refused with; "" where it is a picture, however odd
	words string // of the sentence
	large bool   // a picture of as much memory or time as one may need, for which there is no bound but its estimate
}

// bombs are those that decoders are usually tried with, and the worst of each kind that pass the first look.
var bombs = []bomb{
	{name: "JPEG, 45 kB, says 65,500²", make: testphotos.Bomb, code: "too_large", words: "65500 × 65500 pixels"},
	{name: "JPEG, progressive, 256 MP, 306 scans", make: func() []byte { return progressive(16000, 16000, 306, 0) }, code: "too_large", words: "16000 × 16000 pixels"},
	{name: "JPEG, progressive, 120 MP, 65 scans", make: func() []byte { return progressive(10954, 10954, 65, 0) }, code: "unsupported", words: "more than 64 passes"},
	{name: "JPEG, progressive, 120 MP, 64 scans, whole", make: func() []byte { return progressive(10954, 10954, 64, 0) }},
	{name: "JPEG, progressive, 120 MP, 63 times one bit more, whole", make: func() []byte { return progressive(10954, 10954, 64, 0x10) }},
	{name: "JPEG, progressive, 120 MP, 64 scans, cut in the last", make: func() []byte { return cut(progressive(10954, 10954, 64, 0), 100) }, code: "damaged", words: "damaged"},
	{name: "JPEG, progressive, 120 MP, 64 scans of nothing", make: func() []byte {
		return jpegOf(10954, 10954, 3, 0xC2, slices.Repeat([][]byte{scan([]byte{1, 2, 3}, 0, 0, 0, nil)}, 64)...)
	}, code: "truncated", words: "ends in the middle"},
	{name: "the same, filled up with 2 MB behind", make: func() []byte {
		whole := jpegOf(10954, 10954, 3, 0xC2, slices.Repeat([][]byte{scan([]byte{1, 2, 3}, 0, 0, 0, nil)}, 64)...)
		return append(append(whole, make([]byte, 2<<20)...), 0xFF, 0xD9)
	}, code: "damaged", words: "damaged"},
	{name: "JPEG, progressive, 120 MP, CMYK, 4 MB", make: func() []byte {
		return jpegOf(10954, 10954, 4, 0xC2, scan([]byte{1, 2, 3, 4}, 0, 0, 0, make([]byte, 4<<20)))
	}, code: "too_large", words: "rare kind"},
	{name: "JPEG, 120 MP of CMYK in one colour, whole", make: func() []byte {
		return jpegOf(10954, 10954, 4, 0xC0, scan([]byte{1, 2, 3, 4}, 0, 63, 0, make([]byte, 1370*1370)))
	}, large: true},
	{name: "JPEG, 120 MP in one colour, whole", make: func() []byte { return sequential(10954, 10954, 0) }},
	{name: "JPEG, 120 MP in one colour, cut", make: func() []byte { return cut(sequential(10954, 10954, 0), 2000) }, code: "truncated", words: "ends in the middle"},
	{name: "JPEG, 30,000 × 4,000 in one colour, whole", make: func() []byte { return sequential(30000, 4000, 0) }},
	{name: "JPEG, 4,000 × 30,000, two restarts in each row", make: func() []byte { return sequential(4000, 30000, 125) }},
	{name: "JPEG, 30,001 × 100", make: func() []byte { return sequential(30001, 100, 0) }, code: "too_large", words: "30000 pixels on a side"},
	{name: "JPEG, 65,535 restarts, whole", make: func() []byte { return sequential(4096, 4096, 1) }},
	{name: "JPEG, ten million restarts behind one picture", make: func() []byte {
		return behind(sequential(2048, 2048, 1), bytes.Repeat([]byte{0xFF, 0xD0}, 10_000_000))
	}, code: "damaged", words: "damaged"},
	{name: "JPEG, 40 MB of fill bytes in its data", make: func() []byte {
		return behind(sequential(2048, 2048, 0), bytes.Repeat([]byte{0xFF}, 40<<20))
	}},
	{name: "JPEG, 100,000 Huffman tables before its data", make: func() []byte {
		return before(sequential(640, 480, 0), bytes.Repeat(huffman, 100_000))
	}, code: "damaged", words: "damaged"},
	{name: "JPEG, 2,000,000 Huffman tables among its scans", make: func() []byte {
		table := append([]byte{0}, make([]byte, 16)...)
		return behind(progressive(640, 480, 2, 0), bytes.Repeat(segment(0xC4, bytes.Repeat(table, 3000)), 700))
	}, code: "damaged", words: "damaged"},
	{name: "JPEG, 100,000 quantisation tables", make: func() []byte {
		return before(sequential(640, 480, 0), bytes.Repeat(segment(0xDB, quantisation), 100_000))
	}, code: "damaged", words: "damaged"},
	{name: "JPEG, 8 million empty segments among its scans", make: func() []byte {
		return behind(progressive(640, 480, 2, 0), bytes.Repeat([]byte{0xFF, 0xE5, 0, 2}, 8_000_000))
	}, code: "damaged", words: "damaged"},
	{name: "JPEG, 190 MB of EXIF", make: func() []byte {
		return before(sequential(640, 480, 0), bytes.Repeat(segment(0xE1, append([]byte("Exif\x00\x00"), make([]byte, 65000)...)), 3060))
	}, code: "too_large", words: "not picture but metadata"},
	{name: "JPEG, 190 MB of colour profile", make: func() []byte {
		return before(sequential(640, 480, 0), bytes.Repeat(segment(0xE2, append([]byte("ICC_PROFILE\x00\x01\xFF"), make([]byte, 65000)...)), 3060))
	}, code: "too_large", words: "not picture but metadata"},
	{name: "JPEG, 15 MB of colour profile", make: func() []byte {
		var parts []byte
		for i := range byte(230) {
			parts = append(parts, segment(0xE2, append([]byte("ICC_PROFILE\x00"), append([]byte{i + 1, 230}, make([]byte, 65000)...)...))...)
		}
		return before(sequential(640, 480, 0), parts)
	}, code: "too_large", words: "colour profile of more than 4 MB"},
	{name: "JPEG, a header of 65,500² that only decoders see", make: hidden, code: "too_large", words: "65500 × 65500 pixels"},
	{name: "JPEG, EXIF directories in a circle", make: func() []byte { return before(sequential(640, 480, 0), segment(0xE1, circle())) }},
	{name: "PNG, 304 kB, 50,000², 1 bit", make: func() []byte { return pngOf(50000, 50000, 1, 0, make([]byte, 304_000)) }, code: "too_large", words: "50000 × 50000 pixels"},
	{name: "PNG, 2.6 MB, 30,000² RGB", make: func() []byte { return pngOf(30000, 30000, 8, 2, make([]byte, 2_600_000)) }, code: "too_large", words: "30000 × 30000 pixels"},
	{name: "PNG, 120 MP RGBA of 16 bits, 1 kB of pixels", make: func() []byte { return pngOf(10954, 10954, 16, 6, zeros(1<<20)) }, code: "truncated", words: "ends in the middle"},
	{name: "PNG, 120 MP RGBA of 16 bits, half of it", make: func() []byte { return pngOf(10954, 10954, 16, 6, zeros(10954*(1+8*10954)/2)) }, code: "truncated", words: "ends in the middle"},
	{name: "PNG, 120 MP RGBA of 16 bits, whole", make: func() []byte { return pngOf(10954, 10954, 16, 6, zeros(10954*(1+8*10954))) }, large: true},
	{name: "PNG, 120 MP RGBA of 16 bits, a wrong checksum", make: func() []byte {
		b := pngOf(10954, 10954, 16, 6, zeros(10954*(1+8*10954)))
		b[len(b)-20] ^= 1
		return b
	}, code: "damaged", words: "damaged"},
	{name: "PNG, 30,000 × 4,000, 1 bit, whole", make: func() []byte { return pngOf(30000, 4000, 1, 0, zeros(4000*(1+30000/8))) }, large: true},
	{name: "PNG, 4 million empty chunks", make: func() []byte {
		return pngOf(64, 64, 8, 2, zeros(64*(1+3*64)), bytes.Repeat(chunk("IDAT", nil), 4_000_000)...)
	}, code: "damaged", words: "damaged"},
	{name: "PNG, zTXt of a gigabyte", make: func() []byte {
		return pngWith(chunk("zTXt", append([]byte("Comment\x00\x00"), zeros(1<<30)...)))
	}},
	{name: "PNG, colour profile of a gigabyte", make: func() []byte {
		return pngWith(chunk("iCCP", append([]byte("p\x00\x00"), zeros(1<<30)...)))
	}, code: "too_large", words: "colour profile of more than 4 MB"},
	{name: "PNG, 3,000 colour profiles of 4 MB", make: func() []byte {
		return pngWith(bytes.Repeat(chunk("iCCP", append([]byte("p\x00\x00"), zeros(4<<20)...)), 3000))
	}},
	{name: "PNG, EXIF directories in a circle", make: func() []byte { return pngWith(chunk("eXIf", circle()[6:])) }},
}

// What codes there are in the JPEGs made here: each is a single bit of zero, so that zeros are the shortest data there is. It means no
// difference, the end of a block, or, in progressive ones, the end of 16,384 blocks.
var (
	one          = []byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	huffman      = segment(0xC4, append(append(append([]byte{0x00}, one...), 0x00, 0x10), append(slices.Clone(one), 0x00)...))
	endOfBand    = segment(0xC4, append(append([]byte{0x10}, one...), 0xE0))
	quantisation = append([]byte{0}, bytes.Repeat([]byte{16}, 64)...)
)

// jpegOf writes scans behind a header that tells a size: of colour in 4:2:0, or of inks.
func jpegOf(width, height, components int, frame byte, scans ...[]byte) []byte {
	out := append([]byte{0xFF, 0xD8}, segment(0xDB, quantisation)...)
	if components == 4 {
		out = append(out, segment(0xEE, []byte("Adobe\x00\x64\x00\x00\x00\x00\x00"))...)
	}
	body := binary.BigEndian.AppendUint16([]byte{8}, uint16(height)) //nolint:gosec // as the caller says
	body = binary.BigEndian.AppendUint16(body, uint16(width))        //nolint:gosec // as the caller says
	body = append(body, byte(components))
	for i := range byte(components) {
		factors := byte(0x11)
		if i == 0 && components == 3 {
			factors = 0x22
		}
		body = append(body, i+1, factors, 0)
	}
	out = append(out, segment(frame, body)...)
	out = append(out, huffman...)
	if frame == 0xC2 {
		out = append(out, endOfBand...)
	}
	return append(append(out, bytes.Join(scans, nil)...), 0xFF, 0xD9)
}

// scan writes a scan of components and a band of coefficients: all of their bits, or those that are told.
func scan(of []byte, first, last, bits byte, data []byte) []byte {
	body := []byte{byte(len(of))}
	for _, c := range of {
		body = append(body, c, 0)
	}
	return append(segment(0xDA, append(body, first, last, bits)), data...)
}

// progressive writes a grey picture, once painted and then refined by nothing at all.
func progressive(width, height, scans int, bits byte) []byte {
	blocks := (width + 7) / 8 * ((height + 7) / 8)
	all := [][]byte{scan([]byte{1}, 0, 0, 0, make([]byte, (blocks+7)/8))}
	nothing := make([]byte, (blocks/16384+1)*15/8+1)
	for range scans - 1 { // all of the coefficient that every size needs
		all = append(all, scan([]byte{1}, 1, 1, bits, nothing))
	}
	return jpegOf(width, height, 1, 0xC2, all...)
}

// sequential writes a picture in one colour, with restarts after so many units; 0 for none.
func sequential(width, height, interval int) []byte {
	units := (width + 15) / 16 * ((height + 15) / 16)
	const blocks = 6 // of a unit, each of two bits
	if interval == 0 {
		return jpegOf(width, height, 3, 0xC0, scan([]byte{1, 2, 3}, 0, 63, 0, make([]byte, (units*blocks*2+7)/8)))
	}
	var data []byte
	for i := 0; i*interval < units; i++ {
		if i > 0 {
			data = append(data, 0xFF, 0xD0+byte((i-1)%8))
		}
		data = append(data, make([]byte, (min(interval, units-i*interval)*blocks*2+7)/8)...)
	}
	b := jpegOf(width, height, 3, 0xC0, scan([]byte{1, 2, 3}, 0, 63, 0, data))
	return before(b, segment(0xDD, binary.BigEndian.AppendUint16(nil, uint16(interval)))) //nolint:gosec // as the caller says
}

func segment(marker byte, body []byte) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{0xFF, marker}, uint16(2+len(body))), body...) //nolint:gosec // short
}

// before puts bytes behind a file's first marker, behind before its last.
func before(file, what []byte) []byte { return slices.Concat(file[:2], what, file[2:]) }
func behind(file, what []byte) []byte {
	return slices.Concat(file[:len(file)-2], what, file[len(file)-2:])
}

// cut takes bytes away before the end marker.
func cut(file []byte, n int) []byte {
	return append(file[:len(file)-2-n], 0xFF, 0xD9)
}

// hidden is a small picture to who takes 0xFF 0x00 for a marker and passes over the segment behind; to others that is
// nothing, so that they see the header within, and pass over the small picture's.
func hidden() []byte {
	file := sequential(640, 480, 0)
	at := bytes.Index(file, []byte{0xFF, 0xC0})
	size := 2 + int(file[at+3])
	huge := bytes.Clone(file[at : at+size])
	huge[1] = 0xC2
	copy(huge[5:], []byte{0xFF, 0xDC, 0xFF, 0xDC})
	huge = append(huge, 0xFF, 0xE5, 0, byte(2+size))
	return slices.Concat(file[:at], []byte{0xFF, 0, 0, byte(2 + len(huge))}, huge, file[at:])
}

// circle is EXIF whose directories lead to one another: the next, those of Exif and of GPS, and those within.
func circle() []byte {
	b := []byte("Exif\x00\x00II*\x00\x08\x00\x00\x00")
	const size = 2 + 40*12 + 4
	for i := range uint32(8) {
		b = binary.LittleEndian.AppendUint16(b, 40)
		for j := range uint16(40) {
			tag := []uint16{0x8769, 0x8825, 0xA005, 0x014A}[j%4]
			b = binary.LittleEndian.AppendUint16(b, tag)
			b = binary.LittleEndian.AppendUint16(b, 4)
			b = binary.LittleEndian.AppendUint32(b, 1)
			b = binary.LittleEndian.AppendUint32(b, 8+(i+uint32(j))%8*size)
		}
		b = binary.LittleEndian.AppendUint32(b, 8+(i+1)%8*size)
	}
	return b
}

// pngOf writes a PNG of this size whose pixels are what data unpacks to, with more chunks behind those.
func pngOf(width, height int, depth, kind byte, data []byte, more ...byte) []byte {
	header := binary.BigEndian.AppendUint32(nil, uint32(width))    //nolint:gosec // as the caller says
	header = binary.BigEndian.AppendUint32(header, uint32(height)) //nolint:gosec // as the caller says
	header = append(header, depth, kind, 0, 0, 0)
	return slices.Concat([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", header), chunk("IDAT", data), more, chunk("IEND", nil))
}

// pngWith answers a small PNG with something behind its header.
func pngWith(chunks []byte) []byte {
	b := testphotos.PNG(testphotos.Options{Width: 64, Height: 48})
	const header = 8 + 25
	return slices.Concat(b[:header], chunks, b[header:])
}

func chunk(kind string, body []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(body))) //nolint:gosec // short
	out = append(append(out, kind...), body...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

// zeros answers n packed zeros, without going through all of them: one piece is like the next.
func zeros(n int) []byte {
	const piece = 1 << 20
	var out bytes.Buffer
	w, err := zlib.NewWriterLevel(&out, zlib.BestCompression)
	if err != nil {
		panic(err) // there is such a level
	}
	write := func(n int) []byte {
		begin := out.Len()
		_, _ = w.Write(make([]byte, n)) // to a buffer: it cannot fail
		_ = w.Flush()
		return slices.Clone(out.Bytes()[begin:])
	}
	var parts [][]byte
	if n >= piece {
		parts = append(parts, write(piece))
	}
	if n >= 2*piece {
		parts = append(parts, bytes.Repeat(write(piece), n/piece-1))
	}
	parts = append(parts, write(n%piece), []byte{1, 0, 0, 0xFF, 0xFF}) // and an empty last block
	// Adler's sum: nothing is added to the first half, which is one, and that n times to the second.
	const modulus = 65521
	return binary.BigEndian.AppendUint32(bytes.Join(parts, nil), uint32(n%modulus)<<16|1) //nolint:gosec // less than the modulus
}
