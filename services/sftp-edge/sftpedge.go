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
)

// Config is the edge's settings. A zero field means its default.
type Config struct {
	Extensions         []string      `env:"FILMGATE_EXTENSIONS" default:".jpg,.jpeg,.png" help:"files that are accepted"`
	Memory             env.Bytes     `env:"FILMGATE_SFTP_MEMORY" default:"512MiB" help:"memory for the bytes of all running transfers; at least 64MiB"`
	MaxConnections     int           `env:"FILMGATE_SFTP_MAX_CONNECTIONS" default:"512" help:"connections at once"`
	MaxUnauthenticated int           `env:"FILMGATE_SFTP_MAX_UNAUTHENTICATED" default:"64" help:"connections at once that have not logged in yet"`
	MaxPerUser         int           `env:"FILMGATE_SFTP_MAX_PER_USER" default:"20" help:"connections of one user at once"`
	MaxHandles         int           `env:"FILMGATE_SFTP_MAX_HANDLES" default:"128" help:"open files and folders of one session at once"`
	LoginWithin        time.Duration `env:"FILMGATE_SFTP_LOGIN_WITHIN" default:"20s" help:"how long a connection has to log in"`
	Idle               time.Duration `env:"FILMGATE_SFTP_IDLE" default:"2m" help:"a connection that answers nothing for so long is dead"`
	Drain              time.Duration `env:"FILMGATE_SFTP_DRAIN" default:"8s" help:"how long running uploads may go on when the edge is stopped"`
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
	fill(&c.LoginWithin, 20*time.Second)
	fill(&c.Idle, 2*time.Minute)
	fill(&c.Drain, 8*time.Second)
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

// maxChannels is per connection; programs use one.
const maxChannels = 10

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
	}
	measures := upload.Config{}.Defaults()
	transfers := sftpd.NewTransfers()
	recorder := audit.New(deps.Audit, deps.Log)
	watcher := jobs.NewWatcher(deps.Jobs, jobs.Config{Serve: cfg.LastAnswer, Frozen: cfg.Frozen, Grace: cfg.Grace}, deps.Log)
	s := &Service{
		deps:    deps,
		audit:   recorder,
		sweeper: &original.Sweeper{Bucket: deps.Bucket, Files: deps.Files, Log: deps.Log, Running: transfers.Originals},
		teller:  &progress.Teller{Conn: deps.NATS, Uploads: transfers.Progress, Log: deps.Log},
	}
	s.server = &sftpd.Server{
		Config: sftpd.Config{
			MaxConnections: cfg.MaxConnections, MaxUnauthenticated: cfg.MaxUnauthenticated, MaxPerUser: cfg.MaxPerUser,
			MaxChannels: maxChannels, MaxHandles: cfg.MaxHandles, LoginWithin: cfg.LoginWithin, Idle: cfg.Idle,
			Drain: cfg.Drain, Store: cfg.Store, Commit: cfg.Commit, Upload: measures,
		},
		Door:      login.NewDoor(deps.HostKeys, deps.Jobs, cfg.MaxUnauthenticated/2, deps.Log),
		Jobs:      watcher,
		Tree:      tree.Finder{Rules: tree.Rules{Aliases: deps.Aliases, Extensions: cfg.Extensions}, Log: deps.Files},
		Bucket:    deps.Bucket,
		Budget:    upload.NewBudget(int64(cfg.Memory), int(measures.Slab)),
		Transfers: transfers,
		Refused:   func(r sftpd.Refusal) { recorder.Add(event(r)) },
		Log:       deps.Log,
	}
	return s, nil
}

func event(r sftpd.Refusal) *jobsv1.AuditEvent {
	return &jobsv1.AuditEvent{
		Account: r.Account, UserId: r.UserID, UserName: r.User, Action: r.Action, JobId: r.JobID, ClientAddress: r.Client,
		Detail: r.Path + ": " + r.Words,
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
