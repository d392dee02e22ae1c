// Package original is the bucket's side of an upload: the object that its bytes become.
//
// A small file is one PUT and leaves no trace when it fails. Anything else has a record in UPLOADS before it has anything in
// the bucket, so that an edge that dies leaves nothing there that nobody knows of, and another one can go on.
package original

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/objects"
	"filmgate.dev/services/sftp-edge/internal/failpoint"
	"filmgate.dev/services/sftp-edge/internal/upload"
)

const (
	// tidyWait bounds the removal of pieces that nobody needs any more.
	tidyWait = 5 * time.Second
	// beginWait bounds the announcement of a large file.
	beginWait = 30 * time.Second
	// lastWait is how much longer than its context a write to the bucket may take.
	lastWait = 3 * time.Second
)

// Store is where originals are kept.
type Store struct {
	Bucket  *objects.Bucket
	Uploads *files.Uploads
	Part    int64         // bytes of a part
	Lanes   chan struct{} // as many bodies are on their way to the bucket or from it as it has room; nil = any number
	Lease   time.Duration // how long a record is its holder's own, counted from its last change
	Keep    time.Duration // how long what was broken off can be resumed
}

// through waits for a free lane to the bucket and uses it. Hundreds of clients that close at the same moment would otherwise
// each have a request under way, and everybody else's questions wait behind all of them.
func (s Store) through(ctx context.Context, write func(context.Context) error) error {
	if s.Lanes != nil {
		select {
		case s.Lanes <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		defer func() { <-s.Lanes }()
	}
	return toItsEnd(ctx, write)
}

// toItsEnd lets a write that has begun end by itself when ctx is over, for a while. The bucket may have all of its bytes by then: a
// request that is broken off can still leave something there, after everything has been tidied up.
func toItsEnd(ctx context.Context, write func(context.Context) error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	ended := make(chan struct{})
	defer close(ended)
	defer context.AfterFunc(ctx, func() {
		select {
		case <-ended:
		case <-time.After(lastWait):
			cancel()
		}
	})()
	return write(lasting)
}

// Original is one object on its way in. Part may be called concurrently, also with the rest; the rest one after another.
type Original struct {
	store    Store
	key      string
	describe func(upload.Result) files.Entry
	parts    *objects.Multipart
	written  bool // there may be an object

	fixed files.Record // what never changes of the record: names, ids, the user

	mu     sync.Mutex
	record files.Record // what it says changes
	pieces []int        // numbers of what there may be of a tail
	own    []int        // of these, what was stored here
	lost   bool         // somebody else holds the record
	tailed bool         // there is or was a tail
	over   bool         // the lease is not renewed any more
}

// New makes the object of the upload that record describes; it fills in the object's key. describe says what is to appear
// in the files log once the bytes are there.
func (s Store) New(record files.Record, describe func(upload.Result) files.Entry) (*Original, error) {
	key, err := objects.OriginalKey(record.Job.Account, record.Job.ID, record.Upload)
	if err != nil {
		return nil, err
	}
	record.ObjectKey, record.State, record.PartBytes = key, files.UploadOpen, s.Part
	record.Holder = ulid.Make().String()
	return &Original{store: s, key: key, describe: describe, fixed: record, record: record}, nil
}

// Resume takes an upload over that was broken off: Conflict when somebody else was faster. by is who goes on.
func (s Store) Resume(ctx context.Context, record files.Record, by files.Record, describe func(upload.Result) files.Entry) (*Original, error) {
	record.UserID, record.User, record.Client, record.Address = by.UserID, by.User, by.Client, by.Address
	record.State, record.Entry, record.Holder = files.UploadOpen, nil, ulid.Make().String()
	// An edge that died may have stored a piece that its record does not know of yet.
	o := &Original{store: s, key: record.ObjectKey, describe: describe, fixed: record, record: record, tailed: true}
	if record.MultipartID != "" {
		o.parts = s.Bucket.ResumeMultipart(record.ObjectKey, record.MultipartID)
	}
	for _, piece := range record.Tail {
		o.pieces = append(o.pieces, piece.Number)
	}
	return o, o.change(ctx, func(*files.Record) {})
}

// Checkpoint answers how far an upload is that was broken off.
func Checkpoint(r files.Record) upload.Checkpoint {
	c := upload.Checkpoint{Begun: r.MultipartID != "", Parts: r.Parts, Sum: r.Sum, Tail: r.Tail}
	c.Next = int(r.Revision) << 20 // nobody who held it before, and does not know yet, writes the same pieces
	return c
}

// Upload answers the upload's id.
func (o *Original) Upload() string { return o.fixed.Upload }

// options is what stands beside the bytes, so that the log could be rebuilt from the objects.
func (o *Original) options(crc32c uint32) objects.PutOptions {
	r := o.fixed
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
	return o.store.through(ctx, func(ctx context.Context) error {
		o.written = true
		return o.store.Bucket.PutFrom(ctx, o.key, body, body.Len(), o.options(crc32c))
	})
}

// Begin announces a large file. It is not broken off: nobody would know the name of what the bucket has begun then.
func (o *Original) Begin(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), beginWait)
	defer cancel()
	parts, err := o.store.Bucket.NewMultipart(ctx, o.key, o.options(0))
	if err != nil {
		return err
	}
	o.parts = parts
	return o.change(ctx, func(r *files.Record) { r.MultipartID = parts.ID() })
}

