package sftpd

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
	"filmgate.dev/services/sftp-edge/internal/failpoint"
	"filmgate.dev/services/sftp-edge/internal/jobs"
	"filmgate.dev/services/sftp-edge/internal/original"
	"filmgate.dev/services/sftp-edge/internal/progress"
	"filmgate.dev/services/sftp-edge/internal/tree"
	"filmgate.dev/services/sftp-edge/internal/upload"
)

const (
	// tidyWait bounds the removal of what an upload left behind.
	tidyWait = 5 * time.Second
	// keepWait bounds the storing of what arrived of an upload that broke off.
	keepWait = time.Minute
)

// writer is a file that is open for writing.
type writer struct {
	session   *session
	path      tree.Path
	key       string
	job       jobs.Job
	folder    files.Entry
	base      *files.Entry // what stood at the path at OPEN
	name      string
	id        string // upload id
	temporary bool
	truncate  bool
	exclusive bool
	opened    time.Time
	trace     string
	span      trace.Span // of the whole upload
	received  time.Time  // since when bytes may come
	object    *original.Original
	old       atomic.Pointer[original.Original] // of an upload that was broken off, and that the client may go on with
	upload    *upload.Upload
	claim     *claim

	mu          sync.Mutex
	modified    time.Time
	interrupted error
	suspended   sync.Once
	unsaved     error // what came of it
}

// WriteAt answers WRITE.
func (w *writer) WriteAt(p []byte, off int64) (n int, err error) {
	err = w.write(func() error {
		if n, err = w.upload.WriteAt(p, off); err == nil {
			w.session.server.measures.received.Add(float64(n))
			err = w.grown(off + int64(n))
		}
		return err
	})
	return n, err
}

// take takes what a WRITE brings, if there is nothing to wait for.
func (w *writer) take(p []byte, off int64) (taken bool) {
	err := w.write(func() error {
		taken = w.claim.hold.Has(off+int64(len(p))) && w.upload.Take(p, off)
		return nil
	})
	if taken && err == nil {
		w.session.server.measures.received.Add(float64(len(p)))
		return true
	}
	return false
}

func (w *writer) write(f func() error) error {
	return w.session.guard("write", w.path.String(), func() error {
		returned := false
		defer func() {
			if !returned { // it panicked; after a failed WRITE no CLOSE may succeed
				w.upload.Fail(fault.New(fault.Internal, "a write panicked"))
			}
		}()
		err := f()
		returned = true
		return err
	})
}

// ReadAt answers READ.
func (w *writer) ReadAt([]byte, int64) (int, error) { return 0, answer(errWriteOnly) }

// TransferError hears that the connection broke off before CLOSE.
func (w *writer) TransferError(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.interrupted == nil {
		w.interrupted = err
	}
}

// Close answers CLOSE: OK only when the bytes are durable and the entry is in the files log.
func (w *writer) Close() error {
	defer w.session.letGo()
	defer w.session.conn.board.Begun().Close(w.session.tree.Key(w.path))
	defer w.session.server.Transfers.remove(w)
	return w.session.guard("close", w.path.String(), w.concluded)
}

func (w *writer) close() error {
	if why := w.broken(); why != nil {
		err := w.suspend()
		if errors.Is(why, upload.ErrTaken) { // its client may still listen
			return why
		}
		return err
	}
	failpoint.Here("close received")
	if w.untouched() {
		return w.leave()
	}
	return w.session.server.step(w.traced(w.session.server.ctx), "close", w.finish)
}

// finish makes the bytes durable and the file appear.
func (w *writer) finish(ctx context.Context) error {
	storing, cancel := context.WithTimeout(ctx, w.session.server.Config.Store)
	defer cancel()
	result, err := w.upload.Finish(storing)
	if err != nil {
		return err
	}
	err = w.land(ctx, result)
	if err == nil {
		w.outdate()
	}
	return err
}

// outdate ends the upload that was broken off, when its client has begun anew instead.
func (w *writer) outdate() {
	if old := w.old.Load(); old != nil && !w.upload.Resumed() {
		w.tidy(old.Abort)
	}
}

func (w *writer) broken() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.interrupted
}

// suspend is what becomes of an upload whose client went away: what arrived is kept, to be gone on with.
func (w *writer) suspend() error {
	w.suspended.Do(func() {
		kept, err := w.keep()
		if w.unsaved = err; errors.Is(err, upload.ErrEnding) {
			return // its CLOSE is under way
		}
		w.session.server.Transfers.remove(w)
		w.session.conn.log.Info("an upload broke off", "path", w.path.String(), "upload", w.current().Upload(), "kept", kept, "why", w.broken(), "err", err)
		if err == nil && kept > 0 {
			w.outdate()
		}
	})
	return w.unsaved
}

func (w *writer) keep() (int64, error) {
	ctx, cancel := context.WithTimeout(w.session.server.ctx, keepWait)
	defer cancel()
	records, err := w.session.tree.Log.Uploads().List(ctx, jobOf(w.job), "")
	own := 0
	for _, r := range records {
		if r.UserID == w.user() {
			own++
		}
	}
	if err == nil && own >= maxPartials {
		return 0, w.drop()
	}
	return w.upload.Suspend(ctx)
}

