package page

import (
	"net/http"
	"slices"
	"strings"

	"filmgate.dev/pkg/fault"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/studio/internal/session"
)

type userPage struct {
	*jobsv1.User
	Roles     []roleWords
	Rights    []rightWords
	Jobs      []*jobsv1.Job
	MayChange bool
	MayAssign bool
	Self      bool
	Problem   string
}

func (u userPage) HasRight(key string) bool { return slices.Contains(u.GetRights(), key) }

// Assigned reports whether the user is assigned to the job.
func (u userPage) Assigned(job *jobsv1.Job) bool {
	return slices.Contains(job.GetAssignees(), u.GetId())
}

func (p *Pages) findUser(r *http.Request) (*jobsv1.User, error) {
	ctx, cancel := soon(r)
	defer cancel()
	return p.Users.GetUser(ctx, &jobsv1.GetUserRequest{Key: &jobsv1.GetUserRequest_Id{Id: r.PathValue("user")}})
}

func (p *Pages) user(w http.ResponseWriter, r *http.Request, who session.Session) error {
	return p.showUser(w, r, who, nil)
}

// showUser shows the user as they are, with why the last form could not be done.
func (p *Pages) showUser(w http.ResponseWriter, r *http.Request, who session.Session, refused error) error {
	user, err := p.findUser(r)
	if err != nil {
		return err
	}
	jobs, err := p.jobsToAssign(r)
	if err != nil {
		return err
	}
	page := userPage{
		User: user, Roles: roles, Rights: rights, Jobs: jobs, MayChange: who.May("users"), MayAssign: who.May("jobs"),
		Self: user.GetId() == who.Principal.GetUserId(),
	}
	status := http.StatusOK
	if refused != nil {
		status, page.Problem = fault.HTTPStatus(fault.KindOf(refused)), sentence(fault.Message(refused))
	}
	p.show(w, r, &who, status, "user", page)
	return nil
}

func userPath(r *http.Request) string { return "/users/" + r.PathValue("user") }

// answerForm leads back to the user, or shows there what was wrong with the form.
func (p *Pages) answerForm(w http.ResponseWriter, r *http.Request, who session.Session, err error, what string) error {
	switch {
	case err == nil:
		return seeOther(w, r, userPath(r), what)
	case fault.Is(err, fault.Invalid), fault.Is(err, fault.Exists), fault.Is(err, fault.Conflict):
		return p.showUser(w, r, who, err)
	default:
		return err
	}
}

func (p *Pages) updateUser(w http.ResponseWriter, r *http.Request, who session.Session) error {
	if err := readForm(r); err != nil {
		return err
	}
	role := roleNamed(r.PostForm.Get("role"))
	_, err := p.Users.UpdateUser(r.Context(), &jobsv1.UpdateUserRequest{
		Id: r.PathValue("user"), DisplayName: strings.TrimSpace(r.PostForm.Get("display_name")), Role: role,
		Rights:  knownRights(r.PostForm["right"]),
		AllJobs: r.PostForm.Get("all_jobs") == "yes" || role == jobsv1.Role_ROLE_ADMIN, Revision: revision(r),
	})
	return p.answerForm(w, r, who, err, "user-saved")
}

// assignJobs makes the user an assignee of exactly the ticked jobs, among those that the form showed.
func (p *Pages) assignJobs(w http.ResponseWriter, r *http.Request, who session.Session) error {
	if err := readForm(r); err != nil {
		return err
	}
	user, shown, ticked := r.PathValue("user"), r.PostForm["shown"], r.PostForm["job"]
	jobs, err := p.jobsToAssign(r)
	if err != nil {
		return err
	}
	for _, job := range jobs {
		want := slices.Contains(ticked, job.GetId())
		if want == slices.Contains(job.GetAssignees(), user) || !slices.Contains(shown, job.GetId()) {
			continue
		}
		assignees := slices.DeleteFunc(slices.Clone(job.GetAssignees()), func(id string) bool { return id == user })
		if want {
			assignees = append(assignees, user)
		}
		ask := &jobsv1.AssignUsersRequest{Id: job.GetId(), UserIds: assignees, Revision: job.GetRevision()}
		if _, err := p.Jobs.AssignUsers(r.Context(), ask); err != nil {
			return p.answerForm(w, r, who, err, "")
		}
	}
	return seeOther(w, r, userPath(r), "user-saved")
}

func (p *Pages) setUserActive(w http.ResponseWriter, r *http.Request, who session.Session) error {
	if err := readForm(r); err != nil {
		return err
	}
	active, what := r.PostForm.Get("active") == "yes", "user-off"
	if active {
		what = "user-on"
	}
	if !active && r.PathValue("user") == who.Principal.GetUserId() {
		return p.showUser(w, r, who, fault.New(fault.Invalid, "you cannot switch yourself off"))
	}
	_, err := p.Users.SetUserActive(r.Context(), &jobsv1.SetUserActiveRequest{Id: r.PathValue("user"), Active: active})
	return p.answerForm(w, r, who, err, what)
}
