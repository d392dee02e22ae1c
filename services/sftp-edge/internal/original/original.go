// Package original is the bucket's side of an upload: the object that its bytes become.
//
// A small file is one PUT and leaves no trace when it fails. A large one has a record in UPLOADS from its first part to
// its landing, so that an edge that dies leaves nothing in the bucket that nobody knows of.
package original

import (
	"context"
	"encoding/base64"
	"mime"
	"path"
	"sync"
	"time"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/objects"
	"filmgate.dev/services/sftp-edge/internal/upload"
)

// Lease is how long a record is its edge's own, counted from the last Renew: longer than clocks differ.
const Lease = 2 * time.Minute

// Original is one object on its way in. Part may be called concurrently; the rest one after another.
type Original struct {
	bucket  *objects.Bucket
	uploads *files.Uploads
	key     string
	parts   *objects.Multipart
	written bool // there may be an object

	mu     sync.Mutex
	record files.Record // its expiry and revision change
}

// New makes the object of the upload that record describes; it fills in the object's key.
func New(bucket *objects.Bucket, uploads *files.Uploads, record files.Record) (*Original, error) {
	key, err := objects.OriginalKey(record.Job.Account, record.Job.ID, record.Upload)
	if err != nil {
		return nil, err
	}
	record.ObjectKey, record.State = key, files.UploadOpen
	return &Original{bucket: bucket, uploads: uploads, key: key, record: record}, nil
}

// options is what stands beside the bytes, so that the log could be rebuilt from the objects.
func (o *Original) options(crc32c uint32) objects.PutOptions {
	r := o.record
	return objects.PutOptions{
		ContentType: mime.TypeByExtension(path.Ext(r.Name)),
		CRC32C:      crc32c,
		Metadata: map[string]string{
			"folder": r.Folder, "name": base64.RawURLEncoding.EncodeToString([]byte(r.Name)),
			"job": r.Job.ID, "user": r.UserID, "upload": r.Upload,
		},
	}
}

// Put stores a whole small file.
func (o *Original) Put(ctx context.Context, body upload.Body, crc32c uint32) error {
	o.written = true
	return o.bucket.PutFrom(ctx, o.key, body, body.Len(), o.options(crc32c))
}

// Begin announces a large file.
func (o *Original) Begin(ctx context.Context) error {
	parts, err := o.bucket.NewMultipart(ctx, o.key, o.options(0))
	if err != nil {
		return err
	}
	o.parts = parts
	o.mu.Lock()
	defer o.mu.Unlock()
	o.record.MultipartID = parts.ID()
	return o.put(ctx)
}

// Renew keeps the record, if there is one, from expiring.
func (o *Original) Renew(ctx context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.record.Revision == 0 {
		return nil
	}
	return o.put(ctx)
}

func (o *Original) put(ctx context.Context) error {
	record := o.record
	record.Expires = time.Now().Add(Lease)
	record, err := o.uploads.Put(ctx, record)
	if fault.Is(err, fault.Conflict) {
		// Nobody else writes that it is open: an earlier Put was stored, and its answer lost.
		if stored, lost := o.uploads.Get(ctx, o.record); lost == nil && stored.State == files.UploadOpen {
			o.record = stored
			return o.put(ctx)
		}
	}
	if err == nil {
		o.record = record
	}
	return err
}

// Part stores one part of a large file.
func (o *Original) Part(ctx context.Context, n int, body upload.Body, crc32c uint32) error {
	return o.parts.PutPartFrom(ctx, n, body, body.Len(), crc32c)
}

// Complete makes the object of its parts.
func (o *Original) Complete(ctx context.Context, crc32c uint32) error {
	o.written = true
	return o.parts.Complete(ctx, crc32c)
}

// Abort removes everything that never landed. What it cannot remove is left to the sweep, with its record.
func (o *Original) Abort(ctx context.Context) error {
	if o.parts != nil {
		if err := o.parts.Abort(ctx); err != nil {
			return err
		}
	}
	if o.written {
		if err := o.bucket.Delete(ctx, o.key); err != nil {
			return err
		}
	}
	return o.Forget(ctx)
}

// Forget deletes the record, once the file has landed.
func (o *Original) Forget(ctx context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.record.Revision == 0 {
		return nil
	}
	err := o.uploads.Delete(ctx, o.record)
	if err == nil {
		o.record.Revision = 0
	}
	return err
}
