package page

import (
	"net/http"
	"slices"
	"strings"

	"filmgate.dev/pkg/fault"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/studio/internal/session"
)

const usersPerPage = 100

type usersPage struct {
	Users     []*jobsv1.User
	Next      string
	More      bool
	MayChange bool
}

func (p *Pages) listUsers(w http.ResponseWriter, r *http.Request, who session.Session) error {
	ctx, cancel := soon(r)
	defer cancel()
	token := r.URL.Query().Get("page")
	answer, err := p.Users.ListUsers(ctx, &jobsv1.ListUsersRequest{PageSize: usersPerPage, PageToken: token})
	if err != nil {
		return err
	}
	p.show(w, r, &who, http.StatusOK, "users", usersPage{
		Users: answer.GetUsers(), Next: answer.GetNextPageToken(), More: token != "", MayChange: who.May("users"),
	})
	return nil
}

// newUserPage is the form for a new user, also after a try that failed.
type newUserPage struct {
	Roles   []roleWords
	Rights  []rightWords
	Jobs    []*jobsv1.Job
	Form    *jobsv1.CreateUserRequest
	Problem string
}

func (n newUserPage) HasRight(key string) bool { return slices.Contains(n.Form.GetRights(), key) }
func (n newUserPage) HasJob(id string) bool    { return slices.Contains(n.Form.GetJobIds(), id) }

func (p *Pages) newUser(w http.ResponseWriter, r *http.Request, who session.Session) error {
	return p.showNewUser(w, r, who, http.StatusOK, &jobsv1.CreateUserRequest{Role: jobsv1.Role_ROLE_UPLOAD_ONLY, AllJobs: true}, "")
}

func (p *Pages) showNewUser(w http.ResponseWriter, r *http.Request, who session.Session, status int, form *jobsv1.CreateUserRequest, problem string) error {
	jobs, err := p.jobsToAssign(r)
	if err != nil {
		return err
	}
	p.show(w, r, &who, status, "newuser", newUserPage{Roles: roles, Rights: rights, Jobs: jobs, Form: form, Problem: problem})
	return nil
}

// jobsToAssign lists the jobs that a form offers: all but the archived ones, newest first.
func (p *Pages) jobsToAssign(r *http.Request) ([]*jobsv1.Job, error) {
	ctx, cancel := soon(r)
	defer cancel()
	answer, err := p.Jobs.ListJobs(ctx, &jobsv1.ListJobsRequest{PageSize: maxAtOnce, Statuses: []jobsv1.JobStatus{
		jobsv1.JobStatus_JOB_STATUS_PLANNING, jobsv1.JobStatus_JOB_STATUS_SELLING, jobsv1.JobStatus_JOB_STATUS_PREPAY,
	}})
	return answer.GetJobs(), err
}

func (p *Pages) createUser(w http.ResponseWriter, r *http.Request, who session.Session) error {
	if err := readForm(r); err != nil {
		return err
	}
	form := &jobsv1.CreateUserRequest{
		Email:        strings.TrimSpace(r.PostForm.Get("email")),
		DisplayName:  strings.TrimSpace(r.PostForm.Get("display_name")),
		Role:         roleNamed(r.PostForm.Get("role")),
		Rights:       knownRights(r.PostForm["right"]),
		AllJobs:      r.PostForm.Get("all_jobs") == "yes",
		JobIds:       r.PostForm["job"],
		SftpUserName: strings.TrimSpace(r.PostForm.Get("sftp_user_name")),
	}
	switch {
	case form.Role == jobsv1.Role_ROLE_ADMIN:
		form.AllJobs = true
	case len(form.JobIds) > 0:
		form.AllJobs = false // "every job" is ticked from the start: who then ticks single ones means these
	}
	if form.Email == "" && form.SftpUserName == "" {
		return p.showNewUser(w, r, who, http.StatusBadRequest, form, "Give an SFTP user name, an e-mail address for the web login, or both.")
	}
	created, err := p.Users.CreateUser(r.Context(), form)
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Exists) {
		return p.showNewUser(w, r, who, fault.HTTPStatus(fault.KindOf(err)), form, sentence(fault.Message(err)))
	}
	if err != nil {
		return err
	}
	p.showSecrets(w, r, who, secretsPage{
		User: created.GetUser(), SFTPPassword: created.GetGeneratedSftpPassword(), WebPassword: created.GetGeneratedWebPassword(), Created: true,
	})
	return nil
}