func (w *writer) drop() error {
	ctx, cancel := w.tidying()
	defer cancel()
	return w.upload.Drop(ctx)
}

// current is the object that the bytes go to.
func (w *writer) current() *original.Original {
	if old := w.old.Load(); old != nil && w.upload.Resumed() {
		return old
	}
	return w.object
}

func (w *writer) tidying() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(w.session.server.ctx), tidyWait)
}

// untouched reports whether a file that was there is to stay as it is: nothing was written, and nobody asked for an empty
// one. lftp's resume of a whole file does that.
func (w *writer) untouched() bool {
	old := w.old.Load()
	if w.base == nil && old == nil || w.truncate || w.upload.Touched() {
		return false
	}
	size, declared := w.upload.Declared()
	return !declared || old == nil && size == w.base.Bytes
}

func (w *writer) leave() error {
	if err := w.drop(); err != nil || w.old.Load() != nil {
		return err
	}
	ctx, cancel := w.session.changing()
	defer cancel()
	_, err := w.session.tree.Log.Touch(ctx, *w.base, w.mtime())
	return err
}

func (w *writer) mtime() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.modified
}

func (w *writer) touch(modified time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.modified = modified
}

func (w *writer) user() string { return w.session.conn.principal.GetUserId() }

// shown reports whether the file is shown as it is being written. One that was there stays until something is.
func (w *writer) shown() bool {
	return w.base == nil || w.truncate || w.old.Load() != nil || w.upload.Touched()
}

// info is what a session is shown. One that did not open the file may be its client's next try, while this one only seems to
// live: it is shown the size that it can go on from.
func (w *writer) info(to *session) info {
	i := info{name: w.name, size: w.upload.Reach(), modified: w.mtime()}
	if to != w.session {
		i.size = max(0, i.size-1)
	}
	if i.modified.IsZero() {
		i.modified = w.opened
	}
	return i
}

func (w *writer) progress() progress.Upload {
	return progress.Upload{
		Account: w.job.Account, JobID: w.job.ID,
		UploadProgress: events.UploadProgress{UploadID: w.id, Path: w.path.String()[1:], Bytes: w.upload.Reach()},
	}
}

var _ io.Closer = (*writer)(nil)

// record is what UPLOADS says of the upload.
func (w *writer) record() files.Record {
	by := w.session.by()
	return files.Record{
		Job: jobOf(w.job), JobName: w.job.Name, Folder: w.folder.ID, Name: w.name, Upload: w.id, Exclusive: w.exclusive,
		UserID: by.UserID, User: by.User, Client: by.Client, Address: w.session.conn.address(), Started: w.opened.UTC(),
		TraceParent: w.trace,
	}
}

// entry is what the file will be in its folder.
func (w *writer) entry(r upload.Result, id string) files.Entry {
	by := w.session.by()
	known, ok := w.session.conn.board.Known(w.path.Job())
	state := files.StateLanded
	if w.temporary {
		state = files.StateStaged
	}
	return files.Entry{
		Kind: files.KindFile, State: state,
		Job: jobOf(w.job), JobName: w.job.Name, Parent: w.folder.ID, Name: w.name, Upload: id,
		Bytes: r.Bytes, SHA256: r.SHA256, CRC32C: r.CRC32C, Integrity: r.Integrity, MediaType: r.MediaType,
		ModifiedAt: w.mtime(), UserID: by.UserID, User: by.User, Client: by.Client, Late: ok && !known.Writable,
		TraceParent: w.trace,
	}
}

// land makes the file appear. Its object goes only where the log knows that nothing names it; otherwise it stays, and the
// client is told to send again.
func (w *writer) land(ctx context.Context, r upload.Result) error {
	log := w.session.tree.Log
	land := log.Land
	if w.temporary {
		land = log.Stage
	}
	object := w.current()
	entry := w.entry(r, object.Upload())
	ctx, cancel := context.WithTimeout(ctx, w.session.server.Config.Commit)
	defer cancel()
	var landed files.Landed
	err := w.session.server.step(ctx, "append", func(ctx context.Context) (err error) {
		landed, err = land(ctx, files.Landing{Entry: entry, Base: w.base, Exclusive: w.exclusive})
		return err
	})
	failpoint.Here("landed")
	w.committed(landed, r, err)
	switch {
	case err != nil && !landed.Unnamed:
		w.session.unsettle(w.key, entry)
		w.tidy(object.Leave)
		return err
	case err == nil && landed.Unchanged:
		w.session.conn.log.Info("an upload changed nothing", "path", w.path.String(), "upload", entry.Upload)
	case err == nil:
		w.session.conn.log.Info("an upload landed", "path", w.path.String(), "upload", entry.Upload, "bytes", r.Bytes, "took", time.Since(w.opened))
	}
	if landed.Unnamed {
		w.tidy(object.Abort)
	} else {
		w.tidy(object.Forget)
	}
	failpoint.Here("tidied")
	return err
}

// tidy removes what is not needed any more. Parts that stay are swept with their record; a whole object that stays is
// named by nobody and takes up room.
func (w *writer) tidy(remove func(context.Context) error) {
	ctx, cancel := w.tidying()
	defer cancel()
	if err := remove(ctx); err != nil {
		w.session.conn.log.Warn("something of an upload stayed behind", "upload", w.id, "err", err)
	}
}