// Part stores one part of a large file.
func (o *Original) Part(ctx context.Context, n int, body upload.Body, crc32c uint32) error {
	return o.store.through(ctx, func(ctx context.Context) error { return o.parts.PutPartFrom(ctx, n, body, body.Len(), crc32c) })
}

// Spill stores a piece of the tail.
func (o *Original) Spill(ctx context.Context, piece files.Piece, body upload.Body) error {
	key, err := objects.TailKey(o.fixed.Upload, piece.Number)
	if err != nil {
		return err
	}
	if err := o.announce(ctx, piece.Number); err != nil {
		return err
	}
	err = o.store.through(ctx, func(ctx context.Context) error {
		return o.store.Bucket.PutFrom(ctx, key, body, body.Len(), objects.PutOptions{CRC32C: piece.CRC32C, Metadata: map[string]string{"upload": o.fixed.Upload}})
	})
	failpoint.Here("tail stored")
	return err
}

// announce sees to it that there is a record before there is a piece.
func (o *Original) announce(ctx context.Context, piece int) error {
	o.mu.Lock()
	o.tailed = true
	o.pieces, o.own = append(o.pieces, piece), append(o.own, piece)
	known := o.record.Revision != 0
	o.mu.Unlock()
	if known {
		return nil
	}
	return o.change(ctx, func(*files.Record) {})
}

// Tail reads a piece of the tail.
func (o *Original) Tail(ctx context.Context, piece files.Piece) (io.ReadCloser, error) {
	key, err := objects.TailKey(o.fixed.Upload, piece.Number)
	if err != nil {
		return nil, err
	}
	body, _, err := o.store.Bucket.Get(ctx, key)
	return body, err
}

// Save remembers how far the upload is.
func (o *Original) Save(ctx context.Context, c upload.Checkpoint, brokenOff bool) error {
	err := o.change(ctx, func(r *files.Record) {
		r.Parts, r.Sum, r.Tail, r.Bytes = c.Parts, c.Sum, c.Tail, c.Bytes(o.store.Part)
		if brokenOff {
			r.State, r.Lease, o.over = files.UploadPartial, time.Time{}, true
		}
	})
	if err == nil {
		failpoint.Here("saved")
		o.drop(ctx, c)
	}
	return err
}

// drop removes pieces that have become part of a part. What it cannot remove goes with the upload's end.
func (o *Original) drop(ctx context.Context, c upload.Checkpoint) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyWait)
	defer cancel()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pieces = slices.DeleteFunc(o.pieces, func(n int) bool {
		if n >= c.Next || slices.ContainsFunc(c.Tail, func(p files.Piece) bool { return p.Number == n }) {
			return false
		}
		key, err := objects.TailKey(o.fixed.Upload, n)
		return err == nil && o.store.Bucket.Delete(ctx, key) == nil
	})
}

// Seal announces the whole file, where there is a record: whoever finds it from now on makes it appear.
func (o *Original) Seal(ctx context.Context, result upload.Result) (kept bool, err error) {
	o.mu.Lock()
	known := o.record.Revision != 0
	o.mu.Unlock()
	if !known {
		return false, nil
	}
	entry := o.describe(result)
	err = o.change(ctx, func(r *files.Record) { r.State, r.Entry = files.UploadCompleting, &entry })
	failpoint.Here("sealed")
	return true, err
}

// Complete makes the object of its parts.
func (o *Original) Complete(ctx context.Context, crc32c uint32) error {
	o.written = true
	return o.parts.Complete(ctx, crc32c)
}

