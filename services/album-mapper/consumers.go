package albummapper

import (
	"context"
	"time"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/fault"
	"filmgate.dev/pkg/files"
)

type consumer struct {
	config events.ConsumerConfig
	handle events.Handler
}

// Durables are the service's places in the streams. `filmgate provision` makes them; where it did not, the service does.
func Durables() []events.ConsumerConfig {
	durable := func(stream, name string, filter ...string) events.ConsumerConfig {
		return events.ConsumerConfig{
			Stream: stream, Durable: name, FilterSubjects: filter,
			AckWait: 30 * time.Second, MaxAckPending: 256, Attempts: 10, MaxDeliver: 15,
		}
	}
	return []events.ConsumerConfig{
		durable(files.Stream, mapperDurable),
		durable(events.StreamWork, "mapper-done", events.AllDone),
		durable(events.StreamPhotos, "mapper-jobs",
			events.PhotosFilter(events.TypeJobCreated), events.PhotosFilter(events.TypeJobStatusChanged),
			events.PhotosFilter(events.TypeJobLocked), events.PhotosFilter(events.TypeJobRenamed)),
	}
}

// consumers are what the service listens to.
func (s *Service) consumers() []consumer {
	handlers := []events.Handler{
		s.hearEntry,
		events.ByType{
			events.TypePhotoProcessed: events.Handle(s.hearProcessed),
			events.TypePhotoRejected:  events.Handle(s.hearRejected),
		}.Handle,
		events.Handle(s.hearJob),
	}
	steps := []string{"map", "ingested", "job"} // as the spans are called
	var all []consumer
	for i, durable := range Durables() {
		durable.Concurrency, durable.Log = s.config.Concurrency, s.deps.Log
		durable.Metrics, durable.Traces, durable.Step = s.deps.Metrics, s.deps.Traces, steps[i]
		all = append(all, consumer{durable, handlers[i]})
	}
	return all
}

// hearEntry hears what stands at one path now.
func (s *Service) hearEntry(ctx context.Context, msg events.Message) error {
	e, err := files.Decode(msg.Subject, msg.Data, msg.Sequence)
	if err != nil {
		return err
	}
	return s.takeInFolder(ctx, e)
}

// takeInFolder takes an entry, and its folder before it where that is not known: after a rename the folder's entry stands
// behind those of what it holds, and behind more of these than may wait for it at once.
func (s *Service) takeInFolder(ctx context.Context, e files.Entry) error {
	err := s.take(ctx, e)
	if !fault.Is(err, fault.NotFound) || e.Parent == files.Root {
		return err
	}
	folder, err := s.deps.Files.FolderByID(ctx, e.Job, e.Parent)
	if fault.Is(err, fault.NotFound) && e.Gone() {
		return s.commit(ctx, func(ctx context.Context, t *turn) error {
			epoch, err := s.epoch(ctx)
			if err != nil {
				return err
			}
			return t.orphanHeard(ctx, e, epoch)
		})
	}
	if err != nil {
		return err
	}
	if e.Folder() && folder.Kind != files.KindAlbum {
		return fault.New(fault.Invalid, "the folder at %s stands in one that is no album", e.Subject)
	}
	if err := s.takeInFolder(ctx, folder); err != nil {
		return err
	}
	return s.take(ctx, e)
}

// take puts an entry into the catalog.
func (s *Service) take(ctx context.Context, e files.Entry) error {
	if err := checkEntry(e); err != nil {
		return err
	}
	epoch, err := s.epoch(ctx)
	if err != nil {
		return err
	}
	return s.commit(ctx, func(ctx context.Context, t *turn) error { return t.entryHeard(ctx, e, epoch) })
}

func (s *Service) hearProcessed(ctx context.Context, _ events.Envelope, result events.PhotoProcessed) error {
	return s.commit(ctx, func(ctx context.Context, t *turn) error { return t.photoProcessed(ctx, result) })
}

func (s *Service) hearRejected(ctx context.Context, _ events.Envelope, rejection events.PhotoRejected) error {
	return s.commit(ctx, func(ctx context.Context, t *turn) error { return t.photoRejected(ctx, rejection) })
}

func (s *Service) hearJob(ctx context.Context, env events.Envelope, change events.JobChanged) error {
	return s.commit(ctx, func(ctx context.Context, t *turn) error { return t.jobChanged(ctx, env.Account, change) })
}
