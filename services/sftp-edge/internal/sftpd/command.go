package sftpd

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/pkg/sftp"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
	"filmgate.dev/services/sftp-edge/internal/tree"
	"filmgate.dev/services/sftp-edge/internal/upload"
)

// Filecmd answers the requests that have no handle.
func (s *session) Filecmd(r *sftp.Request) error {
	return s.guard(strings.ToLower(r.Method), r.Filepath, func() error {
		p, err := tree.Parse(r.Filepath)
		if err != nil {
			return err
		}
		switch r.Method {
		case "Rename":
			return s.rename(p, r.Target, false)
		case "Link", "Symlink":
			return unsupported("links")
		}
		if p.Junk() {
			return s.junk.command(r, p)
		}
		switch r.Method {
		case "Setstat":
			return s.setstat(p, r.AttrFlags(), r.Attributes())
		case "Mkdir":
			return s.mkdir(p)
		case "Remove":
			return s.remove(p)
		case "Rmdir":
			return s.rmdir(p)
		}
		return unsupported("such requests")
	})
}

// PosixRename answers the extension that renames over a file.
func (s *session) PosixRename(r *sftp.Request) error {
	return s.guard("rename", r.Filepath, func() error {
		p, err := tree.Parse(r.Filepath)
		if err != nil {
			return err
		}
		return s.rename(p, r.Target, true)
	})
}

// StatVFS answers df.
func (s *session) StatVFS(r *sftp.Request) (stat *sftp.StatVFS, err error) {
	err = s.guard("statvfs", r.Filepath, func() error {
		size, free, names, freeNames, err := s.holding(r.Filepath)
		stat = &sftp.StatVFS{
			Bsize: unit, Frsize: unit, Blocks: size, Bfree: free, Bavail: free,
			Files: names, Ffree: freeNames, Favail: freeNames, Namemax: 255,
		}
		return err
	})
	return stat, err
}

func (s *session) mkdir(p tree.Path) error {
	if err := s.tree.CheckFolder(p); p.Depth() <= tree.Job {
		return err
	}
	ctx, cancel := s.changing()
	defer cancel()
	job, err := s.openable(ctx, p)
	if err != nil {
		return err
	}
	if err := s.tree.CheckFolder(p); err != nil {
		return err
	}
	parent := files.Entry{ID: files.Root}
	if p.Depth() > tree.Album {
		if parent, err = s.tree.Folder(ctx, jobOf(job), p.Folder()); err != nil {
			return err
		}
	}
	if err := s.enter(ctx, job, parent); err != nil {
		return err
	}
	by := s.by()
	made, err := s.tree.Log.Make(ctx, files.Entry{
		Job: jobOf(job), JobName: job.Name, Parent: parent.ID, Name: p.Name(),
		UserID: by.UserID, User: by.User, Client: by.Client,
	})
	if err == nil {
		s.made(p, made)
	}
	return err
}

func (s *session) remove(p tree.Path) error {
	if p.Depth() <= tree.Job {
		return s.tree.CheckFolder(p)
	}
	job, _, err := s.changeable(p)
	if err != nil {
		return err
	}
	ctx, cancel := s.changing()
	defer cancel()
	running := s.server.Transfers.at(s.place(p), s.conn.principal.GetUserId())
	if running != nil && running.upload.Concluded() {
		return upload.ErrEnding // it is there in a moment
	}
	if running != nil {
		running.upload.Fail(fault.New(fault.Conflict, "the file was removed while it was being uploaded"))
	}
	e, err := s.tree.Find(ctx, jobOf(job), p)
	switch {
	case err == nil && e.Folder():
		return fault.New(fault.Invalid, "%q is a folder", e.Name)
	case err == nil:
		if err = s.tree.Log.Remove(ctx, e, s.by()); err == nil {
			s.removed(p, e)
		}
	}
	if dropped, trouble := s.discardAt(ctx, jobOf(job), p); trouble != nil {
		return errors.Join(trouble, err)
	} else if dropped && fault.Is(err, fault.NotFound) {
		err = nil
	}
	if lost, ok := s.settle(s.place(p)); ok && fault.Is(err, fault.NotFound) {
		return s.tree.Log.Remove(ctx, lost, s.by()) // nothing may bring back what its user removed
	}
	if running != nil && fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// unsettle remembers an upload that may or may not have landed.
func (s *session) unsettle(place string, e files.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.unsettled) < maxUnsettled {
		e.Kind = files.KindFile
		s.unsettled[place] = e
	}
}