// Renew keeps the lease, if there is a record, until the upload is over.
func (o *Original) Renew(ctx context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.record.Revision == 0 || o.over {
		return nil
	}
	return o.put(ctx, func(*files.Record) {})
}

// Leave lets the upload be as it was last saved or sealed, for whoever comes next.
func (o *Original) Leave(ctx context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.over = true
	if o.lost {
		return o.withdraw(ctx)
	}
	if o.record.Revision == 0 {
		return nil
	}
	return o.put(ctx, func(r *files.Record) {
		r.Lease = time.Time{}
		if r.State == files.UploadOpen {
			r.State = files.UploadPartial
		}
	})
}

// change writes the record anew, or for the first time. Conflict: the upload is somebody else's now.
func (o *Original) change(ctx context.Context, how func(*files.Record)) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.put(ctx, how)
}

// withdraw removes the pieces that were stored here and that whoever holds the upload now knows nothing of.
func (o *Original) withdraw(ctx context.Context) error {
	now, err := o.store.Uploads.Get(ctx, o.record)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	var left []error
	for _, n := range o.own {
		if slices.ContainsFunc(now.Tail, func(p files.Piece) bool { return p.Number == n }) {
			continue
		}
		key, err := objects.TailKey(o.fixed.Upload, n)
		if err == nil {
			err = o.store.Bucket.Delete(ctx, key)
		}
		left = append(left, err)
	}
	// Nobody goes on where there is no record (it was removed, or has landed) or one that promises nothing (it is being removed). A
	// part that was on its way while somebody else removed them all may be there again.
	if now.Bytes == 0 && now.Entry == nil && o.parts != nil {
		left = append(left, o.parts.Abort(ctx))
	}
	return errors.Join(left...)
}

func (o *Original) put(ctx context.Context, how func(*files.Record)) error {
	if o.over && o.record.Revision == 0 {
		return nil // it came too late
	}
	record := o.record
	record.Lease, record.Expires = time.Now().Add(o.store.Lease), time.Now().Add(o.store.Keep)
	how(&record)
	stored, err := o.store.Uploads.Put(ctx, record)
	if fault.Is(err, fault.Conflict) {
		// An earlier change of our own may have been stored, and its answer lost.
		now, lost := o.store.Uploads.Get(ctx, record)
		if fault.Is(lost, fault.NotFound) || lost == nil && now.Holder != record.Holder {
			o.lost = true
			return err
		}
		if lost != nil {
			return lost
		}
		record.Revision = now.Revision
		stored, err = o.store.Uploads.Put(ctx, record)
	}
	if err == nil {
		o.record = stored
	}
	return err
}

// worthless makes a record that promises nothing: whoever finds it only cleans up.
func worthless(r *files.Record) {
	r.State, r.Entry, r.Bytes, r.Parts, r.Sum, r.Tail = files.UploadOpen, nil, 0, 0, nil, nil
}

// Abort removes everything that never landed, after the record says that there is nothing to go on with. What it cannot
// remove is left to the sweep, with its record.
func (o *Original) Abort(ctx context.Context) error {
	err := o.abandon(ctx)
	if fault.Is(err, fault.Conflict) { // it is somebody else's now, with all that it has
		return o.Leave(ctx)
	}
	if err != nil {
		return err
	}
	if o.parts != nil {
		if err := o.parts.Abort(ctx); err != nil {
			return err
		}
	}
	if o.written {
		if err := o.store.Bucket.Delete(ctx, o.key); err != nil {
			return err
		}
	}
	return o.Forget(ctx)
}

func (o *Original) abandon(ctx context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.record.Revision == 0 {
		return nil
	}
	return o.put(ctx, worthless)
}

// Forget deletes the tail and then the record, once the file has landed.
func (o *Original) Forget(ctx context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.over = true
	if o.record.Revision == 0 {
		return nil
	}
	if o.tailed {
		if err := o.store.removeTail(ctx, o.fixed.Upload); err != nil {
			return err
		}
	}
	err := o.store.Uploads.Delete(ctx, o.record)
	if err == nil {
		o.record.Revision = 0
	}
	return err
}

// removeTail removes all pieces there are of an upload's tail.
func (s Store) removeTail(ctx context.Context, upload string) error {
	prefix, err := objects.TailPrefix(upload)
	if err != nil {
		return err
	}
	var left []error
	for piece, err := range s.Bucket.List(ctx, prefix) {
		if err == nil {
			err = s.Bucket.Delete(ctx, piece.Key)
		}
		left = append(left, err)
	}
	return errors.Join(left...)
}
