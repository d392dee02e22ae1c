// Package studio is the web pages of a photo studio: its jobs, its photos as they arrive, its users.
//
// It keeps nothing. Whatever it shows it asked job-status, album-mapper and the bucket for, in the name of the person who
// is looking.
package studio

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/objects"
	"filmgate.dev/pkg/serve"
	catalogv1 "filmgate.dev/proto/catalog/v1"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/studio/internal/live"
	"filmgate.dev/services/studio/internal/page"
	"filmgate.dev/services/studio/internal/session"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
)

// Config is what can be set; the zero value is a studio on this machine, without TLS.
type Config struct {
	URL     string   `env:"FILMGATE_STUDIO_URL" help:"address that browsers use, such as https://studio.example.org; https makes cookies secure"`
	Proxies []string `env:"FILMGATE_STUDIO_PROXIES" help:"networks of proxies that are believed about X-Forwarded-For, such as 10.0.0.0/8"`
}

// EdgeCard is how photographers reach the SFTP server.
type EdgeCard = page.EdgeCard

// Deps are the other services, dialled. The connections carry no token of their own: studio asks in people's names.
type Deps struct {
	Identity jobsv1.IdentityServiceClient
	Jobs     jobsv1.JobServiceClient
	Users    jobsv1.UserServiceClient
	Accounts jobsv1.AccountServiceClient
	Audit    jobsv1.AuditServiceClient
	Bans     jobsv1.BanServiceClient
	Catalog  catalogv1.CatalogServiceClient
	EdgeCard EdgeCard
	NATS     *nats.Conn
	Bucket   *objects.Bucket
	Log      *slog.Logger
	Metrics  prometheus.Registerer // nil: nobody asks
}

// Service is a running studio.
type Service struct {
	live    *live.Hub
	handler http.Handler
}

// New makes a Service. Its peers need not be there yet.
func New(cfg Config, deps Deps) (*Service, error) {
	var proxies []netip.Prefix
	for _, text := range cfg.Proxies {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fault.New(fault.Invalid, "FILMGATE_STUDIO_PROXIES: %q is not a network; say for example 10.0.0.0/8", text)
		}
		proxies = append(proxies, prefix)
	}
	tls := strings.HasPrefix(cfg.URL, "https://")
	hub := live.New(deps.NATS, live.DefaultEvery, deps.Log)
	pages, err := page.New(page.Config{
		Jobs: deps.Jobs, Users: deps.Users, Accounts: deps.Accounts, Audit: deps.Audit, Bans: deps.Bans, Catalog: deps.Catalog,
		Bucket: deps.Bucket, Sessions: session.New(deps.Identity, tls, deps.Log), Live: hub,
		Edge: deps.EdgeCard, Proxies: proxies, TLS: tls, Log: deps.Log,
	})
	if err != nil {
		return nil, err
	}
	var ready serve.Readiness
	ready.Add("nats", func(context.Context) error {
		if !deps.NATS.IsConnected() {
			return errors.New("not connected")
		}
		return nil
	})
	mux := http.NewServeMux()
	events.Measure(deps.NATS, deps.Metrics)
	mux.Handle("/", counted(deps.Metrics, pages.Handler()))
	ready.Register(mux)
	return &Service{live: hub, handler: mux}, nil
}

// Handler answers browsers, and /healthz and /readyz.
func (s *Service) Handler() http.Handler { return s.handler }

// Run keeps live updates going until ctx ends; then every open stream ends, so that the HTTP server can stop at once.
func (s *Service) Run(ctx context.Context) error {
	<-ctx.Done()
	s.live.Close()
	return nil
}
