package picture

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

const pngSignature = "\x89PNG\r\n\x1a\n"

// readPNG walks the chunks up to the first one with pixels.
func readPNG(head []byte, info *Info) error {
	profiles := 0
	for at := len(pngSignature); ; {
		if at+8 > len(head) {
			return ErrShort
		}
		size, kind := int64(binary.BigEndian.Uint32(head[at:])), string(head[at+4:at+8])
		if size > 1<<31-1 {
			return Damaged(nil)
		}
		if info.Components == 0 && kind != "IHDR" {
			return Damaged(nil)
		}
		if kind == "IDAT" {
			info.Pixels = at
			return nil
		}
		if kind == "IEND" {
			return Truncated(nil) // an end before any picture
		}
		end := int64(at) + 8 + size + 4
		if end > int64(len(head)) {
			return ErrShort
		}
		body := head[at+8 : end-4]
		at = int(end)
		switch kind {
		case "IHDR":
			if info.Components != 0 || len(body) != 13 {
				return Damaged(nil)
			}
			info.Width = int(binary.BigEndian.Uint32(body))
			info.Height = int(binary.BigEndian.Uint32(body[4:]))
			info.BitDepth = int(body[8])
			info.Components = map[byte]int{0: 1, 2: 3, 3: 3, 4: 4, 6: 4}[body[9]]
			if info.Components == 0 {
				return Damaged(nil)
			}
			info.PixelBits = info.BitDepth * map[byte]int{0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[body[9]]
			info.Interlaced = body[12] != 0
			if err := info.check(); err != nil {
				return err
			}
		case "eXIf":
			info.EXIF = bytes.TrimPrefix(body, []byte(exifPrefix))
		case "iCCP":
			if profiles++; profiles == 1 { // there must be no other, and each would have to be unpacked
				info.ICC = inflateProfile(body)
			}
		}
	}
}

// inflateProfile unpacks a profile, at most one byte more than is accepted; nil when it cannot be unpacked.
func inflateProfile(body []byte) []byte {
	name := bytes.IndexByte(body[:min(len(body), 80)], 0)
	if name < 0 || name+2 > len(body) {
		return nil
	}
	unpacked, err := zlib.NewReader(bytes.NewReader(body[name+2:]))
	if err != nil {
		return nil
	}
	profile, err := io.ReadAll(io.LimitReader(unpacked, MostProfile+1))
	if err != nil {
		return nil
	}
	return profile
}

// surveyPNG reports whether the end chunk is there, and compares all checksums before it: a file that was hurt need not be
// decoded to know it.
func surveyPNG(b []byte) (ended bool, err error) {
	for at, chunks := int64(0), 0; at+12 <= int64(len(b)); chunks++ {
		end := at + 12 + int64(binary.BigEndian.Uint32(b[at:]))
		if end > int64(len(b)) {
			break
		}
		if crc32.ChecksumIEEE(b[at+4:end-4]) != binary.BigEndian.Uint32(b[end-4:]) {
			return false, Damaged(errors.New("png: a wrong checksum"))
		}
		if chunks > mostChunks {
			return false, Damaged(errStructure)
		}
		if string(b[at+4:at+8]) == "IEND" {
			return true, nil
		}
		at = end
	}
	return false, nil
}
