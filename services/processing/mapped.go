package processing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/objects"
	"filmgate.dev/services/processing/internal/engine"
	"filmgate.dev/services/processing/internal/picture"
	"filmgate.dev/services/processing/internal/queue"
)

const (
	streamWork = "WORK"
	ackWait    = time.Minute
	// maxPending is of all replicas, with the retries that wait.
	maxPending = 1024
	// attempts is how often a photo is tried when the reason for failing may lie outside of its file.
	attempts = 5
	// patience bounds one photo: so many times its estimated cost, but never less than leastPatience, and twice as much
	// with each delivery. A machine that is slow or busy gets there; giving up early would only add to its work.
	patience      = 10
	leastPatience = 30 * time.Second
	// bucketPatience bounds what is asked of the bucket, with the wait for memory.
	bucketPatience = 2 * time.Minute
)

// photoMapped answers one photo.mapped with photo.processed or photo.rejected.
func (s *Service) photoMapped(ctx context.Context, msg events.Message) error {
	_, photo, err := events.Open[events.PhotoMapped](msg.Data)
	if err != nil {
		return err
	}
	began := time.Now()
	log := s.Log.With("account", photo.Account, "job", photo.JobID, "photo", photo.PhotoID, "version", photo.Version, "attempt", photo.Attempt)
	processed, err := s.make(ctx, photo, msg.Delivered)
	rejection := new(picture.Rejection)
	switch {
	case err == nil:
		if err := s.say(ctx, photo, events.TypePhotoProcessed, processed); err != nil {
			return err
		}
		s.counts.made(processed, began)
		log.InfoContext(ctx, "photo processed", "engine", s.engine.Name(), "width", processed.Image.Width, "height", processed.Image.Height, "duration", time.Since(began))
		return nil
	case errors.As(err, &rejection):
	case msg.Delivered < attempts || fault.Is(err, fault.Unavailable):
		s.counts.pictures.WithLabelValues(resultAgain).Inc()
		return err
	default:
		rejection = lastWord(err)
	}
	s.counts.pictures.WithLabelValues(string(rejection.Code)).Inc()
	log.InfoContext(ctx, "photo rejected", "code", rejection.Code, "cause", err)
	return s.say(ctx, photo, events.TypePhotoRejected, events.PhotoRejected{
		Account: photo.Account, JobID: photo.JobID, PhotoID: photo.PhotoID, Version: photo.Version, Attempt: photo.Attempt,
		Reason: events.Reason{Code: string(rejection.Code), Message: rejection.Message},
	})
}

// lastWord is what a person is told after the last attempt, so that no photo stays in processing for ever.
func lastWord(err error) *picture.Rejection {
	switch {
	case fault.Is(err, fault.NotFound):
		return &picture.Rejection{Code: picture.CodeLost, Message: "The file of this photo is no longer in the photo store. Upload it again.", Cause: err}
	case errors.Is(err, errAltered):
		return &picture.Rejection{Code: picture.CodeAltered, Message: "The photo store holds other bytes than were received for this photo. Upload it again.", Cause: err}
	}
	return &picture.Rejection{Code: picture.CodeFailed, Message: "No pictures could be made of this photo, though nothing is known to be wrong with it. Retry it later; if that fails, export it again and upload it.", Cause: err}
}

// make reads a photo and makes all there is to make of it. A *picture.Rejection is final; other errors are worth a retry.
func (s *Service) make(ctx context.Context, photo events.PhotoMapped, delivered int) (events.PhotoProcessed, error) {
	// A bucket that stalls must not hold a worker for ever. Slow ones get a second for each megabyte.
	fetching, cancel := context.WithTimeout(ctx, bucketPatience+time.Duration(photo.Bytes>>20)*time.Second)
	defer cancel()
	var (
		o           *original
		src         []byte
		release     = func() {}
		done        func()
		result      engine.Result
		derivatives []events.Derivative
	)
	err := s.counts.step(fetching, "fetch", func(ctx context.Context) (err error) {
		o, src, release, err = s.fetch(ctx, photo)
		return err
	})
	defer func() { release() }()
	if err != nil {
		return events.PhotoProcessed{}, err
	}
	estimate := s.engine.Estimate(o.info)
	err = s.counts.step(ctx, "wait", func(ctx context.Context) (err error) {
		done, err = s.cores.Acquire(ctx, queue.Request{Weight: 1, Cost: estimate.CPU, Heavy: estimate.Heavy})
		return err
	})
	if err != nil {
		return events.PhotoProcessed{}, fault.Wrap(err, fault.Unavailable, "no worker was free for this photo in time")
	}
	err = s.counts.step(ctx, "make", func(ctx context.Context) (err error) {
		defer done()
		result, err = s.process(ctx, src, o.info, jobOf(photo), s.patience(estimate, delivered))
		return err
	})
	if err != nil {
		return events.PhotoProcessed{}, err
	}
	err = s.counts.step(ctx, "store", func(ctx context.Context) (err error) {
		derivatives, err = s.put(ctx, photo, result.Derivatives)
		return err
	})
	if err != nil {
		return events.PhotoProcessed{}, err
	}
	return events.PhotoProcessed{
		Account: photo.Account, JobID: photo.JobID, PhotoID: photo.PhotoID, Version: photo.Version, Attempt: photo.Attempt,
		MediaType: string(o.info.Format), Image: result.Image, EXIF: result.EXIF,
		Codes: texts(result.Codes), FoundCodes: result.Codes, UnreadCard: result.UnreadCard, Warnings: append(o.warnings, result.Warnings...), Derivatives: derivatives, Integrity: result.Integrity,
	}, nil
}

