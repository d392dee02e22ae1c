// Package progress tells whoever looks how far the uploads are, twice a second: for eyes, not for records.
package progress

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"filmgate.dev/pkg/events"
)

const (
	interval   = 500 * time.Millisecond
	maxUploads = 100 // in one message
)

// Upload is one upload and where it belongs.
type Upload struct {
	Account, JobID string
	events.UploadProgress
}

// Teller says what changed since it last spoke.
type Teller struct {
	Conn    *nats.Conn
	Uploads func() []Upload
	Log     *slog.Logger
}

// Run tells until ctx ends.
func (t *Teller) Run(ctx context.Context) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	told := make(map[string]int64) // bytes by upload id
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for job, uploads := range changed(t.Uploads(), told) {
			message := events.Progress{JobID: job.id, Uploads: uploads}
			if err := events.PublishProgress(t.Conn, job.account, message); err != nil {
				t.Log.Debug("progress was not told", "err", err)
			}
		}
	}
}

type job struct{ account, id string }

// changed groups by job what is news since told, and remembers it there.
func changed(all []Upload, told map[string]int64) map[job][]events.UploadProgress {
	news := make(map[job][]events.UploadProgress)
	seen := make(map[string]bool, len(all))
	for _, u := range all {
		seen[u.UploadID] = true
		if before, ok := told[u.UploadID]; ok && before == u.Bytes && !u.Done {
			continue
		}
		told[u.UploadID] = u.Bytes
		key := job{u.Account, u.JobID}
		news[key] = append(news[key], u.UploadProgress)
	}
	for id := range told {
		if !seen[id] {
			delete(told, id)
		}
	}
	for key, uploads := range news {
		slices.SortFunc(uploads, func(a, b events.UploadProgress) int { return cmp.Compare(b.UploadID, a.UploadID) }) // newest first
		news[key] = uploads[:min(len(uploads), maxUploads)]
	}
	return news
}
