package page

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"filmgate.dev/pkg/fault"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/studio/internal/session"
)

// maxAtOnce is how many jobs or users a form of check boxes lists.
const maxAtOnce = 500

type settingsPage struct {
	Job       *jobsv1.Job
	Status    statusWords
	Next      []statusWords
	MayChange bool
	Users     []assignee
	// Users are there, but this person may not see them.
	UsersHidden bool
}

type assignee struct {
	*jobsv1.User
	Assigned bool
}

func (p *Pages) findJob(r *http.Request) (*jobsv1.Job, error) {
	ctx, cancel := soon(r)
	defer cancel()
	return p.Jobs.GetJob(ctx, &jobsv1.GetJobRequest{Key: &jobsv1.GetJobRequest_Id{Id: r.PathValue("job")}})
}

func (p *Pages) jobSettings(w http.ResponseWriter, r *http.Request, who session.Session) error {
	job, err := p.findJob(r)
	if err != nil {
		return err
	}
	words := wordsFor(job.GetStatus())
	page := settingsPage{Job: job, Status: words, Next: words.next(), MayChange: who.May("jobs")}
	ctx, cancel := soon(r)
	defer cancel()
	users, err := p.Users.ListUsers(ctx, &jobsv1.ListUsersRequest{PageSize: maxAtOnce})
	switch {
	case fault.Is(err, fault.Denied) && !fault.IsUnauthenticated(err):
		page.UsersHidden = true
	case err != nil:
		return err
	}
	for _, user := range users.GetUsers() {
		page.Users = append(page.Users, assignee{user, slices.Contains(job.GetAssignees(), user.GetId())})
	}
	p.show(w, r, &who, http.StatusOK, "settings", page)
	return nil
}

// revision of what the person saw when they pressed the button: a change in between is refused in words, not overwritten.
func revision(r *http.Request) int64 {
	n, err := strconv.ParseInt(r.PostForm.Get("revision"), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func settingsPath(r *http.Request) string { return "/jobs/" + r.PathValue("job") + "/settings" }

func (p *Pages) renameJob(w http.ResponseWriter, r *http.Request, _ session.Session) error {
	if err := readForm(r); err != nil {
		return err
	}
	ask := &jobsv1.UpdateJobRequest{Id: r.PathValue("job"), Name: strings.TrimSpace(r.PostForm.Get("name")), Revision: revision(r)}
	if _, err := p.Jobs.UpdateJob(r.Context(), ask); err != nil {
		return err
	}
	return seeOther(w, r, settingsPath(r), "job-renamed")
}

func (p *Pages) setJobStatus(w http.ResponseWriter, r *http.Request, _ session.Session) error {
	if err := readForm(r); err != nil {
		return err
	}
	words, ok := statusNamed(r.PostForm.Get("status"))
	if !ok {
		return fault.New(fault.Invalid, "choose the new status first")
	}
	ask := &jobsv1.SetJobStatusRequest{Id: r.PathValue("job"), Status: words.Status, Revision: revision(r)}
	if _, err := p.Jobs.SetJobStatus(r.Context(), ask); err != nil {
		return err
	}
	return seeOther(w, r, settingsPath(r), "job-status")
}

func (p *Pages) lockJob(w http.ResponseWriter, r *http.Request, _ session.Session) error {
	if err := readForm(r); err != nil {
		return err
	}
	locked, what := r.PostForm.Get("locked") == "yes", "job-unlocked"
	if locked {
		what = "job-locked"
	}
	ask := &jobsv1.SetJobLockedRequest{Id: r.PathValue("job"), Locked: locked, Revision: revision(r)}
	if _, err := p.Jobs.SetJobLocked(r.Context(), ask); err != nil {
		return err
	}
	return seeOther(w, r, settingsPath(r), what)
}

func (p *Pages) assignUsers(w http.ResponseWriter, r *http.Request, _ session.Session) error {
	if err := readForm(r); err != nil {
		return err
	}
	ask := &jobsv1.AssignUsersRequest{Id: r.PathValue("job"), UserIds: r.PostForm["user"], Revision: revision(r)}
	if _, err := p.Jobs.AssignUsers(r.Context(), ask); err != nil {
		return err
	}
	return seeOther(w, r, settingsPath(r), "job-assigned")
}
