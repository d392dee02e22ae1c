package page

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/services/studio/internal/session"
)

// fail answers an error in words: as a page, or as one line of text for the script.
func (p *Pages) fail(w http.ResponseWriter, r *http.Request, who *session.Session, err error) {
	if r.Context().Err() != nil && (errors.Is(err, context.Canceled) || fault.Is(err, fault.Unavailable)) {
		return // the browser went away, and a call over gRPC that ended with it says that the other side is unavailable
	}
	// A picture's headers may have been set before it failed.
	for _, name := range []string{"Content-Length", "Content-Type", "Content-Disposition", "ETag"} {
		w.Header().Del(name)
	}
	w.Header().Set("Cache-Control", "no-store")
	kind := fault.KindOf(err)
	if fault.IsUnauthenticated(err) {
		p.askToSignIn(w, r)
		return
	}
	status, message := fault.HTTPStatus(kind), fault.Message(err)
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		status, message = http.StatusRequestEntityTooLarge, "This form is too large."
	}
	switch kind {
	case fault.Internal, fault.Unavailable:
		p.Log.Error("page failed", "method", r.Method, "path", r.URL.Path, "err", err)
	default:
		p.Log.Debug("page refused", "method", r.Method, "path", r.URL.Path, "err", err)
	}
	if fromScript(r) {
		http.Error(w, message, status)
		return
	}
	p.show(w, r, who, status, "error", errorPage{
		Title: errorTitle(status), Message: sentence(message), Status: status, Back: cameFrom(r),
	})
}

type errorPage struct {
	Title   string
	Message string
	Status  int
	Back    string // the page with the form that failed, or ""
}

// cameFrom answers the page of ours that led to a form, or "".
func cameFrom(r *http.Request) string {
	referer, err := url.Parse(r.Referer())
	if err != nil || r.Method != http.MethodPost || referer.Host != r.Host {
		return ""
	}
	return localPath(referer.RequestURI(), "")
}

func errorTitle(status int) string {
	switch status {
	case http.StatusNotFound:
		return "There is no such page"
	case http.StatusForbidden:
		return "This is not yours to see or change"
	case http.StatusServiceUnavailable:
		return "Not available at the moment"
	case http.StatusConflict:
		return "That did not work"
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		return "That cannot be right"
	default:
		return "Something went wrong"
	}
}

func (p *Pages) askToSignIn(w http.ResponseWriter, r *http.Request) {
	if fromScript(r) {
		http.Error(w, "You are signed out. Sign in again.", http.StatusUnauthorized)
		return
	}
	target := "/signin"
	if r.Method == http.MethodGet && r.URL.Path != "/jobs" {
		target += "?" + url.Values{"next": {r.URL.RequestURI()}}.Encode()
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
}

func (p *Pages) notFound(_ http.ResponseWriter, r *http.Request, _ session.Session) error {
	return fault.New(fault.NotFound, "Nothing is at %s. Perhaps the link is old.", r.URL.Path)
}

// fromScript reports whether our own script asks, which wants parts of pages and plain words.
func fromScript(r *http.Request) bool { return r.Header.Get("Filmgate-Part") != "" }
