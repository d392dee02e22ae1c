// Package access decides which jobs a user sees over SFTP and may write to, and says why not in words for the photographer.
package access

import (
	"fmt"

	"filmgate.dev/services/job-status/internal/job"
	"filmgate.dev/services/job-status/internal/user"
)

// Access is one job as one user may see it.
type Access struct {
	Job      job.Job
	Visible  bool   // shown in the listing of "/"
	Writable bool   // new files and folders may be made in it
	Reason   string // why not
}

// View is what one user sees at one revision of the account.
type View struct {
	User     user.User
	Revision int64
	Jobs     []Access // visible ones
}

// Of decides. The user sees all jobs or is assigned to this one, or has no right to know of it: assigned says which.
func Of(u user.User, j job.Job, assigned bool) Access {
	a := Access{Job: j}
	switch {
	case !u.SeesAllJobs() && !assigned:
		a.Reason = fmt.Sprintf("you are no longer assigned to %s; ask your studio", j.InternalName)
	case j.Locked:
		a.Reason = fmt.Sprintf("%s is locked by your studio, so photos cannot be added at the moment; ask your studio", j.InternalName)
	case j.Status != job.Planning:
		a.Reason = fmt.Sprintf("%s is now %s, so photos can no longer be added; ask your studio", j.InternalName, j.Status)
	case !u.Holds(user.Upload):
		a.Visible = true
		a.Reason = fmt.Sprintf("you may look at %s but not add photos; ask your studio for the right to upload", j.InternalName)
	default:
		a.Visible, a.Writable = true, true
	}
	return a
}

// Same reports whether an edge would show and allow the same.
func (a Access) Same(b Access) bool {
	return a.Visible == b.Visible && a.Writable == b.Writable && a.Reason == b.Reason && a.Job.InternalName == b.Job.InternalName &&
		a.Job.Name == b.Job.Name && a.Job.Status == b.Job.Status && a.Job.Locked == b.Job.Locked
}
