package objects

import (
	"bytes"
	"context"
	"net/http"

	"github.com/minio/minio-go/v7"

	"filmgate.dev/pkg/fault"
)

// MinPart is the smallest part that S3 takes, except for the last one.
const MinPart = 5 << 20

// partsPerList is S3's own limit.
const partsPerList = 1000

// Multipart is an object that is being put together from parts. The server's list of parts is the only record of them, so
// any process that knows key and id can go on. Its methods may be called concurrently.
type Multipart struct {
	bucket *Bucket
	key    string
	id     string
}

// NewMultipart begins an object. The options' CRC32C is not used: the whole checksum is given at the end.
func (b *Bucket) NewMultipart(ctx context.Context, key string, opts PutOptions) (*Multipart, error) {
	id, err := b.core.NewMultipartUpload(ctx, b.name, key, opts.minio(map[string]string{
		"x-amz-checksum-algorithm": "CRC32C",
		"x-amz-checksum-type":      "FULL_OBJECT",
	}))
	if err != nil {
		return nil, wrap(err)
	}
	return b.ResumeMultipart(key, id), nil
}

// ResumeMultipart goes on with an object that was begun before, maybe by another process.
func (b *Bucket) ResumeMultipart(key, id string) *Multipart {
	return &Multipart{bucket: b, key: key, id: id}
}

// ID answers the server's name for the upload.
func (m *Multipart) ID() string { return m.id }

// Key answers the object's key.
func (m *Multipart) Key() string { return m.key }

// PutPart stores part n, counted from 1. A part put twice counts once, as it was last.
func (m *Multipart) PutPart(ctx context.Context, n int, body []byte, crc uint32) error {
	_, err := m.bucket.core.PutObjectPart(ctx, m.bucket.name, m.key, m.id, n, bytes.NewReader(body), int64(len(body)),
		minio.PutObjectPartOptions{
			CustomHeader:         http.Header{headerChecksum: {encodeCRC32C(crc)}},
			DisableContentSha256: m.bucket.unsigned,
		})
	return wrap(err)
}

// CopyPart makes part n of length bytes of another object, from an offset on. The bytes do not pass through here.
func (m *Multipart) CopyPart(ctx context.Context, n int, source string, off, length int64) error {
	_, err := m.bucket.core.CopyObjectPart(ctx, m.bucket.name, source, m.bucket.name, m.key, m.id, n, off, length, nil)
	return wrap(err)
}

// Part is a stored part.
type Part struct {
	Number    int
	Size      int64
	ETag      string
	CRC32C    uint32
	HasCRC32C bool
}

// Parts answers the stored parts in their order.
func (m *Multipart) Parts(ctx context.Context) ([]Part, error) {
	var parts []Part
	for after := 0; ; {
		page, err := m.bucket.core.ListObjectParts(ctx, m.bucket.name, m.key, m.id, after, partsPerList)
		if err != nil {
			return nil, wrap(err)
		}
		for _, p := range page.ObjectParts {
			sum, ok := decodeCRC32C(p.ChecksumCRC32C)
			parts = append(parts, Part{Number: p.PartNumber, Size: p.Size, ETag: p.ETag, CRC32C: sum, HasCRC32C: ok})
		}
		if !page.IsTruncated || page.NextPartNumberMarker <= after {
			return parts, nil
		}
		after = page.NextPartNumberMarker
	}
}

// Complete makes the object of its parts, if its checksum is whole. Otherwise there is no object afterwards.
//
// Completing again what was completed is no error: an answer may have been lost.
func (m *Multipart) Complete(ctx context.Context, whole uint32) error {
	parts, err := m.Parts(ctx)
	if fault.Is(err, fault.NotFound) {
		return m.completed(ctx, whole, err)
	}
	if err != nil {
		return err
	}
	complete, err := m.check(parts, whole)
	if err != nil {
		return err
	}
	info, err := m.bucket.core.CompleteMultipartUpload(ctx, m.bucket.name, m.key, m.id, complete, minio.PutObjectOptions{})
	if code(err) == minio.NoSuchUpload {
		return m.completed(ctx, whole, wrap(err))
	}
	if err != nil {
		return wrap(err)
	}
	if sum, ok := decodeCRC32C(info.ChecksumCRC32C); ok {
		return m.verify(ctx, sum, whole)
	}
	return m.completed(ctx, whole, nil)
}

// check compares what is stored with what was sent, before the object exists.
func (m *Multipart) check(parts []Part, whole uint32) ([]minio.CompletePart, error) {
	var sum uint32
	known := true
	complete := make([]minio.CompletePart, 0, len(parts))
	for i, p := range parts {
		if p.Number != i+1 {
			return nil, fault.New(fault.Unavailable, "part %d of the photo is missing in the photo store; send it again", i+1)
		}
		c := minio.CompletePart{PartNumber: p.Number, ETag: p.ETag}
		if p.HasCRC32C {
			c.ChecksumCRC32C = encodeCRC32C(p.CRC32C)
			sum = CombineCRC32C(sum, p.CRC32C, p.Size)
		}
		known = known && p.HasCRC32C
		complete = append(complete, c)
	}
	if known && sum != whole {
		return nil, damaged(sum, whole)
	}
	return complete, nil
}

// completed asks the object itself for its checksum. Without an object, the answer is why.
func (m *Multipart) completed(ctx context.Context, whole uint32, why error) error {
	info, err := m.bucket.Stat(ctx, m.key)
	if fault.Is(err, fault.NotFound) && why != nil {
		return why
	}
	if err != nil {
		return err
	}
	if !info.HasCRC32C {
		return nil // the server keeps none for the whole; it has checked each part
	}
	return m.verify(ctx, info.CRC32C, whole)
}

func (m *Multipart) verify(ctx context.Context, got, whole uint32) error {
	if got == whole {
		return nil
	}
	if err := m.bucket.Delete(ctx, m.key); err != nil {
		return err
	}
	return damaged(got, whole)
}

func damaged(got, want uint32) error {
	return fault.New(fault.Unavailable, "the stored photo differs from the one sent (checksum %08x instead of %08x); send it again", got, want)
}

// Abort removes the parts. It is no error when there are none.
func (m *Multipart) Abort(ctx context.Context) error {
	err := m.bucket.core.AbortMultipartUpload(ctx, m.bucket.name, m.key, m.id)
	if code(err) == minio.NoSuchUpload {
		return nil
	}
	return wrap(err)
}
