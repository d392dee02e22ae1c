package original

import (
	"context"
	"log/slog"
	"time"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/objects"
)

// Sweeper aborts the large uploads that their edge has left behind. It decides by upload id, and never touches a whole
// object: one that nobody names is album-mapper's to judge.
type Sweeper struct {
	Bucket  *objects.Bucket
	Files   *files.Log
	Log     *slog.Logger
	Running func() []*Original // uploads of this edge, whose leases are renewed
}

const (
	renewEvery = 30 * time.Second
	sweepEvery = 2 * time.Minute
)

// Run renews and sweeps until ctx ends.
func (s *Sweeper) Run(ctx context.Context) {
	renew, sweep := time.NewTicker(renewEvery), time.NewTicker(sweepEvery)
	defer renew.Stop()
	defer sweep.Stop()
	for {
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.Log.Warn("the sweep of uploads left behind failed", "err", err)
		}
		for swept := false; !swept; {
			select {
			case <-ctx.Done():
				return
			case <-renew.C:
				s.renew(ctx)
			case <-sweep.C:
				swept = true
			}
		}
	}
}

// Sweep goes through the records once. Leases of this edge that an outage let expire are renewed first.
func (s *Sweeper) Sweep(ctx context.Context) error {
	s.renew(ctx)
	records, err := s.Files.Uploads().All(ctx)
	if err != nil {
		return err
	}
	for _, r := range records {
		if r.Expires.IsZero() || time.Since(r.Expires) < 0 {
			continue
		}
		err := s.end(ctx, r)
		if fault.Is(err, fault.Conflict) {
			continue // its edge has renewed it meanwhile, or another one sweeps it
		}
		if err != nil {
			s.Log.Warn("an upload left behind could not be aborted", "upload", r.Upload, "err", err)
			continue
		}
		s.Log.Info("an upload left behind was aborted", "upload", r.Upload, "job", r.JobName, "started", r.Started)
	}
	return ctx.Err()
}

// end takes the lease, aborts the parts, and deletes the record last: a crash in between is only done again. The parts of
// a landed file are no more, so nothing can happen to it.
func (s *Sweeper) end(ctx context.Context, r files.Record) error {
	r.State, r.Expires = files.UploadPartial, time.Now().Add(Lease)
	r, err := s.Files.Uploads().Put(ctx, r)
	if err != nil {
		return err
	}
	if r.MultipartID != "" {
		if err := s.Bucket.ResumeMultipart(r.ObjectKey, r.MultipartID).Abort(ctx); err != nil {
			return err
		}
	}
	return s.Files.Uploads().Delete(ctx, r)
}

func (s *Sweeper) renew(ctx context.Context) {
	for _, o := range s.Running() {
		if err := o.Renew(ctx); err != nil && ctx.Err() == nil {
			s.Log.Warn("the record of an upload could not be renewed", "object", o.key, "err", err)
		}
	}
}
