// Package sftpedge is the door that photographers' programs knock at: it takes their files over SFTP, makes them durable in
// the bucket, and makes them appear in the files log.
//
// It keeps nothing on its own disk. A client is told OK only when the bytes are in the bucket and the entry is in the log.
package sftpedge

import (
	"context"
	"log/slog"
	"net"
	"runtime"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/crypto/ssh"
	"golang.org/x/sync/errgroup"

	"filmgate.dev/pkg/env"
	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/objects"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/sftp-edge/internal/audit"
	"filmgate.dev/services/sftp-edge/internal/jobs"
	"filmgate.dev/services/sftp-edge/internal/login"
	"filmgate.dev/services/sftp-edge/internal/original"
	"filmgate.dev/services/sftp-edge/internal/progress"
	"filmgate.dev/services/sftp-edge/internal/sftpd"
	"filmgate.dev/services/sftp-edge/internal/tree"
	"filmgate.dev/services/sftp-edge/internal/upload"
	"filmgate.dev/services/sftp-edge/internal/usage"
)

// Config is the edge's settings. A zero field means its default.
type Config struct {
	Extensions                   []string      `env:"FILMGATE_EXTENSIONS" default:".jpg,.jpeg,.png" help:"files that are accepted"`
	Memory                       env.Bytes     `env:"FILMGATE_SFTP_MEMORY" help:"memory for the bytes of all running transfers, at least 64MiB; unset: half of what the process may use, 512MiB where it may use all"`
	ProxyFrom                    []string      `env:"FILMGATE_SFTP_PROXY_FROM" help:"networks of the load balancers, such as 10.0.0.0/8, that say in a PROXY protocol header whom a connection comes from; when set, nobody else is served"`
	NISTCurves                   bool          `env:"FILMGATE_SFTP_NIST_CURVES" default:"false" help:"offer ECDSA host keys and ECDH over NIST curves too, for programs and cameras that know no newer ones"`
	MaxConnections               int           `env:"FILMGATE_SFTP_MAX_CONNECTIONS" default:"512" help:"connections at once"`
	MaxPerAddress                int           `env:"FILMGATE_SFTP_MAX_PER_ADDRESS" default:"256" help:"connections at once from one IPv4 address or IPv6 /64"`
	MaxUnauthenticated           string        `env:"FILMGATE_SFTP_MAX_UNAUTHENTICATED" default:"64:30:256" help:"connections at once that have not logged in yet, start:rate:full: from start on, rate percent are turned away and ever more, from full on all"`
	MaxUnauthenticatedPerAddress int           `env:"FILMGATE_SFTP_MAX_UNAUTHENTICATED_PER_ADDRESS" default:"64" help:"of these, from one IPv4 address or IPv6 /64"`
	MaxPerUser                   int           `env:"FILMGATE_SFTP_MAX_PER_USER" default:"20" help:"connections of one user at once"`
	MaxHandles                   int           `env:"FILMGATE_SFTP_MAX_HANDLES" default:"128" help:"open files and folders of one session at once"`
	MaxUploads                   int           `env:"FILMGATE_SFTP_MAX_UPLOADS_PER_USER" default:"128" help:"files that one user uploads at once, over all connections"`
	Requests                     int           `env:"FILMGATE_SFTP_REQUESTS" default:"500" help:"requests of one user in a second, not counting reads and writes; beyond it they wait"`
	MaxNames                     int           `env:"FILMGATE_MAX_NAMES_PER_FOLDER" default:"10000" help:"files in one folder"`
	MaxFolders                   int           `env:"FILMGATE_MAX_FOLDERS_PER_JOB" default:"2000" help:"albums in one job"`
	Quota                        env.Bytes     `env:"FILMGATE_JOB_QUOTA" default:"0" help:"what the files of one job may hold; 0 is without limit"`
	QuotaFiles                   int           `env:"FILMGATE_JOB_QUOTA_FILES" default:"0" help:"files in one job; 0 is without limit"`
	AuditOpens                   bool          `env:"FILMGATE_AUDIT_OPENS" default:"false" help:"also the beginning of each upload is an event of the audit, not only its end"`
	LoginWithin                  time.Duration `env:"FILMGATE_SFTP_LOGIN_WITHIN" default:"20s" help:"how long a connection has to log in"`
	UserBandwidth                env.Bytes     `env:"FILMGATE_SFTP_USER_BANDWIDTH" default:"0" help:"bytes a second that all connections of one user may send, and as many that they may fetch, through this edge; at least 64KiB; 0: no limit"`
	Dead                         time.Duration `env:"FILMGATE_SFTP_DEAD" default:"2m" help:"a connection that answers nothing for so long is dead; it is asked every 30s"`
	Stall                        time.Duration `env:"FILMGATE_SFTP_STALL" default:"60s" help:"a connection that takes nothing of what it is sent for so long is dead"`
	Idle                         time.Duration `env:"FILMGATE_SFTP_IDLE" default:"15m" help:"a connection that asks for nothing for so long is closed, though it lives; with open files, four times as long"`
	Drain                        time.Duration `env:"FILMGATE_SFTP_DRAIN" default:"8s" help:"how long running uploads may go on when the edge is stopped"`
	Lease                        time.Duration `env:"FILMGATE_SFTP_LEASE" default:"30s" help:"how long an upload stays with its edge without a sign of life; then another one may go on with it. Longer than clocks differ"`
	Partials                     time.Duration `env:"FILMGATE_SFTP_PARTIALS" default:"168h" help:"how long an upload that broke off can be resumed"`
	Lanes                        int           `env:"FILMGATE_SFTP_LANES" default:"0" help:"files and parts of files that are on their way to the bucket at once; 0: three per processor, and at least 6"`
	Store                        time.Duration `env:"FILMGATE_SFTP_STORE" default:"60s" help:"how long a CLOSE waits for the bucket"`
	Commit                       time.Duration `env:"FILMGATE_SFTP_COMMIT" default:"15s" help:"how long a CLOSE or another change waits for the files log"`
	LastAnswer                   time.Duration `env:"FILMGATE_JOBS_LAST_ANSWER" default:"30s" help:"how long the last word on a job serves while job-status is away"`
	Frozen                       time.Duration `env:"FILMGATE_JOBS_FROZEN" default:"15m" help:"how long job-status is believed while its database is away"`
	Grace                        time.Duration `env:"FILMGATE_LATE_GRACE" default:"5m" help:"how long a begun upload may be tidied up after its job stopped taking uploads"`
}

