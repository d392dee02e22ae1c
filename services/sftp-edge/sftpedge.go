// Package sftpedge is the door that photographers' programs knock at: it takes their files over SFTP, makes them durable in
// the bucket, and makes them appear in the files log.
//
// It keeps nothing on its own disk. A client is told OK only when the bytes are in the bucket and the entry is in the log.
package sftpedge

import (
	"context"
	"log/slog"
	"net"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/crypto/ssh"
	"golang.org/x/sync/errgroup"

	"filmgate.dev/pkg/env"
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
	Extensions         []string      `env:"FILMGATE_EXTENSIONS" default:".jpg,.jpeg,.png" help:"files that are accepted"`
	Memory             env.Bytes     `env:"FILMGATE_SFTP_MEMORY" default:"512MiB" help:"memory for the bytes of all running transfers; at least 64MiB"`
	MaxConnections     int           `env:"FILMGATE_SFTP_MAX_CONNECTIONS" default:"512" help:"connections at once"`
	MaxUnauthenticated int           `env:"FILMGATE_SFTP_MAX_UNAUTHENTICATED" default:"64" help:"connections at once that have not logged in yet"`
	MaxPerUser         int           `env:"FILMGATE_SFTP_MAX_PER_USER" default:"20" help:"connections of one user at once"`
	MaxHandles         int           `env:"FILMGATE_SFTP_MAX_HANDLES" default:"128" help:"open files and folders of one session at once"`
	MaxUploads         int           `env:"FILMGATE_SFTP_MAX_UPLOADS_PER_USER" default:"128" help:"files that one user uploads at once, over all connections"`
	Requests           int           `env:"FILMGATE_SFTP_REQUESTS" default:"500" help:"requests of one user in a second, not counting reads and writes; beyond it they wait"`
	MaxNames           int           `env:"FILMGATE_MAX_NAMES_PER_FOLDER" default:"10000" help:"files in one folder"`
	MaxFolders         int           `env:"FILMGATE_MAX_FOLDERS_PER_JOB" default:"2000" help:"albums in one job"`
	Quota              env.Bytes     `env:"FILMGATE_JOB_QUOTA" default:"0" help:"what the files of one job may hold; 0 is without limit"`
	QuotaFiles         int           `env:"FILMGATE_JOB_QUOTA_FILES" default:"0" help:"files in one job; 0 is without limit"`
	AuditOpens         bool          `env:"FILMGATE_AUDIT_OPENS" default:"false" help:"also the beginning of each upload is an event of the audit, not only its end"`
	LoginWithin        time.Duration `env:"FILMGATE_SFTP_LOGIN_WITHIN" default:"20s" help:"how long a connection has to log in"`
	Idle               time.Duration `env:"FILMGATE_SFTP_IDLE" default:"2m" help:"a connection that answers nothing for so long is dead"`
	Drain              time.Duration `env:"FILMGATE_SFTP_DRAIN" default:"8s" help:"how long running uploads may go on when the edge is stopped"`
	Lease              time.Duration `env:"FILMGATE_SFTP_LEASE" default:"30s" help:"how long an upload stays with its edge without a sign of life; then another one may go on with it. Longer than clocks differ"`
	Partials           time.Duration `env:"FILMGATE_SFTP_PARTIALS" default:"168h" help:"how long an upload that broke off can be resumed"`
	Store              time.Duration `env:"FILMGATE_SFTP_STORE" default:"60s" help:"how long a CLOSE waits for the bucket"`
	Commit             time.Duration `env:"FILMGATE_SFTP_COMMIT" default:"15s" help:"how long a CLOSE or another change waits for the files log"`
	LastAnswer         time.Duration `env:"FILMGATE_JOBS_LAST_ANSWER" default:"30s" help:"how long the last word on a job serves while job-status is away"`
	Frozen             time.Duration `env:"FILMGATE_JOBS_FROZEN" default:"15m" help:"how long job-status is believed while its database is away"`
	Grace              time.Duration `env:"FILMGATE_LATE_GRACE" default:"5m" help:"how long a begun upload may be tidied up after its job stopped taking uploads"`
}

func (c Config) defaults() Config {
	fill(&c.Memory, 512<<20)
	fill(&c.MaxConnections, 512)
	fill(&c.MaxUnauthenticated, 64)
	fill(&c.MaxPerUser, 20)
	fill(&c.MaxHandles, 128)
	fill(&c.MaxUploads, 128)
	fill(&c.Requests, 500)
	fill(&c.MaxNames, 10_000)
	fill(&c.MaxFolders, 2000)
	fill(&c.LoginWithin, 20*time.Second)
	fill(&c.Idle, 2*time.Minute)
	fill(&c.Drain, 8*time.Second)
	fill(&c.Lease, 30*time.Second)
	fill(&c.Partials, 7*24*time.Hour)
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
	case cfg.Memory < 64<<20:
		return nil, fault.New(fault.Invalid, "FILMGATE_SFTP_MEMORY is %s; an edge needs at least 64MiB", cfg.Memory)
	case max(cfg.MaxNames, cfg.MaxFolders) > files.Listable/2:
		return nil, fault.New(fault.Invalid, "FILMGATE_MAX_NAMES_PER_FOLDER and FILMGATE_MAX_FOLDERS_PER_JOB must be at most %d, so that folders can be listed", files.Listable/2)
	case min(cfg.MaxUploads, cfg.Requests, cfg.MaxNames, cfg.MaxFolders) < 1 || cfg.QuotaFiles < 0:
		return nil, fault.New(fault.Invalid, "FILMGATE_SFTP_MAX_UPLOADS_PER_USER, FILMGATE_SFTP_REQUESTS, FILMGATE_MAX_NAMES_PER_FOLDER and FILMGATE_MAX_FOLDERS_PER_JOB must be at least 1")
	}
	measures := upload.Config{}.Defaults()
	transfers := sftpd.NewTransfers()
	originals := original.Store{Bucket: deps.Bucket, Uploads: deps.Files.Uploads(), Part: measures.Part, Lease: cfg.Lease, Keep: cfg.Partials}
	recorder := audit.New(deps.Audit, deps.Log)
	watcher := jobs.NewWatcher(deps.Jobs, jobs.Config{Serve: cfg.LastAnswer, Frozen: cfg.Frozen, Grace: cfg.Grace}, deps.Log)
	s := &Service{
		deps:    deps,
		audit:   recorder,
		sweeper: &original.Sweeper{Store: originals, Files: deps.Files, Log: deps.Log, Running: transfers.Originals},
		teller:  &progress.Teller{Conn: deps.NATS, Uploads: transfers.Progress, Log: deps.Log},
	}
	s.server = &sftpd.Server{
		Config: sftpd.Config{
			MaxConnections: cfg.MaxConnections, MaxUnauthenticated: cfg.MaxUnauthenticated, MaxPerUser: cfg.MaxPerUser,
			MaxChannels: maxChannels, MaxHandles: cfg.MaxHandles, MaxUploads: cfg.MaxUploads, Requests: cfg.Requests,
			AuditOpens: cfg.AuditOpens, LoginWithin: cfg.LoginWithin, Idle: cfg.Idle,
			Drain: cfg.Drain, Settle: settle, Store: cfg.Store, Commit: cfg.Commit, Upload: measures,
		},
		Door:      login.NewDoor(deps.HostKeys, deps.Jobs, cfg.MaxUnauthenticated/2, deps.Log),
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
