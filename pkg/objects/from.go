package objects

import (
	"context"
	"io"
	"net/http"

	"github.com/minio/minio-go/v7"
)

// PutFrom is Put of size bytes that lie in pieces. The body is rewound when a request has to be repeated; its CRC32C must be
// given.
func (b *Bucket) PutFrom(ctx context.Context, key string, body io.ReadSeeker, size int64, opts PutOptions) error {
	put := opts.minio(map[string]string{headerChecksum: encodeCRC32C(opts.CRC32C)})
	put.DisableContentSha256 = b.unsigned
	_, err := b.core.PutObject(b.bared(ctx, body), b.name, key, body, size, "", "", put)
	return wrap(err)
}

// PutPartFrom is PutPart of size bytes that lie in pieces. The body is rewound when a request has to be repeated.
func (m *Multipart) PutPartFrom(ctx context.Context, n int, body io.ReadSeeker, size int64, crc uint32) error {
	_, err := m.bucket.core.PutObjectPart(m.bucket.bared(ctx, body), m.bucket.name, m.key, m.id, n, body, size, minio.PutObjectPartOptions{
		CustomHeader:         http.Header{headerChecksum: {encodeCRC32C(crc)}},
		DisableContentSha256: m.bucket.unsigned,
	})
	return wrap(err)
}
