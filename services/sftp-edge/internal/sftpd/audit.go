package sftpd

import "strings"

// refused has a refusal written down, so that the studio can see why an upload did not come.
func (c *connection) refused(op, path, words string) {
	folder, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	job, _ := c.board.Known(folder)
	c.server.Refused(Refusal{
		Account: c.principal.GetAccount(), UserID: c.principal.GetUserId(), User: c.principal.GetUserName(),
		Client: c.ssh.RemoteAddr().String(), JobID: job.ID, Action: op + "_refused", Path: path, Words: words,
	})
}
