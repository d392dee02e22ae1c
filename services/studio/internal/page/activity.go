package page

import (
	"net/http"
	"strings"

	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/studio/internal/session"
)

type activityPage struct {
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
			AuditEvent: event, Words: sentenceOf(event.GetAction()), Refused: strings.HasSuffix(event.GetAction(), "_refused"),
		})
	}
	p.show(w, r, &who, http.StatusOK, "activity", page)
	return nil
}

// sentenceOf reads an action's name aloud: "job_status_changed" is "Job status changed".
func sentenceOf(action string) string {
	words := strings.NewReplacer("_", " ", "sftp", "SFTP", "ssh", "SSH").Replace(action)
	return strings.TrimSuffix(sentence(words), ".")
}
