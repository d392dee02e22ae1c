package sftpd

import (
	"context"
	"io"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/pkg/sftp"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
	"filmgate.dev/services/sftp-edge/internal/jobs"
	"filmgate.dev/services/sftp-edge/internal/original"
	"filmgate.dev/services/sftp-edge/internal/tree"
	"filmgate.dev/services/sftp-edge/internal/upload"
)

// roomWait is how long an OPEN waits for memory, and roomFor how much it wants to see free.
const (
	roomWait = 10 * time.Second
	roomFor  = 1 << 20
)

var errWriteOnly = fault.New(fault.Invalid, "a file that is being uploaded cannot be read")

// Filewrite answers OPEN for writing.
func (s *session) Filewrite(r *sftp.Request) (io.WriterAt, error) { return s.OpenFile(r) }

// OpenFile answers OPEN for writing and reading. Only a new file can be opened so, and only be written.
func (s *session) OpenFile(r *sftp.Request) (file sftp.WriterAtReaderAt, err error) {
	err = s.guard("open", r.Filepath, func() error {
		p, err := tree.Parse(r.Filepath)
		if err != nil {
			return err
		}
		if err := s.hold(); err != nil {
			return err
		}
		if p.Junk() {
			s.junk.set(p, 0)
			file = &sink{s, p}
			return nil
		}
		w, err := s.open(p, r.Pflags())
		if err != nil {
			s.letGo()
			return err
		}
		file = w
		return nil
	})
	return file, err
}

func (s *session) open(p tree.Path, flags sftp.FileOpenFlags) (*writer, error) {
	if p.Depth() <= tree.Job {
		return nil, s.tree.CheckFile(p)
	}
	ctx, cancel := s.reading()
	defer cancel()
	job, err := s.openable(ctx, p)
	if err != nil {
		return nil, err
	}
	if err := s.tree.CheckFile(p); err != nil {
		return nil, err
	}
	folder, base, err := s.existing(ctx, job, p, flags)
	if err != nil {
		return nil, err
	}
	if err := s.room(); err != nil {
		return nil, err
	}
	return s.claimed(ctx, job, folder, base, func() (*writer, error) { return s.begin(p, job, folder, base, flags) })
}

// existing answers the folder and the file that stands at p, if one does, and refuses what cannot be opened.
func (s *session) existing(ctx context.Context, job jobs.Job, p tree.Path, flags sftp.FileOpenFlags) (files.Entry, *files.Entry, error) {
	folder, err := s.tree.Folder(ctx, jobOf(job), p.Folder())
	if err != nil {
		return folder, nil, err
	}
	if err := s.tree.Log.Admit(ctx, folder); err != nil {
		return folder, nil, err
	}
	e, err := s.tree.Log.File(ctx, jobOf(job), folder.ID, p.Name())
	switch {
	case fault.Is(err, fault.NotFound) && flags.Creat:
		return folder, nil, nil
	case err != nil:
		return folder, nil, err
	case flags.Excl:
		return folder, nil, fault.New(fault.Exists, "%q exists already", e.Name)
	case flags.Read && !flags.Trunc:
		return folder, nil, fault.New(fault.Invalid, "a stored photo cannot be edited in place; upload it again as a whole")
	}
	return folder, &e, nil
}

// room waits for memory, so that a client hears of a busy server before it sends anything.
func (s *session) room() error {
	ctx, cancel := context.WithTimeout(s.server.ctx, roomWait)
	defer cancel()
	if s.server.Budget.Room(ctx, roomFor) != nil {
		return fault.New(fault.Unavailable, "the server is busy; try again in a minute")
	}
	return nil
}

func (s *session) begin(p tree.Path, job jobs.Job, folder files.Entry, base *files.Entry, flags sftp.FileOpenFlags) (*writer, error) {
	by := s.by()
	w := &writer{
		session: s, path: p, key: s.place(p), job: job, folder: folder, base: base,
		name: p.Name(), id: ulid.Make().String(), truncate: flags.Trunc, exclusive: flags.Excl, opened: time.Now(),
	}
	_, w.temporary = s.tree.Temporary(w.name)
	var err error
	w.object, err = original.New(s.server.Bucket, s.tree.Log.Uploads(), files.Record{
		Job: jobOf(job), JobName: job.Name, Folder: folder.ID, Name: w.name, Upload: w.id,
		UserID: by.UserID, User: by.User, Client: by.Client, Started: w.opened.UTC(),
	})
	if err != nil {
		return nil, err
	}
	w.upload = upload.New(s.server.ctx, s.server.Config.Upload, w.object, s.server.Budget)
	s.conn.board.Begun().Open(s.tree.Key(p))
	s.server.Transfers.add(w)
	return w, nil
}

// place is a key for a path among all users' transfers: equal names in two accounts are two places.
func (s *session) place(p tree.Path) string {
	return s.conn.principal.GetAccount() + "/" + s.tree.Key(p)
}
