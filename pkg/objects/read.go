package objects

import (
	"context"
	"errors"
	"io"

	"github.com/minio/minio-go/v7"

	"filmgate.dev/pkg/fault"
)

// Get opens an object. The caller closes it; its reads fail with errors of package fault.
func (b *Bucket) Get(ctx context.Context, key string) (io.ReadCloser, Info, error) {
	return b.open(ctx, key, minio.GetObjectOptions{Checksum: true})
}

// GetRange opens n bytes of an object from an offset on; fewer if it ends before. The caller closes it.
func (b *Bucket) GetRange(ctx context.Context, key string, off, n int64) (io.ReadCloser, Info, error) {
	if off < 0 || n <= 0 {
		return nil, Info{}, fault.New(fault.Invalid, "no bytes can be read at %d, length %d", off, n)
	}
	opts := minio.GetObjectOptions{}
	if err := opts.SetRange(off, off+n-1); err != nil {
		return nil, Info{}, fault.Wrap(err, fault.Invalid, "no bytes can be read at %d, length %d", off, n)
	}
	return b.open(ctx, key, opts)
}

func (b *Bucket) open(ctx context.Context, key string, opts minio.GetObjectOptions) (io.ReadCloser, Info, error) {
	body, o, _, err := b.core.GetObject(ctx, b.name, key, opts)
	if err != nil {
		return nil, Info{}, wrap(err)
	}
	return reader{body}, infoOf(o), nil
}

// reader gives errors in the middle of a body a kind.
type reader struct{ io.ReadCloser }

func (r reader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fault.Wrap(err, fault.Unavailable, "the photo store broke off in the middle of a photo; try again")
	}
	return n, err
}
