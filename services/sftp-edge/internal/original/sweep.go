package original

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
	"filmgate.dev/pkg/telemetry"
)

// Sweeper ends the uploads whose edge has died: it finishes those that their clients had closed, and gives up those that
// nobody has come back for. It decides by upload id.
type Sweeper struct {
	Store   Store
	Files   *files.Log
	Log     *slog.Logger
	Running func() []*Original    // uploads of this edge, whose leases are renewed
	Metrics prometheus.Registerer // may be nil
	Traces  trace.TracerProvider  // may be nil

	counted   *prometheus.CounterVec // by Run
	recovered prometheus.Counter
	lapsed    map[string]uint64 // revisions, by upload, that the last sweep found without a lease
}

// perRecord bounds what one record may take of a sweep, so that a bucket that hangs does not hold up all others.
const perRecord = 30 * time.Second

// Run renews three times in a lease, and sweeps once, until ctx ends: each in its own time, because a sweep that waits for
// the bucket must not cost running uploads their leases.
func (s *Sweeper) Run(ctx context.Context) {
	s.counted = telemetry.Counter(s.Metrics, "filmgate_sweep_ended_total", "Uploads left behind that the sweep ended: landed, undone, left, broken_off, given_up, expired.", "how")
	for _, how := range []string{"landed", "undone", "left", "broken_off", "given_up", "expired"} { // so that the first is a rise
		s.counted.WithLabelValues(how)
	}
	s.recovered = telemetry.Counter(s.Metrics, "filmgate_sweep_recovered_total", "Uploads that landed only by the sweep, because their edge died between its client's CLOSE and the answer.").WithLabelValues()
	var work sync.WaitGroup
	defer work.Wait()
	work.Go(func() { every(ctx, s.Store.Lease/3, s.renew) })
	s.sweep(ctx)
	every(ctx, s.Store.Lease, s.sweep)
}

func every(ctx context.Context, interval time.Duration, do func(context.Context)) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			do(ctx)
		}
	}
}

func (s *Sweeper) sweep(ctx context.Context) {
	if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
		s.Log.Warn("the sweep of uploads left behind failed", "err", err)
	}
}

// Sweep goes through the records once. It ends only those that it has seen before as they are, with their lease over: after an
// outage in which no edge could renew, all of them have a lease's time to say that they live.
func (s *Sweeper) Sweep(ctx context.Context) error {
	s.renew(ctx)
	records, err := s.Store.Uploads.All(ctx)
	if err != nil {
		return err
	}
	lapsed := make(map[string]uint64)
	for _, r := range records {
		now := time.Now()
		if r.Held(now) {
			continue
		}
		expired := !r.Expires.IsZero() && now.After(r.Expires)
		if !expired && s.lapsed[r.Upload] != r.Revision {
			lapsed[r.Upload] = r.Revision
			continue
		}
		s.end(ctx, r, expired)
	}
	s.lapsed = lapsed
	return ctx.Err()
}

// end does with one record what its state asks for.
func (s *Sweeper) end(ctx context.Context, r files.Record, expired bool) {
	ctx, cancel := context.WithTimeout(ctx, perRecord)
	defer cancel()
	var what string
	var err error
	switch {
	case expired:
		what, err = "expired", s.Store.GiveUp(ctx, r)
	case r.State == files.UploadCompleting && r.Entry != nil:
		what, err = s.finish(ctx, r)
	case r.Bytes == 0:
		what, err = "given up", s.Store.GiveUp(ctx, r)
	default:
		return // its client may come back
	}
	switch {
	case fault.Is(err, fault.Conflict): // somebody else has it
	case err != nil:
		s.Log.Warn("an upload left behind could not be ended", "upload", r.Upload, "state", string(r.State), "err", err)
	default:
		s.ended(what)
		s.Log.Info("an upload left behind was ended", "upload", r.Upload, "job", r.JobName, "how", what, "started", r.Started)
	}
}

// ended counts what became of a record.
func (s *Sweeper) ended(how string) {
	if s.counted == nil { // swept by hand
		return
	}
	s.counted.WithLabelValues(strings.ReplaceAll(how, " ", "_")).Inc()
	if how == "landed" {
		s.recovered.Inc()
	}
}

