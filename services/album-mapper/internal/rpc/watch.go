package rpc

import (
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/grpc"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/fault"
	catalogv1 "filmgate.dev/proto/catalog/v1"
)

const (
	heartbeat = 2 * time.Second
	// hintsWaiting bounds what waits for a slow watcher; what does not fit is lost, and the next hint is as good.
	hintsWaiting = 64
)

// WatchJob streams what changes in a job. The first message is a heartbeat: whatever changes after it is told.
func (s *Service) WatchJob(req *catalogv1.WatchJobRequest, stream grpc.ServerStreamingServer[catalogv1.WatchJobResponse]) error {
	ctx := stream.Context()
	who, err := s.callers.of(ctx)
	if err != nil {
		return err
	}
	job, err := s.job(ctx, who.account, req.GetJobId())
	if err != nil {
		return err
	}
	subject, err := events.HintSubject(who.account, job.ID)
	if err != nil {
		return err
	}
	hints := make(chan *nats.Msg, hintsWaiting)
	subscription, err := s.NATS.ChanSubscribe(subject, hints)
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "live updates are not possible at the moment; try again")
	}
	defer func() { _ = subscription.Unsubscribe() }()
	if err := s.NATS.FlushTimeout(heartbeat); err != nil {
		return fault.Wrap(err, fault.Unavailable, "live updates are not possible at the moment; try again")
	}
	if err := stream.Send(&catalogv1.WatchJobResponse{}); err != nil {
		return err
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		message := &catalogv1.WatchJobResponse{}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.Stopped:
			return fault.New(fault.Unavailable, "the server is stopping; watch again")
		case msg := <-hints:
			hint, err := events.DecodeHint(msg.Data)
			if err != nil {
				continue
			}
			message.AlbumIds, message.PhotoIds = hint.AlbumIDs, hint.PhotoIDs
		case <-beat.C:
			// A token that ended meanwhile ends its watch.
			if _, err := s.callers.of(ctx); err != nil && fault.Is(err, fault.Denied) {
				return err
			}
		}
		if err := stream.Send(message); err != nil {
			return err
		}
	}
}
