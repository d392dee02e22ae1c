package jobs

import (
	"context"
	"time"

	jobsv1 "filmgate.dev/proto/jobs/v1"
)

const (
	retryFirst = 200 * time.Millisecond
	retryMost  = 2 * time.Second
)

// watch keeps the stream open until ctx ends or the user is ended.
func (b *Board) watch(ctx context.Context) {
	pause := retryFirst
	for {
		heard, err := b.stream(ctx)
		if ctx.Err() != nil || b.over() {
			return
		}
		if heard {
			pause = retryFirst
		}
		b.log.Warn("the stream of visible jobs broke off", "user", b.user.id, "err", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, retryMost)
	}
}

func (b *Board) over() bool {
	select {
	case <-b.ended:
		return true
	default:
		return false
	}
}

// stream hears one stream to its end. A silent one is given up, because the peer may be gone without a word.
func (b *Board) stream(ctx context.Context) (heard bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silence := time.AfterFunc(b.cfg.Silence, cancel)
	defer silence.Stop()
	stream, err := b.edge.WatchJobs(ctx, &jobsv1.WatchJobsRequest{UserId: b.user.id, CredentialsRevision: b.user.revision})
	if err != nil {
		return false, err
	}
	for {
		message, err := stream.Recv()
		if err != nil {
			return heard, err
		}
		heard = true
		silence.Reset(b.cfg.Silence)
		if ended := message.GetEnded(); ended != nil {
			b.end(ended.GetReason())
			return true, nil
		}
		b.hear(message)
	}
}

func (b *Board) hear(message *jobsv1.WatchJobsResponse) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case message.GetSnapshot() != nil:
		jobs := make(map[string]Job, len(message.GetSnapshot().GetJobs()))
		for _, access := range message.GetSnapshot().GetJobs() {
			jobs[fold(access.GetInternalName())] = jobOf(access)
		}
		for name, job := range b.jobs { // what is not in it any more is remembered as gone, for uploads begun in it
			if _, ok := jobs[name]; !ok {
				if job.Visible {
					job.Visible, job.Writable, job.Reason = false, false, ""
				}
				jobs[name] = job
			}
		}
		b.jobs = jobs
		select {
		case <-b.ready:
		default:
			close(b.ready)
		}
	case message.GetChange() != nil:
		for _, access := range message.GetChange().GetJobs() {
			b.jobs[fold(access.GetInternalName())] = jobOf(access)
		}
	}
	b.speak(message.GetHeartbeat().GetFrozen())
}

// speak notes that the stream spoke. Without its database, job-status is believed for a while only.
func (b *Board) speak(frozen bool) {
	now := time.Now()
	if !frozen {
		b.frozen = time.Time{}
	} else if b.frozen.IsZero() {
		b.frozen = now
	}
	if b.frozen.IsZero() || now.Sub(b.frozen) <= b.cfg.Frozen {
		b.heard = now
	}
}

func (b *Board) end(reason string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reason = reason
	close(b.ended)
}
