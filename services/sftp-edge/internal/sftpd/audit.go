package sftpd

import (
	"fmt"
	"strings"
	"time"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
	"filmgate.dev/services/sftp-edge/internal/tree"
)

// Event is something that a user did, or that was refused, for the record that the studio sees.
type Event struct {
	Account, UserID, User, Client, JobID string
	Action                               string // in small letters and _
	Path                                 string
	Words                                string // what else there is to say of it, without the path
}

// The actions beside "<request>_refused".
const (
	uploadBegun     = "upload_begun"
	fileUploaded    = "file_uploaded"
	uploadFailed    = "upload_failed"
	uploadBrokenOff = "upload_broken_off"
	downloadBegun   = "download_begun"
	fileRenamed     = "file_renamed"
	folderRenamed   = "folder_renamed"
	fileRemoved     = "file_removed"
	folderRemoved   = "folder_removed"
	folderMade      = "folder_made"
)

// record has an event written down, unless there are too many of its user's. They are all in the log.
func (s *session) record(e Event) {
	limit := s.guest.rows
	if strings.HasSuffix(e.Action, "_refused") {
		limit = s.guest.refusals
	}
	if !limit.Allow() {
		s.conn.log.Warn("too many events of one user: one is not in the audit", "action", e.Action, "path", e.Path)
		return
	}
	c := s.conn
	folder, _, _ := strings.Cut(strings.TrimPrefix(e.Path, "/"), "/")
	job, _ := c.board.Known(folder)
	e.Account, e.UserID, e.User = c.principal.GetAccount(), c.principal.GetUserId(), c.principal.GetUserName()
	e.Client, e.JobID = c.ssh.RemoteAddr().String(), job.ID
	c.server.Audit(e)
}

// refused has a refusal written down. A WRITE has none of its own: it fails its upload, whose end tells why.
func (s *session) refused(op, path string, err error) {
	switch op {
	case "write", "read", "close":
	default:
		s.record(Event{Action: op + "_refused", Path: path, Words: fault.Message(err)})
	}
}

func (s *session) opened(w *writer) {
	s.conn.log.Info("an upload begins", "path", w.path.String(), "upload", w.id)
	if s.server.Config.AuditOpens {
		s.record(Event{Action: uploadBegun, Path: w.path.String(), Words: "upload " + w.id})
	}
}

// closed has the end of an upload written down: what landed, or why nothing did.
func (s *session) closed(w *writer, err error) {
	e := Event{Path: w.path.String()}
	c, id := w.claim, w.current().Upload()
	switch {
	case err != nil:
		kind := fault.KindOf(err)
		e.Action, e.Words = uploadFailed, fmt.Sprintf("%s (%s, upload %s, %s)", fault.Message(err), kind, id, w.took())
		s.conn.log.Info("an upload failed", "path", e.Path, "upload", id, "code", kind.String(), "took", w.took(), "err", err)
	case c.landed == nil:
		e.Action, e.Words = uploadBrokenOff, fmt.Sprintf("%d bytes came (upload %s, %s)", c.came, id, w.took())
	default:
		e.Action = fileUploaded
		e.Words = fmt.Sprintf("%d bytes, CRC32C %s (upload %s, %s)", c.result.Bytes, c.result.CRC32C, id, w.took())
		if c.landed.Unchanged {
			e.Words += ", the same as before"
		}
	}
	s.record(e)
}

// took is how long an upload has been open.
func (w *writer) took() time.Duration { return time.Since(w.opened).Round(time.Millisecond) }

func (s *session) made(p tree.Path, e files.Entry) {
	s.server.Usage.Changed(e, 1)
	s.told(folderMade, p, "folder "+e.ID)
}

func (s *session) removed(p tree.Path, e files.Entry) {
	s.server.Usage.Changed(e, -1)
	if e.Folder() {
		s.told(folderRemoved, p, "folder "+e.ID)
	} else {
		s.told(fileRemoved, p, fmt.Sprintf("%d bytes, CRC32C %s (upload %s)", e.Bytes, e.CRC32C, e.Upload))
	}
}

func (s *session) moved(from tree.Path, e files.Entry, to tree.Path, now files.Entry) {
	s.server.Usage.Changed(e, -1)
	s.server.Usage.Changed(now, 1)
	if e.Folder() {
		s.told(folderRenamed, from, "now "+to.String())
	} else {
		s.told(fileRenamed, from, fmt.Sprintf("now %s (upload %s)", to, e.Upload))
	}
}

// told writes a change down in the log and in the audit.
func (s *session) told(action string, p tree.Path, words string) {
	s.conn.log.Info("a request was done", "action", action, "path", p.String(), "words", words)
	s.record(Event{Action: action, Path: p.String(), Words: words})
}
