package albummapper

import (
	"context"
	"sync"
	"time"

	"filmgate.dev/pkg/files"

	"filmgate.dev/services/album-mapper/internal/store"
)

const (
	mapperDurable = "mapper"
	// settleEvery is how often is looked whether a photo that lost its path is gone for certain.
	settleEvery = time.Second
	// epochFor is how long the log's epoch is taken for granted.
	epochFor = 10 * time.Second
)

// settling says photo.removed of what lost its path without a message, once nothing can come any more that says where it
// went. Every replica does this; the database sees to it that it is said once.
func (s *Service) settling(ctx context.Context) error {
	tick := time.NewTicker(settleEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := s.settle(ctx); err != nil && ctx.Err() == nil {
			s.deps.Log.WarnContext(ctx, "what lost its path waits to be settled", "error", err)
		}
	}
}

func (s *Service) settle(ctx context.Context) error {
	if waiting, err := store.In(s.deps.DB).Unsettled(ctx); err != nil || !waiting {
		return err
	}
	floor, err := s.heardUpTo(ctx)
	if err != nil {
		return err
	}
	epoch, err := s.epoch(ctx)
	if err != nil {
		return err
	}
	return s.commit(ctx, func(ctx context.Context, t *turn) error { return t.settle(ctx, epoch, floor) })
}

// heardUpTo answers the sequence of the log up to which every message was heard by one replica or another, or is no more.
func (s *Service) heardUpTo(ctx context.Context) (int64, error) {
	consumer, err := s.js.Consumer(ctx, files.Stream, mapperDurable)
	if err != nil {
		return 0, err
	}
	info := consumer.CachedInfo()
	if info.NumPending == 0 && info.NumAckPending == 0 {
		return int64(max(info.Delivered.Stream, info.AckFloor.Stream)), nil //nolint:gosec // a stream has no 2^63 messages
	}
	return int64(info.AckFloor.Stream), nil //nolint:gosec // a stream has no 2^63 messages
}

// epochs remembers the log's epoch for a moment.
type epochs struct {
	mu    sync.Mutex
	epoch int64
	until time.Time
}

func (s *Service) epoch(ctx context.Context) (int64, error) {
	s.epochs.mu.Lock()
	defer s.epochs.mu.Unlock()
	if time.Now().Before(s.epochs.until) {
		return s.epochs.epoch, nil
	}
	epoch, err := s.deps.Files.Epoch(ctx)
	if err != nil {
		return 0, err
	}
	s.epochs.epoch, s.epochs.until = epoch, time.Now().Add(epochFor)
	return epoch, nil
}
