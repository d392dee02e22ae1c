package upload

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"net/http"

	"filmgate.dev/pkg/objects"
)

// Body is bytes that can be read again when a request has to be repeated.
type Body interface {
	io.ReadSeeker
	io.ReaderAt
	Len() int64
}

// Len answers the number of bytes.
func (p *pieces) Len() int64 { return p.size }

// Result is what a finished file is.
type Result struct {
	Bytes     int64
	SHA256    string // hex
	CRC32C    string // hex, 8 digits
	MediaType string // by the first bytes
	Integrity string // ok, truncated, empty or unknown: a hint, because a damaged photo must still arrive
}

const (
	headBytes = 512
	tailBytes = 4 << 10
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// digest sees a file's bytes once, in order.
type digest struct {
	sha   hash.Hash
	crc   uint32
	bytes int64
	head  []byte
	tail  []byte
}

func newDigest() digest { return digest{sha: sha256.New()} }

// add digests the next part and answers its own CRC32C.
func (d *digest) add(part *pieces) (crc uint32) {
	part.each(func(b []byte) {
		d.sha.Write(b)
		crc = crc32.Update(crc, castagnoli, b)
		d.bytes += int64(len(b))
		d.head = append(d.head, b[:min(len(b), headBytes-len(d.head))]...)
		if len(b) >= tailBytes {
			d.tail = append(d.tail[:0], b[len(b)-tailBytes:]...)
			return
		}
		d.tail = append(d.tail, b...)
		d.tail = d.tail[max(0, len(d.tail)-tailBytes):]
	})
	d.crc = objects.CombineCRC32C(d.crc, crc, part.size)
	return crc
}

func (d *digest) result() Result {
	media := http.DetectContentType(d.head)
	if d.bytes == 0 {
		media = "application/octet-stream"
	}
	return Result{
		Bytes: d.bytes, SHA256: hex.EncodeToString(d.sha.Sum(nil)), CRC32C: fmt.Sprintf("%08x", d.crc),
		MediaType: media, Integrity: d.integrity(media),
	}
}

// integrity looks for the end that a whole file of its kind has. Cameras and editors may leave padding behind it.
func (d *digest) integrity(media string) string {
	var end []byte
	switch {
	case d.bytes == 0:
		return "empty"
	case media == "image/jpeg":
		end = []byte{0xff, 0xd9}
	case media == "image/png":
		end = []byte("IEND\xaeB`\x82")
	default:
		return "unknown"
	}
	if bytes.Contains(d.tail, end) {
		return "ok"
	}
	return "truncated"
}