// fetch answers a photo's file, whole and verified, once there is memory for what is made of it; release gives that back,
// also after an error.
func (s *Service) fetch(ctx context.Context, photo events.PhotoMapped) (o *original, src []byte, release func(), err error) {
	release = func() {}
	if o, err = s.open(ctx, photo); err != nil {
		return nil, nil, release, err
	}
	defer o.close()
	estimate := s.engine.Estimate(o.info)
	if estimate.Memory > s.whole { // the kernel would end this process over it, again and again
		return nil, nil, release, tooMuch(estimate.Memory, s.whole)
	}
	need := min(estimate.Memory, s.memory) // what is larger than all there is works alone
	release, err = s.budget.Acquire(ctx, queue.Request{Weight: need, Cost: estimate.CPU})
	if err != nil {
		return nil, nil, func() {}, fault.Wrap(err, fault.Unavailable, "no memory was free for this photo in time")
	}
	s.counts.used.Add(float64(need))
	free := release
	release = func() {
		s.counts.used.Sub(float64(need))
		free()
	}
	src, err = o.read()
	return o, src, release, err
}

func tooMuch(need, have int64) *picture.Rejection {
	return &picture.Rejection{
		Code:    picture.CodeTooLarge,
		Message: fmt.Sprintf("Opening this photo takes %d MB of memory, and there are %d here. Export it smaller, as a JPEG in RGB, and upload it again.", need>>20, have>>20),
	}
}

// process runs the engine, but not for ever.
func (s *Service) process(ctx context.Context, src []byte, info picture.Info, job engine.Job, most time.Duration) (engine.Result, error) {
	bounded, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	result, err := s.engine.Process(bounded, src, info, job)
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		return result, fault.Wrap(err, fault.Internal, "a photo took longer than %s", most)
	}
	return result, err
}

// jobOf answers what is made of a photo. Cards are held in front of the photos of individuals only.
func jobOf(photo events.PhotoMapped) engine.Job {
	job := engine.Standard()
	job.Codes = photo.Section == events.SectionIndividuals
	return job
}

// texts answers what the codes say, each once.
func texts(found []events.FoundCode) []string {
	all := []string{}
	for _, code := range found {
		if !slices.Contains(all, code.Text) {
			all = append(all, code.Text)
		}
	}
	return all
}

// patient answers how long a photo may take.
func patient(e engine.Estimate, delivered int) time.Duration {
	return max(leastPatience, patience*e.CPU) << min(max(delivered-1, 0), attempts)
}

// put stores derivatives side by side. They are answered only when all are durable.
func (s *Service) put(ctx context.Context, photo events.PhotoMapped, made []engine.Derivative) ([]events.Derivative, error) {
	ctx, cancel := context.WithTimeout(ctx, bucketPatience)
	defer cancel()
	stored := make([]events.Derivative, len(made))
	group, ctx := errgroup.WithContext(ctx)
	for i, d := range made {
		key, err := objects.DerivativeKey(photo.Account, photo.JobID, photo.PhotoID, photo.Version, d.Name)
		if err != nil {
			return nil, errors.Join(err, group.Wait())
		}
		stored[i] = events.Derivative{
			Name: d.Name, Width: d.Width, Height: d.Height, MediaType: "image/jpeg", Bytes: int64(len(d.JPEG)),
			Object: events.Object{Bucket: s.Bucket.Name(), Key: key},
		}
		group.Go(func() error {
			return s.Bucket.Put(ctx, key, d.JPEG, objects.PutOptions{ContentType: "image/jpeg"})
		})
	}
	return stored, group.Wait()
}

// say answers on WORK. The id is made of photo, version and attempt: a redelivery repeats it, a retry by a person does not.
func (s *Service) say(ctx context.Context, photo events.PhotoMapped, t events.Type, data any) error {
	subject, err := events.WorkSubject(photo.Account, photo.JobID, events.WorkDone)
	if err != nil {
		return err
	}
	version := fmt.Sprintf("%s:%d", photo.Version, photo.Attempt)
	env, err := events.NewEnvelope(s.Installation, t, photo.Account, photo.PhotoID, version, time.Now(), data)
	if err != nil {
		return err
	}
	return events.Publish(ctx, s.js, subject, env)
}
