package page

import (
	"net/http"
	"strings"

	"filmgate.dev/pkg/fault"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/studio/internal/session"
)

// secretsPage shows generated passwords. It is the only time: they are stored nowhere in this form.
type secretsPage struct {
	User         *jobsv1.User
	SFTPPassword string
	WebPassword  string
	Created      bool
	Edge         edgeWords
}

func (p *Pages) showSecrets(w http.ResponseWriter, r *http.Request, who session.Session, page secretsPage) {
	page.Edge = p.edge(r, page.User.GetSftp().GetUserName())
	p.show(w, r, &who, http.StatusOK, "secrets", page)
}

// setSFTP makes, renames or switches the SFTP access, or makes a new password for it.
func (p *Pages) setSFTP(w http.ResponseWriter, r *http.Request, who session.Session) error {
	if err := readForm(r); err != nil {
		return err
	}
	ask := &jobsv1.SetSFTPAccessRequest{
		Id: r.PathValue("user"), UserName: strings.TrimSpace(r.PostForm.Get("user_name")),
		Enabled: r.PostForm.Get("enabled") == "yes", GeneratePassword: r.PostForm.Get("generate") == "yes",
	}
	answer, err := p.Users.SetSFTPAccess(r.Context(), ask)
	if err == nil && answer.GetGeneratedPassword() != "" {
		p.showSecrets(w, r, who, secretsPage{User: answer.GetUser(), SFTPPassword: answer.GetGeneratedPassword()})
		return nil
	}
	what := "sftp-off"
	if ask.Enabled {
		what = "sftp-on"
	}
	return p.answerForm(w, r, who, err, what)
}

func (p *Pages) setWebPassword(w http.ResponseWriter, r *http.Request, who session.Session) error {
	user, err := p.findUser(r)
	if err != nil {
		return err
	}
	if user.GetEmail() == "" {
		return p.showUser(w, r, who, fault.New(fault.Invalid, "this user has no e-mail address, so there is no web login"))
	}
	answer, err := p.Users.SetWebPassword(r.Context(), &jobsv1.SetWebPasswordRequest{Id: r.PathValue("user")})
	if err != nil {
		return p.answerForm(w, r, who, err, "")
	}
	p.showSecrets(w, r, who, secretsPage{User: user, WebPassword: answer.GetGeneratedPassword()})
	return nil
}

func (p *Pages) addKey(w http.ResponseWriter, r *http.Request, who session.Session) error {
	if err := readForm(r); err != nil {
		return err
	}
	key := strings.TrimSpace(r.PostForm.Get("key"))
	_, err := p.Users.AddSSHKey(r.Context(), &jobsv1.AddSSHKeyRequest{Id: r.PathValue("user"), AuthorizedKey: key})
	return p.answerForm(w, r, who, err, "key-added")
}

func (p *Pages) removeKey(w http.ResponseWriter, r *http.Request, who session.Session) error {
	if err := readForm(r); err != nil {
		return err
	}
	ask := &jobsv1.RemoveSSHKeyRequest{Id: r.PathValue("user"), Fingerprint: r.PostForm.Get("fingerprint")}
	_, err := p.Users.RemoveSSHKey(r.Context(), ask)
	return p.answerForm(w, r, who, err, "key-removed")
}
