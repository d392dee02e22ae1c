package page

import (
	"net/http"
	"strings"

	"filmgate.dev/pkg/fault"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/studio/internal/session"
)

type activityPage struct {
	Bans   []*jobsv1.Ban
	Events []auditRow
	Next   string
	More   bool
	Job    string
	User   string
}

type auditRow struct {
	*jobsv1.AuditEvent
	Words   string
	Refused bool
}

func (p *Pages) activity(w http.ResponseWriter, r *http.Request, who session.Session) error {
	ctx, cancel := soon(r)
	defer cancel()
	query := r.URL.Query()
	page := activityPage{Job: query.Get("job"), User: query.Get("user"), More: query.Get("page") != ""}
	answer, err := p.Audit.ListAudit(ctx, &jobsv1.ListAuditRequest{
		JobId: page.Job, UserId: page.User, PageSize: 100, PageToken: query.Get("page"),
	})
	if err != nil {
		return err
	}
	page.Next = answer.GetNextPageToken()
	for _, event := range answer.GetEvents() {
		page.Events = append(page.Events, auditRow{
			AuditEvent: event, Words: sentenceOf(event.GetAction()), Refused: inVain(event.GetAction()),
		})
	}
	if newest := page.Job == "" && page.User == "" && !page.More; newest && who.Principal.GetRole() == jobsv1.Role_ROLE_ADMIN {
		bans, err := p.Bans.ListBans(ctx, &jobsv1.ListBansRequest{})
		if err != nil { // the page is worth showing without them, such as while an older job-status is running
			p.Log.WarnContext(ctx, "the bans cannot be shown", "error", err)
		}
		page.Bans = bans.GetBans()
	}
	p.show(w, r, &who, http.StatusOK, "activity", page)
	return nil
}

// liftBan lets an address in again. One that was let in meanwhile is as good.
func (p *Pages) liftBan(w http.ResponseWriter, r *http.Request, _ session.Session) error {
	if err := readForm(r); err != nil {
		return err
	}
	_, err := p.Bans.LiftBan(r.Context(), &jobsv1.LiftBanRequest{Network: r.PostForm.Get("network")})
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	return seeOther(w, r, "/activity", "ban-lifted")
}

// inVain reports whether somebody wanted something and did not get it.
func inVain(action string) bool {
	return strings.HasSuffix(action, "_refused") || action == "upload_failed" || action == "upload_broken_off"
}

// sentenceOf reads an action's name aloud: "job_status_changed" is "Job status changed". What the SFTP edge refuses is named
// after the request, which few people know.
func sentenceOf(action string) string {
	switch action {
	case "open_refused":
		return "File refused"
	case "mkdir_refused":
		return "New folder refused"
	case "rmdir_refused":
		return "Removal of a folder refused"
	case "remove_refused":
		return "Removal of a file refused"
	case "setstat_refused":
		return "Change of a file's date refused"
	case "stat_refused", "list_refused", "readdir_refused":
		return "Look into a folder refused"
	}
	words := strings.NewReplacer("_", " ", "sftp", "SFTP", "ssh", "SSH").Replace(action)
	return strings.TrimSuffix(sentence(words), ".")
}