func (s *session) settle(place string) (files.Entry, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.unsettled[place]
	delete(s.unsettled, place)
	return e, ok
}

func (s *session) rmdir(p tree.Path) error {
	if p.Depth() <= tree.Job {
		return s.tree.CheckFolder(p)
	}
	job, _, err := s.changeable(p)
	if err != nil {
		return err
	}
	ctx, cancel := s.changing()
	defer cancel()
	e, err := s.tree.Find(ctx, jobOf(job), p)
	if err != nil {
		return err
	}
	if !e.Folder() {
		return fault.New(fault.Invalid, "%q is not a folder", e.Name)
	}
	if running := s.server.Transfers.into(e.ID); len(running) > 0 {
		return fault.New(fault.Invalid, "the folder %q is not empty: %q is being uploaded into it", e.Name, running[0].name)
	}
	if err := s.tree.Log.Rmdir(ctx, e, s.by()); err != nil {
		return err
	}
	s.removed(p, e)
	return nil
}

// setstat sets the modification time. Owners and permissions mean nothing here and are taken without a word: programs
// fail a whole transfer when they are refused.
func (s *session) setstat(p tree.Path, flags sftp.FileAttrFlags, attrs *sftp.FileStat) error {
	if p.Depth() <= tree.Job {
		ctx, cancel := s.reading()
		defer cancel()
		if p.Depth() == tree.Root {
			return nil
		}
		_, err := s.conn.board.Find(ctx, p.Job())
		return err
	}
	job, _, err := s.changeable(p)
	if err != nil {
		return err
	}
	running := s.server.Transfers.at(s.place(p), s.conn.principal.GetUserId())
	if running != nil {
		if flags.Size {
			running.upload.Declare(int64(attrs.Size))
		}
		if flags.Acmodtime {
			running.touch(attrs.ModTime().UTC())
		}
		return nil
	}
	ctx, cancel := s.changing()
	defer cancel()
	e, err := s.tree.Find(ctx, jobOf(job), p)
	if broken, trouble := s.setPartial(ctx, jobOf(job), p, e, err, flags, attrs); broken || trouble != nil {
		return trouble
	}
	switch {
	case err != nil:
		return err
	case flags.Size && int64(attrs.Size) != e.Bytes:
		return fault.New(fault.Invalid, "the size of a stored photo cannot be changed; upload it again")
	case !flags.Acmodtime || e.Folder():
		return nil
	}
	return s.touch(p, e, attrs.ModTime().UTC())
}

// setPartial is setstat for an upload that was broken off, if that is what its user sees at p. e and missing are what was
// found there else.
func (s *session) setPartial(ctx context.Context, job files.Job, p tree.Path, e files.Entry, missing error, flags sftp.FileAttrFlags, attrs *sftp.FileStat) (bool, error) {
	landed := &e
	switch {
	case missing != nil && !fault.Is(missing, fault.NotFound), s.tree.FolderLike(p):
		return false, nil
	case missing != nil:
		landed = nil
	}
	r, broken, err := s.partialAt(ctx, job, p, landed)
	switch {
	case err != nil || !broken:
		return false, err
	case flags.Size && int64(attrs.Size) != shownSize(r):
		return true, fault.New(fault.Invalid, "the size of an upload that broke off cannot be changed; send the rest of it, or all of it again")
	case !flags.Acmodtime:
		return true, nil
	}
	return true, s.touchPartial(ctx, r, attrs.ModTime().UTC())
}

// touch stores a modification time. Another version may have landed since e was read: then it is that one's.
func (s *session) touch(p tree.Path, e files.Entry, modified time.Time) error {
	ctx, cancel := s.changing()
	defer cancel()
	_, err := s.tree.Log.Touch(ctx, e, modified)
	if !fault.Is(err, fault.Conflict) {
		return err
	}
	again, found := s.tree.Find(ctx, e.Job, p)
	if found != nil {
		return errors.Join(err, found)
	}
	_, err = s.tree.Log.Touch(ctx, again, modified)
	return err
}
