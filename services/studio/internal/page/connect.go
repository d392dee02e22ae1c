package page

import (
	"html/template"
	"net"
	"net/http"
	"net/url"

	"filmgate.dev/pkg/fault"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/studio/internal/session"
)

// edgeWords is what a person types into an SFTP client.
type edgeWords struct {
	Host, Port  string
	Fingerprint string
	User        string
	Link        template.URL
}

type connectPage struct {
	Edge  edgeWords
	Users []*jobsv1.User // with SFTP access
}

func (p *Pages) connect(w http.ResponseWriter, r *http.Request, who session.Session) error {
	page := connectPage{Edge: p.edge(r, "")}
	ctx, cancel := soon(r)
	defer cancel()
	users, err := p.Users.ListUsers(ctx, &jobsv1.ListUsersRequest{PageSize: maxAtOnce})
	if err != nil && (!fault.Is(err, fault.Denied) || fault.IsUnauthenticated(err)) {
		return err
	}
	for _, user := range users.GetUsers() {
		if user.GetActive() && user.GetSftp().GetEnabled() && user.GetSftp().GetUserName() != "" {
			page.Users = append(page.Users, user)
		}
	}
	p.show(w, r, &who, http.StatusOK, "connect", page)
	return nil
}

// edge says where the SFTP server is for this browser: a server that listens everywhere has the browser's own word for it.
func (p *Pages) edge(r *http.Request, user string) edgeWords {
	host, port, err := net.SplitHostPort(p.Edge.SFTPAddress)
	if err != nil {
		host, port = p.Edge.SFTPAddress, "22"
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		here := url.URL{Host: r.Host}
		host = here.Hostname()
	}
	link := url.URL{Scheme: "sftp", Host: net.JoinHostPort(host, port), Path: "/"}
	if user != "" {
		link.User = url.User(user)
	}
	// html/template knows only web and mail addresses; this one is made of checked parts, escaped by net/url.
	return edgeWords{Host: host, Port: port, Fingerprint: p.Edge.HostKeySHA256, User: user, Link: template.URL(link.String())} //nolint:gosec // see above
}
