package objects

import (
	"cmp"
	"context"
	"io"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"filmgate.dev/pkg/fault"
)

const (
	copiesAtOnce = 8
	copyPart     = 16 << 20
)

// Copied is how far a Copy is.
type Copied struct {
	Objects atomic.Int64
	Bytes   atomic.Int64
	Skipped atomic.Int64 // were there already
}

// Copy copies every object into another bucket, which may be anywhere, and checks each one's CRC32C on the way. What is
// there already with the same length and checksum is left, so a Copy that broke off can be called again. Pieces of uploads
// that are not finished are not copied. Objects that are made or removed meanwhile may be there or not.
func Copy(ctx context.Context, from, to *Bucket, done *Copied) error {
	group, copying := errgroup.WithContext(ctx)
	group.SetLimit(copiesAtOnce)
	var listed error
	for info, err := range from.List(copying, "") {
		if err != nil {
			listed = err
			break
		}
		if strings.HasPrefix(info.Key, tails+"/") {
			continue
		}
		group.Go(func() error {
			copied, err := copyObject(copying, from, to, info.Key)
			switch {
			case err != nil:
				return fault.Wrap(err, fault.KindOf(err), "the object %s could not be copied", info.Key)
			case copied:
				done.Objects.Add(1)
				done.Bytes.Add(info.Size)
			default:
				done.Skipped.Add(1)
			}
			return nil
		})
	}
	return cmp.Or(group.Wait(), listed, ctx.Err()) // a list whose context ends simply ends
}

func copyObject(ctx context.Context, from, to *Bucket, key string) (copied bool, err error) {
	body, info, err := from.Get(ctx, key)
	if err != nil {
		return false, err
	}
	defer body.Close()
	there, err := to.Stat(ctx, key)
	switch {
	case err == nil && there.Size == info.Size && there.HasCRC32C && info.HasCRC32C && there.CRC32C == info.CRC32C:
		return false, nil
	case err != nil && !fault.Is(err, fault.NotFound):
		return false, err
	}
	opts := PutOptions{ContentType: info.ContentType, Metadata: info.Metadata}
	if info.Size > copyPart {
		return true, copyParts(ctx, body, info, to, opts)
	}
	data := make([]byte, info.Size)
	if _, err := io.ReadFull(body, data); err != nil {
		return false, err
	}
	opts.CRC32C = CRC32C(data)
	if info.HasCRC32C && opts.CRC32C != info.CRC32C {
		return false, damaged(opts.CRC32C, info.CRC32C)
	}
	return true, to.Put(ctx, key, data, opts)
}

func copyParts(ctx context.Context, body io.Reader, info Info, to *Bucket, opts PutOptions) (err error) {
	parts, err := to.NewMultipart(ctx, info.Key, opts)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = parts.Abort(context.WithoutCancel(ctx))
		}
	}()
	whole, size := uint32(0), int64(copyPart)
	for size*maxCopyParts < info.Size {
		size *= 2
	}
	data := make([]byte, size)
	for n, left := 1, info.Size; left > 0; n++ {
		part := data[:min(left, size)]
		if _, err := io.ReadFull(body, part); err != nil {
			return err
		}
		sum := CRC32C(part)
		if err := parts.PutPart(ctx, n, part, sum); err != nil {
			return err
		}
		whole = CombineCRC32C(whole, sum, int64(len(part)))
		left -= int64(len(part))
	}
	if info.HasCRC32C && whole != info.CRC32C {
		return damaged(whole, info.CRC32C)
	}
	return parts.Complete(ctx, whole)
}

// maxCopyParts is S3's own limit.
const maxCopyParts = 10_000
