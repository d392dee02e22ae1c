package sftpd

import (
	"context"

	"filmgate.dev/pkg/files"
	"filmgate.dev/services/sftp-edge/internal/jobs"
	"filmgate.dev/services/sftp-edge/internal/tree"
	"filmgate.dev/services/sftp-edge/internal/upload"
	"filmgate.dev/services/sftp-edge/internal/usage"
)

// claim is what a running upload takes of what is limited, and what is known of its end.
type claim struct {
	session *session
	hold    *usage.Hold
	over    bool

	came   int64         // bytes without a gap
	landed *files.Landed // what the files log answered; nil: it was not asked
	result upload.Result
}

// claimed begins an upload with a claim, or refuses it.
func (s *session) claimed(ctx context.Context, job jobs.Job, folder files.Entry, base *files.Entry, begin func() (*writer, error)) (*writer, error) {
	if err := s.guest.begin(s.server.Config.MaxUploads); err != nil {
		return nil, err
	}
	hold, err := s.server.Usage.File(ctx, folderOf(job, folder), base)
	if err != nil {
		s.guest.end()
		return nil, err
	}
	c := &claim{session: s, hold: hold}
	w, err := begin()
	if err != nil {
		c.drop()
		return nil, err
	}
	w.claim = c
	s.opened(w)
	return w, nil
}

func folderOf(job jobs.Job, folder files.Entry) usage.Folder {
	return usage.Folder{Job: jobOf(job), JobName: job.Name, ID: folder.ID, Name: folder.Name}
}

// drop gives back what was claimed.
func (c *claim) drop() {
	if !c.over {
		c.over = true
		c.hold.Drop()
		c.session.guest.end()
	}
}

// grown makes sure of room for what a WRITE has brought. Without it the upload fails.
func (w *writer) grown(end int64) error {
	if w.claim.hold.Has(end) {
		return nil
	}
	ctx, cancel := w.session.reading()
	defer cancel()
	err := w.claim.hold.Grow(ctx, end)
	if err != nil {
		w.upload.Fail(err)
	}
	return err
}

// committed notes what the files log answered. Where its answer is unknown, the file counts as there until the log is
// asked again.
func (w *writer) committed(landed files.Landed, r upload.Result, err error) {
	if w.claim.result = r; err == nil {
		w.claim.landed = &landed
	}
	if !landed.Unnamed {
		w.claim.hold.Land(r.Bytes)
	}
}

// concluded closes the file, gives back what it claimed, and has the end written down.
func (w *writer) concluded() (err error) {
	defer w.claim.drop()
	w.claim.came = w.upload.Reach()
	w.closing()
	defer func() { w.ended(err) }()
	if err = w.close(); err == nil && w.claim.landed == nil && w.broken() == nil {
		return nil // it was left as it is
	}
	w.session.closed(w, err)
	return err
}

// enter refuses one more name in a folder that is full, or one more album.
func (s *session) enter(ctx context.Context, job jobs.Job, parent files.Entry) error {
	return s.server.Usage.Enter(ctx, folderOf(job, parent))
}

// holding is a session's df: what a job may hold, and what is left of that. Without a quota there is always room, because
// the bucket has no end.
func (s *session) holding(path string) (size, free, names, freeNames uint64, err error) {
	const endless = 1 << 38
	size, free, names, freeNames = endless, endless, endless, endless
	p, err := tree.Parse(path)
	if err != nil || p.Depth() == tree.Root {
		return size, free, names, freeNames, err
	}
	ctx, cancel := s.reading()
	defer cancel()
	job, err := s.readable(ctx, p)
	if err != nil {
		return 0, 0, 0, 0, err
	}
	quota, left, limited, err := s.server.Usage.Room(ctx, jobOf(job))
	if !limited || err != nil {
		return size, free, names, freeNames, err
	}
	if quota.Bytes > 0 {
		size, free = units(quota.Bytes), units(left.Bytes)
	}
	if quota.Files > 0 {
		names, freeNames = uint64(quota.Files), uint64(left.Files) //nolint:gosec // neither is negative
	}
	return size, free, names, freeNames, nil
}

// unit is what df counts in.
const unit = 4096

func units(bytes int64) uint64 { return uint64(bytes / unit) } //nolint:gosec // never negative