func (c Config) defaults() Config {
	fill(&c.Memory, transferMemory())
	fill(&c.MaxConnections, 512)
	fill(&c.MaxPerAddress, 256)
	fill(&c.MaxUnauthenticated, "64:30:256")
	fill(&c.MaxUnauthenticatedPerAddress, 64)
	fill(&c.MaxPerUser, 20)
	fill(&c.MaxHandles, 128)
	fill(&c.MaxUploads, 128)
	fill(&c.Requests, 500)
	fill(&c.MaxNames, 10_000)
	fill(&c.MaxFolders, 2000)
	fill(&c.LoginWithin, 20*time.Second)
	fill(&c.Dead, 2*time.Minute)
	fill(&c.Stall, time.Minute)
	fill(&c.Idle, 15*time.Minute)
	fill(&c.Drain, 8*time.Second)
	fill(&c.Lease, 30*time.Second)
	fill(&c.Partials, 7*24*time.Hour)
	fill(&c.Lanes, max(6, 3*runtime.GOMAXPROCS(0)))
	fill(&c.Store, time.Minute)
	fill(&c.Commit, 15*time.Second)
	return c
}

func fill[T comparable](field *T, fallback T) {
	var zero T
	if *field == zero {
		*field = fallback
	}
}

const (
	// maxChannels is per connection; programs use one.
	maxChannels = 10
	// settle is how long what was broken off by a stop has to become resumable.
	settle = 15 * time.Second
)

// Deps is what the edge works with. The connections behind Jobs and Audit carry the service's token.
type Deps struct {
	Listener net.Listener
	HostKeys []ssh.Signer
	Jobs     jobsv1.EdgeServiceClient
	Audit    jobsv1.AuditServiceClient
	Files    *files.Log
	// Aliases are the section folders' further spellings, the same that Files was opened with; nil means the default ones.
	Aliases files.Aliases
	Bucket  *objects.Bucket
	NATS    *nats.Conn
	Metrics prometheus.Registerer // nil: nobody asks
	Traces  trace.TracerProvider  // nil: nobody looks
	Log     *slog.Logger
}

// Service is a running edge.
type Service struct {
	deps    Deps
	server  *sftpd.Server
	sweeper *original.Sweeper
	teller  *progress.Teller
	audit   *audit.Recorder
}

