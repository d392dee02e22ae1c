// Package rpc answers CatalogService: what people and programs of one account see of its catalog, and what they change.
//
// Whatever is asked for by id is looked up within the caller's account, so another account's id is simply not there.
package rpc

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/sqldb"
	catalogv1 "filmgate.dev/proto/catalog/v1"
	jobsv1 "filmgate.dev/proto/jobs/v1"

	"filmgate.dev/services/album-mapper/internal/album"
	"filmgate.dev/services/album-mapper/internal/photo"
	"filmgate.dev/services/album-mapper/internal/store"
)

// Changes makes the changes that people ask for, and answers when the catalog shows them.
type Changes interface {
	RenameAlbum(ctx context.Context, by files.By, f album.Folder, name string) error
	MovePhoto(ctx context.Context, by files.By, p *photo.Photo, to files.Entry) error
	RemovePhoto(ctx context.Context, by files.By, p *photo.Photo) error
	RestorePhoto(ctx context.Context, by files.By, p *photo.Photo) error
	HidePhoto(ctx context.Context, account, id string, hidden bool) error
	RetryPhoto(ctx context.Context, account, id string) error
}

// Config is what the service answers from.
type Config struct {
	DB       *sqldb.DB
	Changes  Changes
	NATS     *nats.Conn
	Identity jobsv1.IdentityServiceClient
	// Stopped is closed when the process ends: watches must not hold it up.
	Stopped <-chan struct{}
}

// Service is CatalogService.
type Service struct {
	catalogv1.UnimplementedCatalogServiceServer
	Config
	callers callers
}

// New answers the service.
func New(config Config) *Service {
	return &Service{Config: config, callers: callers{identity: config.Identity, known: map[callerKey]knownCaller{}}}
}

// rows reads outside of any transaction.
func (s *Service) rows() store.Rows { return store.In(s.DB) }

// jobAwaited bounds how long a job is waited for that job-status has just made.
const jobAwaited = 2 * time.Second

// job answers a job of the account. One that was made a moment ago may still be on its way here.
func (s *Service) job(ctx context.Context, account, id string) (store.Job, error) {
	if id == "" {
		return store.Job{}, fault.New(fault.Invalid, "say which job: job_id is empty")
	}
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	wait, cancel := context.WithTimeout(ctx, jobAwaited)
	defer cancel()
	for {
		job, known, err := s.rows().Job(ctx, id)
		if err != nil {
			return store.Job{}, err
		}
		if known && job.Account == account {
			return job, nil
		}
		if !known {
			folders, err := s.rows().Folders(ctx, account, id)
			if err != nil {
				return store.Job{}, err
			}
			if len(folders) > 0 {
				return unheard(id, folders[0].JobName), nil
			}
		}
		select {
		case <-tick.C:
		case <-wait.Done():
			return store.Job{}, fault.New(fault.NotFound, "there is no such job")
		}
	}
}

// unheard is a job of which only the files log has told.
func unheard(id, name string) store.Job {
	var job store.Job
	job.ID, job.InternalName, job.Name = id, name, name
	return job
}
