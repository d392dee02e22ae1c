package sftpd

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
	"filmgate.dev/services/sftp-edge/internal/jobs"
	"filmgate.dev/services/sftp-edge/internal/tree"
)

// The rights of a user, as job-status spells them.
const (
	rightUpload   = "upload"
	rightDownload = "download"
)

// session is one SFTP channel: the library calls its methods, several at once.
type session struct {
	conn    *connection
	guest   *guest
	end     func() // when the channel is over
	server  *Server
	intake  *intake
	tree    tree.Finder
	handles atomic.Int32
	junk    junk

	mu        sync.Mutex
	unsettled map[string]files.Entry // by place: uploads whose CLOSE failed with an unknown outcome
}

// maxUnsettled bounds what is remembered of failed closes.
const maxUnsettled = 1000

func newSession(c *connection) *session {
	s := &session{conn: c, server: c.server, tree: c.server.Tree, unsettled: make(map[string]files.Entry)}
	s.guest, s.end = c.server.guests.join(c.principal.GetUserId(), c.server.Config.Requests)
	return s
}

// by names the session's user in the files log.
func (s *session) by() files.By {
	p := s.conn.principal
	return files.By{UserID: p.GetUserId(), User: p.GetUserName(), Client: s.conn.version}
}

// reading bounds a request that changes nothing.
func (s *session) reading() (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.server.ctx, s.server.Config.Commit)
}

// changing bounds a request that changes something. It goes on when the client has gone: half a change is worse.
func (s *session) changing() (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.server.ctx, s.server.Config.Commit)
}

func (s *session) may(right string) bool { return slices.Contains(s.conn.principal.GetRights(), right) }

func (s *session) mayUpload() error {
	if s.may(rightUpload) {
		return nil
	}
	return fault.New(fault.Denied, "you may not upload or change anything here; ask the studio for the right to upload")
}

func jobOf(j jobs.Job) files.Job { return files.Job{Account: j.Account, ID: j.ID} }

// openable answers the job if something new may be made in it.
func (s *session) openable(ctx context.Context, p tree.Path) (jobs.Job, error) {
	if err := s.mayUpload(); err != nil {
		return jobs.Job{}, err
	}
	if s.server.stopping() {
		return jobs.Job{}, fault.New(fault.Unavailable, "the server is being restarted; connect again")
	}
	return s.conn.board.Writable(ctx, p.Job())
}

// changeable answers the job if what stands at p may be changed: because the job takes changes, or because the user began
// the file while it did.
func (s *session) changeable(p tree.Path) (job jobs.Job, late bool, err error) {
	if err := s.mayUpload(); err != nil {
		return jobs.Job{}, false, err
	}
	job, ok := s.conn.board.Known(p.Job())
	switch {
	case ok && job.Writable:
		return job, false, nil
	case ok && s.conn.board.Begun().Has(s.tree.Key(p)):
		return job, true, nil
	case !ok || !job.Visible && job.Reason == "":
		return jobs.Job{}, false, fault.New(fault.NotFound, "there is no job %q", p.Job())
	case job.Reason == "":
		return jobs.Job{}, false, fault.New(fault.Denied, "job %s takes no changes", job.Name)
	default:
		return jobs.Job{}, false, fault.New(fault.Denied, "%s", job.Reason)
	}
}

// readable answers the job if what stands at p may be looked at.
func (s *session) readable(ctx context.Context, p tree.Path) (jobs.Job, error) {
	job, err := s.conn.board.Find(ctx, p.Job())
	if err == nil {
		return job, nil
	}
	if known, ok := s.conn.board.Known(p.Job()); ok && s.conn.board.Begun().Has(s.tree.Key(p)) {
		return known, nil
	}
	return jobs.Job{}, err
}

// hold counts a handle in.
func (s *session) hold() error {
	if int(s.handles.Add(1)) > s.server.Config.MaxHandles {
		s.handles.Add(-1)
		return fault.New(fault.Unavailable, "too many files are open at once")
	}
	return nil
}

func (s *session) letGo() { s.handles.Add(-1) }
