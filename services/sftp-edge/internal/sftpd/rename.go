package sftpd

import (
	"context"
	"strings"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
	"filmgate.dev/services/sftp-edge/internal/tree"
)

// rename renames or moves within a job. A file that lands so leaves its temporary name for good.
func (s *session) rename(from tree.Path, target string, replace bool) error {
	to, err := tree.Parse(target)
	if err != nil {
		return err
	}
	switch {
	case from.Junk() && to.Junk():
		s.junk.remove(from)
		s.junk.set(to, 0)
		return nil
	case from.Junk():
		return fault.New(fault.NotFound, "there is no %q here", from.Name())
	case from.Depth() <= tree.Job || to.Depth() <= tree.Job:
		return s.tree.CheckFolder(tree.Path{})
	case !strings.EqualFold(from.Job(), to.Job()):
		return fault.New(fault.Denied, "nothing can be moved from one job to another; upload it there")
	}
	job, late, err := s.changeable(from)
	if err != nil {
		return err
	}
	if late && !s.finishes(from, to) {
		return fault.New(fault.Denied, "job %s takes no changes any more; an upload can only be given its final name", job.Name)
	}
	ctx, cancel := s.changing()
	defer cancel()
	e, err := s.tree.Find(ctx, jobOf(job), from)
	if err != nil {
		if s.server.Transfers.at(s.place(from), s.conn.principal.GetUserId()) != nil {
			return fault.New(fault.Invalid, "%q is still being uploaded; close it first", from.Name())
		}
		if _, broken, trouble := s.partialAt(ctx, jobOf(job), from, nil); broken && trouble == nil {
			return fault.New(fault.Invalid, "the upload of %q broke off; send the rest of it first, or remove it", from.Name())
		}
		return err
	}
	request := files.MoveRequest{From: e, ToName: to.Name(), Replace: replace, By: s.by()}
	folder, err := s.destination(ctx, e, to)
	if err != nil {
		return err
	}
	if request.ToParent = folder.ID; folder.ID != e.Parent {
		if err := s.enter(ctx, job, folder); err != nil {
			return err
		}
	}
	if _, temporary := s.tree.Temporary(to.Name()); !e.Folder() && !temporary {
		request.Land = true
	}
	moved, err := s.tree.Log.Move(ctx, request)
	if err != nil {
		return err
	}
	s.moved(from, e, to, moved)
	s.conn.board.Begun().Move(s.tree.Key(from), s.tree.Key(to))
	return nil
}

// finishes reports whether a rename gives an upload its final name: the only one that is possible after the job has
// disappeared.
func (s *session) finishes(from, to tree.Path) bool {
	final, ok := s.tree.Temporary(from.Name())
	return ok && final == to.Name() && s.tree.Key(from.Folder()) == s.tree.Key(to.Folder())
}

// destination answers the folder that e is to stand in, or why it cannot stand there.
func (s *session) destination(ctx context.Context, e files.Entry, to tree.Path) (files.Entry, error) {
	check := s.tree.CheckFile
	if e.Folder() {
		check = s.tree.CheckFolder
	}
	if err := check(to); err != nil {
		return files.Entry{}, err
	}
	if to.Depth() == tree.Album {
		return files.Entry{ID: files.Root}, nil
	}
	return s.tree.Folder(ctx, e.Job, to.Folder())
}
