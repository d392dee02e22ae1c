package sftpd

import (
	"cmp"
	"context"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/pkg/sftp"
	"golang.org/x/sync/errgroup"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
	"filmgate.dev/services/sftp-edge/internal/tree"
)

// Filelist answers OPENDIR, STAT and READLINK.
func (s *session) Filelist(r *sftp.Request) (list sftp.ListerAt, err error) {
	err = s.guard(strings.ToLower(r.Method), r.Filepath, func() (err error) {
		switch r.Method {
		case "List":
			list, err = s.openFolder(r.Filepath)
		case "Stat":
			list, err = s.stat(r.Filepath)
		default:
			err = unsupported("links")
		}
		return err
	})
	return list, err
}

// Lstat is STAT: there are no links.
func (s *session) Lstat(r *sftp.Request) (list sftp.ListerAt, err error) {
	err = s.guard("stat", r.Filepath, func() (err error) {
		list, err = s.stat(r.Filepath)
		return err
	})
	return list, err
}

// RealPath makes a path absolute. It looks at nothing.
func (s *session) RealPath(p string) (string, error) { return path.Join("/", p), nil }

func (s *session) stat(name string) (infos, error) {
	p, err := tree.Parse(name)
	if err != nil {
		return nil, err
	}
	if p.Junk() {
		i, err := s.junk.stat(p)
		return infos{i}, err
	}
	ctx, cancel := s.reading()
	defer cancel()
	if p.Depth() == tree.Root {
		return infos{{name: "/", folder: true}}, nil
	}
	job, err := s.readable(ctx, p)
	if err != nil {
		return nil, err
	}
	if p.Depth() == tree.Job {
		return infos{{name: job.Name, folder: true, modified: job.Changed}}, nil
	}
	if w := s.server.Transfers.at(s.place(p), s.conn.principal.GetUserId()); w != nil && w.shown() {
		return infos{w.info(s)}, nil
	}
	if s.tree.FolderLike(p) {
		e, err := s.tree.Find(ctx, jobOf(job), p)
		return infos{infoOf(e)}, err
	}
	folder, err := s.tree.Folder(ctx, jobOf(job), p.Folder())
	if err != nil {
		return nil, err
	}
	i, err := s.statFile(ctx, jobOf(job), folder.ID, p.Name())
	return infos{i}, err
}

// statFile asks for what has landed and for what was broken off at once, because programs ask this before and after every photo.
func (s *session) statFile(ctx context.Context, job files.Job, folder, name string) (info, error) {
	var (
		landed       files.Entry
		records      []files.Record
		missing      error
		group, bound = errgroup.WithContext(ctx)
	)
	group.Go(func() (err error) { records, err = s.tree.Log.Uploads().At(bound, job, folder, name); return err })
	group.Go(func() (err error) {
		landed, err = s.tree.Log.File(bound, job, folder, name)
		if fault.Is(err, fault.NotFound) {
			missing = err
			return nil
		}
		return err
	})
	if err := group.Wait(); err != nil {
		return info{}, err
	}
	if r, broken := s.partials(records, map[string]string{name: landed.Upload})[name]; broken {
		return partialInfo(r), nil
	}
	return infoOf(landed), missing
}

// openFolder sees that the folder is there. It is read when its first line is asked for: many programs only want to know
// whether they may go there (R30).
func (s *session) openFolder(name string) (sftp.ListerAt, error) {
	p, err := tree.Parse(name)
	if err != nil {
		return nil, err
	}
	if p.Junk() {
		_, err := s.junk.stat(p)
		return infos{}, err
	}
	ctx, cancel := s.reading()
	defer cancel()
	f := &folder{session: s, path: p}
	if p.Depth() >= tree.Job {
		job, err := s.conn.board.Find(ctx, p.Job())
		if err != nil {
			return nil, err
		}
		f.job, f.id = jobOf(job), files.Root
		if p.Depth() > tree.Job {
			e, err := s.tree.Find(ctx, f.job, p)
			if err != nil {
				return nil, err
			}
			if !e.Folder() {
				return nil, fault.New(fault.Invalid, "%q is not a folder", e.Name)
			}
			f.id = e.ID
		}
	}
	if err := s.hold(); err != nil {
		return nil, err
	}
	return f, nil
}

// folder is an open folder.
type folder struct {
	session *session
	path    tree.Path
	job     files.Job
	id      string

	once sync.Once
	list infos
	err  error
}

func (f *folder) ListAt(to []os.FileInfo, off int64) (n int, err error) {
	err = f.session.guard("readdir", f.path.String(), func() error {
		f.once.Do(f.read)
		if f.err != nil {
			return f.err
		}
		n, err = f.list.ListAt(to, off)
		return err
	})
	return n, err
}

func (f *folder) Close() error {
	f.session.letGo()
	return nil
}

func (f *folder) read() {
	ctx, cancel := f.session.reading()
	defer cancel()
	if f.path.Depth() == tree.Root {
		f.list, f.err = f.session.jobs(ctx)
		return
	}
	entries, records, err := f.fetch(ctx)
	if err != nil {
		f.err = err
		return
	}
	lines, landed := make(map[string]info, len(entries)), make(map[string]string, len(entries))
	for _, e := range entries {
		lines[e.Name], landed[e.Name] = infoOf(e), e.Upload
	}
	for name, r := range f.session.partials(records, landed) {
		lines[name] = partialInfo(r)
	}
	for _, w := range f.session.server.Transfers.into(f.id) {
		if w.folder.ID == f.id && w.user() == f.session.conn.principal.GetUserId() && w.shown() {
			lines[w.name] = w.info(f.session)
		}
	}
	for _, i := range lines {
		f.list = append(f.list, i)
	}
	slices.SortFunc(f.list, func(a, b info) int { return cmp.Compare(a.name, b.name) })
}

// fetch reads what stands in the folder, and what was broken off.
func (f *folder) fetch(ctx context.Context) (entries []files.Entry, records []files.Record, err error) {
	log := f.session.tree.Log
	if f.id == files.Root { // albums only
		entries, err = log.List(ctx, f.job, f.id)
		return entries, nil, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) { entries, err = log.List(ctx, f.job, f.id); return err })
	group.Go(func() (err error) { records, err = log.Uploads().List(ctx, f.job, f.id); return err })
	return entries, records, group.Wait()
}

func (s *session) jobs(ctx context.Context) (infos, error) {
	list, err := s.conn.board.List(ctx)
	if err != nil {
		return nil, err
	}
	lines := make(infos, len(list))
	for i, job := range list {
		lines[i] = info{name: job.Name, folder: true, modified: job.Changed}
	}
	return lines, nil
}