// New puts the edge together. It connects to nobody yet.
func New(cfg Config, deps Deps) (*Service, error) {
	cfg = cfg.defaults()
	switch {
	case len(deps.HostKeys) == 0:
		return nil, fault.New(fault.Invalid, "the SFTP server needs a host key")
	case cfg.Memory < leastMemory:
		return nil, fault.New(fault.Invalid, "FILMGATE_SFTP_MEMORY is %s; an edge needs at least 64MiB", cfg.Memory)
	case max(cfg.MaxNames, cfg.MaxFolders) > files.Listable/2:
		return nil, fault.New(fault.Invalid, "FILMGATE_MAX_NAMES_PER_FOLDER and FILMGATE_MAX_FOLDERS_PER_JOB must be at most %d, so that folders can be listed", files.Listable/2)
	case cfg.Lanes < 1 || cfg.Lease < time.Second || cfg.Partials < cfg.Lease:
		return nil, fault.New(fault.Invalid, "FILMGATE_SFTP_LANES must not be negative, FILMGATE_SFTP_LEASE at least 1s, and FILMGATE_SFTP_PARTIALS longer than that")
	case min(cfg.MaxUploads, cfg.Requests, cfg.MaxNames, cfg.MaxFolders) < 1 || cfg.QuotaFiles < 0:
		return nil, fault.New(fault.Invalid, "FILMGATE_SFTP_MAX_UPLOADS_PER_USER, FILMGATE_SFTP_REQUESTS, FILMGATE_MAX_NAMES_PER_FOLDER and FILMGATE_MAX_FOLDERS_PER_JOB must be at least 1")
	case cfg.UserBandwidth != 0 && cfg.UserBandwidth < leastBandwidth:
		return nil, fault.New(fault.Invalid, "FILMGATE_SFTP_USER_BANDWIDTH is %s; below 64KiB programs give up", cfg.UserBandwidth)
	}
	balancers, err := parseBalancers(cfg.ProxyFrom)
	if err != nil {
		return nil, err
	}
	startups, err := parseStartups(cfg.MaxUnauthenticated)
	if err != nil {
		return nil, err
	}
	measures := upload.Config{}.Defaults()
	transfers := sftpd.NewTransfers()
	originals := original.Store{Bucket: deps.Bucket, Uploads: deps.Files.Uploads(), Part: measures.Part, Lanes: make(chan struct{}, cfg.Lanes), Lease: cfg.Lease, Keep: cfg.Partials}
	recorder := audit.New(deps.Audit, deps.Log)
	watcher := jobs.NewWatcher(deps.Jobs, jobs.Config{Serve: cfg.LastAnswer, Frozen: cfg.Frozen, Grace: cfg.Grace}, deps.Log)
	events.Measure(deps.NATS, deps.Metrics)
	s := &Service{
		deps:    deps,
		audit:   recorder,
		sweeper: &original.Sweeper{Store: originals, Files: deps.Files, Log: deps.Log, Running: transfers.Originals, Metrics: deps.Metrics, Traces: deps.Traces},
		teller:  &progress.Teller{Conn: deps.NATS, Uploads: transfers.Progress, Log: deps.Log},
	}
	s.server = &sftpd.Server{
		Config: sftpd.Config{
			MaxConnections: cfg.MaxConnections, MaxPerAddress: cfg.MaxPerAddress, Startups: startups,
			MaxUnauthenticatedPerAddress: cfg.MaxUnauthenticatedPerAddress, MaxPerUser: cfg.MaxPerUser,
			MaxChannels: maxChannels, MaxHandles: cfg.MaxHandles, MaxUploads: cfg.MaxUploads, Requests: cfg.Requests,
			AuditOpens: cfg.AuditOpens, LoginWithin: cfg.LoginWithin, Dead: cfg.Dead, Stall: cfg.Stall,
			Idle: cfg.Idle, Bandwidth: int64(cfg.UserBandwidth),
			Drain: cfg.Drain, Settle: settle, Store: cfg.Store, Commit: cfg.Commit, Upload: measures,
		},
		Door:      login.NewDoor(deps.HostKeys, cfg.NISTCurves, deps.Jobs, startups.Start/2, deps.Log),
		Balancers: balancers,
		Metrics:   deps.Metrics,
		Traces:    deps.Traces,
		Jobs:      watcher,
		Tree:      tree.Finder{Rules: tree.Rules{Aliases: deps.Aliases, Extensions: cfg.Extensions}, Log: deps.Files},
		Originals: originals,
		Budget:    upload.NewBudget(int64(cfg.Memory), int(measures.Slab)),
		Transfers: transfers,
		Usage: usage.New(deps.Files, usage.Limits{
			Names: int64(cfg.MaxNames), Folders: int64(cfg.MaxFolders), Bytes: int64(cfg.Quota), Files: int64(cfg.QuotaFiles),
		}),
		Audit: func(e sftpd.Event) { recorder.Add(event(e)) },
		Log:   deps.Log,
	}
	return s, nil
}

func event(e sftpd.Event) *jobsv1.AuditEvent {
	return &jobsv1.AuditEvent{
		Account: e.Account, UserId: e.UserID, UserName: e.User, Action: e.Action, JobId: e.JobID, ClientAddress: e.Client,
		Detail: audit.Detail(e.Path, e.Words),
	}
}

// Run serves until ctx ends, then lets running uploads finish for a while. It answers nil after a clean stop.
func (s *Service) Run(ctx context.Context) error {
	around, stop := context.WithCancel(context.WithoutCancel(ctx)) // ends after the last upload
	var group errgroup.Group
	group.Go(func() error { s.sweeper.Run(around); return nil })
	group.Go(func() error { s.teller.Run(around); return nil })
	group.Go(func() error { s.audit.Run(around); return nil })
	err := s.server.Serve(ctx, s.deps.Listener)
	stop()
	group.Wait() //nolint:errcheck // they answer nil
	return err
}