// take makes the record its caller's own for a while.
func (s Store) take(ctx context.Context, r files.Record) (files.Record, error) {
	r.Lease, r.Holder = time.Now().Add(s.Lease), ulid.Make().String()
	return s.Uploads.Put(ctx, r)
}

// GiveUp takes the lease with a record that promises nothing any more, removes what the upload has in the bucket, and deletes the record last: a crash in between is only
// done again. It never touches a whole object: one that landed has no parts any more.
func (s Store) GiveUp(ctx context.Context, r files.Record) error {
	worthless(&r)
	r, err := s.take(ctx, r)
	if err != nil {
		return err
	}
	return s.remove(ctx, r)
}

func (s Store) remove(ctx context.Context, r files.Record) error {
	if r.MultipartID != "" {
		if err := s.Bucket.ResumeMultipart(r.ObjectKey, r.MultipartID).Abort(ctx); err != nil {
			return err
		}
	}
	if err := s.removeTail(ctx, r.Upload); err != nil {
		return err
	}
	return s.Uploads.Delete(ctx, r)
}

// finish does what the edge was about to do when it died: the client had sent everything and closed the file, and waits for
// an answer that never came. Each step may have been done already.
func (s *Sweeper) finish(ctx context.Context, r files.Record) (how string, err error) {
	if r, err = s.Store.take(ctx, r); err != nil {
		return "", err
	}
	whole, mine, err := s.complete(ctx, r)
	if err != nil {
		return "", err
	}
	if !whole { // the object never came to be: what is stored can still be resumed
		r.State, r.Entry, r.Lease = files.UploadPartial, nil, time.Time{}
		_, err := s.Store.Uploads.Put(ctx, r)
		return "broken off", err
	}
	land := s.Files.Land
	if r.Entry.State == files.StateStaged {
		land = s.Files.Stage
	}
	// It belongs to the upload's own story, whose teller has died.
	ctx, span := telemetry.Tracer(s.Traces).Start(telemetry.WithTraceParent(ctx, r.Entry.TraceParent), "recover")
	landed, err := land(ctx, files.Landing{Entry: *r.Entry, Exclusive: r.Exclusive})
	telemetry.End(span, err)
	switch {
	case fault.Is(err, fault.Unavailable), fault.Is(err, fault.Internal):
		return "", err
	case landed.Unnamed && mine: // another file is there, and nobody was promised this one
		if err := s.Store.Bucket.Delete(ctx, r.ObjectKey); err != nil {
			return "", err
		}
		return "undone", s.Store.remove(ctx, r)
	case landed.Unnamed: // but it may have landed before, and been moved since: the object stays
		return "left", s.Store.remove(ctx, r)
	case err != nil:
		return "", err
	}
	return "landed", s.Store.remove(ctx, r)
}

// complete answers whether the whole object is there, after trying to make it; mine, that it was not there before, so that
// nothing can name it yet.
func (s *Sweeper) complete(ctx context.Context, r files.Record) (whole, mine bool, err error) {
	sum, err := strconv.ParseUint(r.Entry.CRC32C, 16, 32)
	if err != nil {
		return false, false, err
	}
	if r.MultipartID != "" {
		parts := s.Store.Bucket.ResumeMultipart(r.ObjectKey, r.MultipartID)
		_, gone := parts.Parts(ctx)
		err := parts.Complete(ctx, uint32(sum))
		if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Invalid) {
			return false, false, nil
		}
		return err == nil, gone == nil, err
	}
	info, err := s.Store.Bucket.Stat(ctx, r.ObjectKey)
	if fault.Is(err, fault.NotFound) {
		return false, false, nil
	}
	return err == nil && info.Size == r.Entry.Bytes && (!info.HasCRC32C || info.CRC32C == uint32(sum)), false, err
}

func (s *Sweeper) renew(ctx context.Context) {
	for _, o := range s.Running() {
		if err := o.Renew(ctx); err != nil && ctx.Err() == nil {
			s.Log.Warn("the record of an upload could not be renewed", "object", o.key, "err", err)
		}
	}
}
