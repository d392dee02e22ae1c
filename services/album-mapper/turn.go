package albummapper

import (
	"context"
	"strings"
	"time"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/outbox"
	"filmgate.dev/pkg/sqldb"
	"filmgate.dev/pkg/telemetry"

	"filmgate.dev/services/album-mapper/internal/album"
	"filmgate.dev/services/album-mapper/internal/hint"
	"filmgate.dev/services/album-mapper/internal/photo"
	"filmgate.dev/services/album-mapper/internal/store"
)

// turn is one transaction's view of the catalog: what it has read, and what it will have said if it commits.
type turn struct {
	store.Rows
	tx           sqldb.Tx
	now          time.Time
	installation string
	bucket       string
	studio       string

	jobs    map[string]store.Job
	folders map[string]album.Folder
	hints   hint.Changes
	stale   int    // entries that were known, or older than what is
	news    []told // what is said, to be counted when it is committed
}

func (s *Service) newTurn(tx sqldb.Tx) *turn {
	return &turn{
		Rows: store.In(tx), tx: tx, now: s.now(), installation: s.deps.Installation, bucket: s.bucket, studio: strings.TrimSuffix(s.config.StudioURL, "/"),
		jobs: map[string]store.Job{}, folders: map[string]album.Folder{}, hints: hint.Changes{},
	}
}

// job answers the job of an entry. Where job-status has not told of it yet, the entry's own word must do.
func (t *turn) job(ctx context.Context, e files.Entry) (events.Job, error) {
	if known, ok := t.jobs[e.Job.ID]; ok {
		return known.Job, nil
	}
	known, ok, err := t.Job(ctx, e.Job.ID)
	if err != nil {
		return events.Job{}, err
	}
	if !ok || known.Account != e.Job.Account {
		known.Job = events.Job{ID: e.Job.ID, InternalName: e.JobName, Name: e.JobName, Status: "PLANNING"}
	}
	t.jobs[e.Job.ID] = known
	return known.Job, nil
}

// folder answers a folder that an entry stands in. The folder's own entry may still be to come.
func (t *turn) folder(ctx context.Context, id string) (album.Folder, error) {
	if known, ok := t.folders[id]; ok {
		return known, nil
	}
	known, ok, err := t.Folder(ctx, id)
	switch {
	case err != nil:
		return album.Folder{}, err
	case !ok:
		return album.Folder{}, fault.New(fault.NotFound, "folder %s is not known yet", id)
	}
	t.folders[id] = known
	return known, nil
}

func (t *turn) putFolder(ctx context.Context, f album.Folder) error {
	t.folders[f.ID] = f
	t.hints.Album(f.Account, f.JobID, f.Album())
	return t.PutFolder(ctx, f)
}

func (t *turn) putPhoto(ctx context.Context, p *photo.Photo) error {
	in, err := t.folder(ctx, p.Entry.Parent)
	if err != nil {
		return err
	}
	t.hints.Photo(p.Entry.Job.Account, p.Entry.Job.ID, in.Album(), p.ID())
	return t.PutPhoto(ctx, p)
}

// say puts an event into the outbox.
func (t *turn) say(ctx context.Context, m message) error {
	env, err := events.NewEnvelope(t.installation, m.kind, m.account, m.key, m.version, m.at, m.data)
	if err != nil {
		return err
	}
	if m.sequence > 0 {
		env.Sequence = sequence(m.sequence)
	}
	env.TraceParent = telemetry.Within(ctx, m.trace)
	t.news = append(t.news, told{m.kind, m.took})
	subject, err := m.subject()
	if err != nil {
		return err
	}
	return outbox.Add(ctx, t.tx, subject, env)
}
