// Package page serves the studio's web pages: what people see and press in a browser.
//
// Every page works as plain HTML with ordinary forms; the one script only saves reloads. Nothing here decides what
// somebody may do: job-status and album-mapper do, in the person's own name, and the pages show their words.
package page

import (
	"log/slog"
	"net/http"
	"net/netip"

	"filmgate.dev/pkg/objects"
	catalogv1 "filmgate.dev/proto/catalog/v1"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/studio/internal/live"
	"filmgate.dev/services/studio/internal/session"
)

// EdgeCard is how photographers reach the SFTP server.
type EdgeCard struct {
	// host:port. An empty or unspecified host (0.0.0.0) is shown as the host that the browser asked for.
	SFTPAddress string
	// Fingerprint of the host key as OpenSSH prints it: "SHA256:…".
	HostKeySHA256 string
}

// Config is what the pages need: other services, dialled, and a few facts.
type Config struct {
	Jobs     jobsv1.JobServiceClient
	Users    jobsv1.UserServiceClient
	Accounts jobsv1.AccountServiceClient
	Audit    jobsv1.AuditServiceClient
	Bans     jobsv1.BanServiceClient
	Catalog  catalogv1.CatalogServiceClient
	Bucket   *objects.Bucket
	Sessions *session.Sessions
	Live     *live.Hub
	Edge     EdgeCard
	// Proxies may say on whose behalf they ask (X-Forwarded-For).
	Proxies []netip.Prefix
	// TLS says that browsers come over https, also where a proxy ends it.
	TLS bool
	Log *slog.Logger
}

// Pages answers every request of a browser.
type Pages struct {
	Config
	templates templates
	assets    assets
	photos    *photoCache
	studios   *studioNames
}

// New makes the pages.
func New(cfg Config) (*Pages, error) {
	assets, err := loadAssets()
	if err != nil {
		return nil, err
	}
	templates, err := parseTemplates(assets)
	if err != nil {
		return nil, err
	}
	return &Pages{
		Config: cfg, templates: templates, assets: assets,
		photos: newPhotoCache(), studios: newStudioNames(cfg.Accounts),
	}, nil
}

// Handler answers the pages, with the headers and checks that all of them share.
func (p *Pages) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /assets/{name}", p.assets)
	mux.Handle("GET /{$}", http.RedirectHandler("/jobs", http.StatusSeeOther))
	mux.Handle("/", p.withSession(p.notFound))
	mux.Handle("GET /signin", p.open(p.signInForm))
	mux.Handle("POST /signin", p.open(p.signIn))
	mux.Handle("POST /signout", p.open(p.signOut))

	for pattern, handle := range map[string]signedIn{
		"GET /jobs":                      p.listJobs,
		"POST /jobs":                     p.createJob,
		"GET /jobs/{job}":                p.job,
		"GET /jobs/{job}/list":           p.photoList,
		"GET /jobs/{job}/changes":        p.changes,
		"GET /jobs/{job}/events":         p.events,
		"GET /jobs/{job}/settings":       p.jobSettings,
		"POST /jobs/{job}/name":          p.renameJob,
		"POST /jobs/{job}/status":        p.setJobStatus,
		"POST /jobs/{job}/lock":          p.lockJob,
		"POST /jobs/{job}/assign":        p.assignUsers,
		"POST /jobs/{job}/albums/rename": p.renameAlbum,
		"GET /photos/{photo}":            p.photo,
		"GET /photos/{photo}/{name}":     p.picture,
		"POST /photos/{photo}/{action}":  p.changePhoto,
		"GET /users":                     p.listUsers,
		"GET /users/new":                 p.newUser,
		"POST /users":                    p.createUser,
		"GET /users/{user}":              p.user,
		"POST /users/{user}":             p.updateUser,
		"POST /users/{user}/jobs":        p.assignJobs,
		"POST /users/{user}/active":      p.setUserActive,
		"POST /users/{user}/sftp":        p.setSFTP,
		"POST /users/{user}/password":    p.setWebPassword,
		"POST /users/{user}/keys":        p.addKey,
		"POST /users/{user}/keys/remove": p.removeKey,
		"GET /connect":                   p.connect,
		"GET /activity":                  p.activity,
		"POST /bans/lift":                p.liftBan,
	} {
		mux.Handle(pattern, p.withSession(handle))
	}
	return p.guard(mux)
}
