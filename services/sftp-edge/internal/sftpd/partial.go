package sftpd

import (
	"context"
	"io"
	"strconv"
	"time"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/objects"
	"filmgate.dev/services/sftp-edge/internal/original"
	"filmgate.dev/services/sftp-edge/internal/tree"
	"filmgate.dev/services/sftp-edge/internal/upload"
)

// maxPartials bounds what one user can leave lying about in one job.
const maxPartials = 1000

// shownSize is the size that a broken-off upload is listed with: one byte less than is there, because programs take a file
// of the full size for a finished one, and would never send the close that makes it appear.
func shownSize(r files.Record) int64 { return r.Bytes - 1 }

// resumable reports whether the session's user can go on with an upload. One that its client has closed is the sweep's.
func (s *session) resumable(r files.Record) bool {
	return r.UserID == s.conn.principal.GetUserId() && r.State != files.UploadCompleting && shownSize(r) > 0 &&
		(r.Parts == 0 || r.PartBytes == s.server.Originals.Part) && (r.Expires.IsZero() || time.Now().Before(r.Expires))
}

// partials picks, of the records of uploads to a folder, those that the session's user can go on with: the newest for each
// name. landed answers the upload that stands at a name.
func (s *session) partials(records []files.Record, landed map[string]string) map[string]files.Record {
	found := make(map[string]files.Record)
	for _, r := range records {
		// One that is not newer than what landed has landed itself, or was overtaken.
		if s.resumable(r) && r.Upload > landed[r.Name] && r.Upload > found[r.Name].Upload {
			found[r.Name] = r
		}
	}
	return found
}

// partial answers the upload to a name that was broken off, if the user can go on with one. landed is what stands there.
func (s *session) partial(ctx context.Context, job files.Job, folder, name string, landed *files.Entry) (files.Record, bool, error) {
	records, err := s.tree.Log.Uploads().At(ctx, job, folder, name)
	if err != nil {
		return files.Record{}, false, err
	}
	uploads := map[string]string{}
	if landed != nil {
		uploads[name] = landed.Upload
	}
	r, ok := s.partials(records, uploads)[name]
	return r, ok, nil
}

// partialAt is partial for a path.
func (s *session) partialAt(ctx context.Context, job files.Job, p tree.Path, landed *files.Entry) (files.Record, bool, error) {
	folder, err := s.tree.Folder(ctx, job, p.Folder())
	if err != nil {
		return files.Record{}, false, err
	}
	return s.partial(ctx, job, folder.ID, p.Name(), landed)
}

func partialInfo(r files.Record) info {
	i := info{name: r.Name, size: shownSize(r), modified: r.ModifiedAt}
	if i.modified.IsZero() {
		i.modified = r.Started
	}
	return i
}

// discard ends the broken-off uploads to a name, whose user wants none of them any more, and reports whether there were any.
func (s *session) discard(ctx context.Context, job files.Job, folder, name string) (any bool, err error) {
	records, err := s.tree.Log.Uploads().At(ctx, job, folder, name)
	if err != nil {
		return false, err
	}
	for _, r := range records {
		if !s.resumable(r) {
			continue
		}
		if err := s.server.Originals.GiveUp(ctx, r); err != nil && !fault.Is(err, fault.Conflict) {
			return any, err
		}
		any = true
	}
	return any, nil
}

// discardAt is discard for a path.
func (s *session) discardAt(ctx context.Context, job files.Job, p tree.Path) (bool, error) {
	if s.tree.FolderLike(p) {
		return false, nil
	}
	folder, err := s.tree.Folder(ctx, job, p.Folder())
	if err != nil {
		return false, nil //nolint:nilerr // then nothing can be in it
	}
	return s.discard(ctx, job, folder.ID, p.Name())
}

// sentElsewhere refuses to go on with what another connection is sending.
func sentElsewhere(name string) error {
	return fault.New(fault.Conflict, "%q is being uploaded by another connection; close that one, or try again in a minute", name)
}

// yield breaks off an upload of the same user to the same place that runs here, so that it can be gone on with: its client
// has come back before we noticed that it was gone. Another machine has to wait.
func (s *session) yield(p tree.Path) error {
	running := s.server.Transfers.at(s.place(p), s.conn.principal.GetUserId())
	if running == nil {
		return nil
	}
	if running.session.conn.address() != s.conn.address() {
		return sentElsewhere(p.Name())
	}
	running.TransferError(upload.ErrTaken)
	return running.suspend()
}

// offer answers what the client of a new upload may go on from: the upload that was broken off, or else the file that stands
// there, or nothing.
func (s *session) offer(ctx context.Context, w *writer) (*upload.Choice, error) {
	r, broken, err := s.partial(ctx, jobOf(w.job), w.folder.ID, w.name, w.base)
	switch {
	case err != nil:
		return nil, err
	case broken:
		return s.takeOver(ctx, w, r)
	case w.base == nil || w.base.Bytes == 0:
		return nil, nil //nolint:nilnil // nothing
	}
	sum, err := strconv.ParseUint(w.base.CRC32C, 16, 32)
	if err != nil {
		return nil, nil //nolint:nilerr,nilnil // nobody could tell whether it is intact
	}
	key, err := objects.OriginalKey(w.base.Job.Account, w.base.Job.ID, w.base.Upload)
	if err != nil {
		return nil, err
	}
	return &upload.Choice{
		Size: w.base.Bytes, PrefixCRC32C: uint32(sum),
		Prefix: func(ctx context.Context) (io.ReadCloser, error) {
			body, _, err := s.server.Originals.Bucket.Get(ctx, key)
			return body, err
		},
	}, nil
}

func (s *session) takeOver(ctx context.Context, w *writer, r files.Record) (*upload.Choice, error) {
	if r.Held(time.Now()) && r.Address != s.conn.address() {
		return nil, sentElsewhere(r.Name)
	}
	old, err := s.server.Originals.Resume(ctx, r, w.record(), func(result upload.Result) files.Entry { return w.entry(result, r.Upload) })
	if fault.Is(err, fault.Conflict) {
		return nil, sentElsewhere(r.Name)
	}
	if err != nil {
		return nil, err
	}
	w.old.Store(old)
	w.goesOn(r)
	if w.mtime().IsZero() {
		w.touch(r.ModifiedAt)
	}
	return &upload.Choice{Size: shownSize(r), Object: old, From: original.Checkpoint(r)}, nil
}

// touchPartial keeps a modification time for an upload that was broken off.
func (s *session) touchPartial(ctx context.Context, r files.Record, modified time.Time) error {
	if modified.IsZero() || r.Held(time.Now()) {
		return nil
	}
	r.ModifiedAt = modified
	_, err := s.tree.Log.Uploads().Put(ctx, r)
	if fault.Is(err, fault.Conflict) {
		return nil // somebody goes on with it
	}
	return err
}
