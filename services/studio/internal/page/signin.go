package page

import (
	"net/http"
	"strings"

	"filmgate.dev/pkg/fault"
)

type signInPage struct {
	Email   string
	Next    string
	Problem string
}

func (p *Pages) signInForm(w http.ResponseWriter, r *http.Request) error {
	next := localPath(r.URL.Query().Get("next"), "/jobs")
	if _, err := p.Sessions.Find(r); err == nil {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return nil
	}
	p.show(w, r, nil, http.StatusOK, "signin", signInPage{Next: next})
	return nil
}

func (p *Pages) signIn(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(r); err != nil {
		return err
	}
	page := signInPage{Email: strings.TrimSpace(r.PostForm.Get("email")), Next: localPath(r.PostForm.Get("next"), "/jobs")}
	err := p.Sessions.SignIn(w, r, page.Email, r.PostForm.Get("password"), p.clientAddress(r))
	if err == nil {
		http.Redirect(w, r, page.Next, http.StatusSeeOther)
		return nil
	}
	status := fault.HTTPStatus(fault.KindOf(err))
	switch {
	case fault.Is(err, fault.Denied):
		status, page.Problem = http.StatusUnauthorized, "E-mail address or password is wrong, or this login is switched off."
	case fault.Is(err, fault.Internal):
		return err
	default:
		page.Problem = sentence(fault.Message(err))
	}
	p.show(w, r, nil, status, "signin", page)
	return nil
}

func (p *Pages) signOut(w http.ResponseWriter, r *http.Request) error {
	p.Sessions.SignOut(w, r)
	http.Redirect(w, r, "/signin", http.StatusSeeOther)
	return nil
}

// readForm reads a posted form; fields are then in r.PostForm.
func readForm(r *http.Request) error {
	return fault.Wrap(r.ParseForm(), fault.Invalid, "this form could not be read")
}
