package page

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/services/studio/internal/session"
)

const (
	// maxForm is far above the largest form: the assignment of 500 jobs.
	maxForm = 256 << 10
	// answerWithin bounds what the other services may take for one page.
	answerWithin = 15 * time.Second

	contentPolicy = "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

type (
	// open is a page for anybody.
	open func(http.ResponseWriter, *http.Request) error
	// signedIn is a page for somebody; the request's context carries their name to other services.
	signedIn func(http.ResponseWriter, *http.Request, session.Session) error
)

// guard adds to every answer the headers that keep other sites out, and refuses forms that other sites sent.
func (p *Pages) guard(next http.Handler) http.Handler {
	forms := http.NewCrossOriginProtection()
	forms.SetDenyHandler(p.open(func(http.ResponseWriter, *http.Request) error {
		return fault.New(fault.Denied, "This form was sent from another site, so nothing was changed.")
	}))
	checked := forms.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		if p.TLS || r.TLS != nil {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		checked.ServeHTTP(w, r)
	})
}

func (p *Pages) open(handle open) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := handle(w, r); err != nil {
			p.fail(w, r, nil, err)
		}
	})
}

func (p *Pages) withSession(handle signedIn) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := p.Sessions.Find(r)
		if err != nil {
			p.fail(w, r, nil, err)
			return
		}
		if err := handle(w, r.WithContext(who.Context(r.Context())), who); err != nil {
			p.fail(w, r, &who, err)
		}
	})
}

// soon bounds a page's calls to other services.
func soon(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(r.Context(), answerWithin)
}

// clientAddress answers who asks, for the audit and for counting failures.
func (p *Pages) clientAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	// From the nearest hop outwards, as long as the one that says it is trusted.
	for i := len(hops) - 1; i >= 0 && p.trusted(host); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		host = hop.String()
	}
	return host
}

func (p *Pages) trusted(host string) bool {
	address, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	for _, proxy := range p.Proxies {
		if proxy.Contains(address.Unmap()) {
			return true
		}
	}
	return false
}

// localPath answers the path if it leads to a page of ours, else the fallback: nobody is sent to another site from here.
func localPath(path, fallback string) string {
	u, err := url.Parse(path)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") ||
		strings.ContainsAny(path, "\\\r\n\t") {
		return fallback
	}
	return path
}
