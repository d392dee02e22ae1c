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
	"filmgate.dev/services/sftp-edge/internal/tree"
	"filmgate.dev/services/sftp-edge/internal/upload"
)

// roomWait is how long an OPEN waits for memory.
const roomWait = 10 * time.Second

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
			s.intake.begin(nil)
			return nil
		}
		w, err := s.open(p, r.Pflags())
		if err != nil {
			s.letGo()
			return err
		}
		file = w
		s.intake.begin(w)
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
	came := time.Now()
	job, err := s.openable(ctx, p)
	if err != nil {
		return nil, err
	}
	if err := s.tree.CheckFile(p); err != nil {
		return nil, err
	}
	if !flags.Trunc {
		if err := s.yield(p); err != nil {
			return nil, err
		}
	}
	folder, base, err := s.existing(ctx, job, p, flags)
	if err != nil {
		return nil, err
	}
	return s.claimed(ctx, job, folder, base, func() (*writer, error) { return s.begin(ctx, p, job, folder, base, flags, came) })
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
	case fault.Is(err, fault.NotFound) && flags.Creat && !flags.Excl:
		return folder, nil, nil
	case fault.Is(err, fault.NotFound):
		return folder, nil, s.missing(ctx, job, folder, p, flags, err)
	case err != nil:
		return folder, nil, err
	case flags.Excl:
		return folder, nil, fault.New(fault.Exists, "%q exists already", e.Name)
	case flags.Read && !flags.Trunc:
		return folder, nil, fault.New(fault.Invalid, "a stored photo cannot be edited in place; upload it again as a whole")
	}
	return folder, &e, nil
}

// missing decides whether a file that has not landed may be opened as an old one, because its upload was broken off, or as
// one that must be new.
func (s *session) missing(ctx context.Context, job jobs.Job, folder files.Entry, p tree.Path, flags sftp.FileOpenFlags, notFound error) error {
	_, broken, err := s.partial(ctx, jobOf(job), folder.ID, p.Name(), nil)
	switch {
	case err != nil:
		return err
	case broken && flags.Excl:
		return fault.New(fault.Exists, "%q exists already", p.Name())
	case !broken && !flags.Creat:
		return notFound
	}
	return nil
}

func (s *session) begin(ctx context.Context, p tree.Path, job jobs.Job, folder files.Entry, base *files.Entry, flags sftp.FileOpenFlags, came time.Time) (_ *writer, err error) {
	w := &writer{
		session: s, path: p, key: s.place(p), job: job, folder: folder, base: base,
		name: p.Name(), id: ulid.Make().String(), truncate: flags.Trunc, exclusive: flags.Excl, opened: time.Now(),
	}
	_, w.temporary = s.tree.Temporary(w.name)
	w.follow(came)
	defer func() { w.ready(came, err) }()
	w.object, err = s.server.Originals.New(w.record(), func(r upload.Result) files.Entry { return w.entry(r, w.id) })
	if err != nil {
		return nil, err
	}
	w.upload = upload.New(s.server.ctx, s.server.Config.Upload, w.object, s.server.Budget)
	if err = w.prepare(ctx, flags); err != nil {
		return nil, err
	}
	s.conn.board.Begun().Open(s.tree.Key(p))
	return w, nil
}

// prepare takes the memory that the upload needs at least, so that a client hears of a busy server before it sends anything,
// and settles what becomes of an earlier try.
func (w *writer) prepare(ctx context.Context, flags sftp.FileOpenFlags) error {
	waiting, cancel := context.WithTimeout(w.session.server.ctx, roomWait)
	defer cancel()
	if w.upload.Reserve(waiting) != nil {
		_ = w.upload.Drop(ctx)
		return fault.New(fault.Unavailable, "the server is busy; try again in a minute")
	}
	w.session.server.Transfers.add(w) // an older one ends here
	err := w.settlePast(ctx, flags)
	if err != nil {
		_ = w.upload.Drop(ctx) // it has nothing yet but memory
		w.session.server.Transfers.remove(w)
	}
	return err
}

func (w *writer) settlePast(ctx context.Context, flags sftp.FileOpenFlags) error {
	if flags.Trunc {
		_, err := w.session.discard(ctx, jobOf(w.job), w.folder.ID, w.name)
		return err
	}
	choice, err := w.session.offer(ctx, w)
	if choice != nil {
		w.upload.Offer(choice)
	}
	return err
}

// place is a key for a path among all users' transfers: equal names in two accounts are two places.
func (s *session) place(p tree.Path) string {
	return s.conn.principal.GetAccount() + "/" + s.tree.Key(p)
}
