package files

import (
	"context"
	"encoding/json"
	"math"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/fault"
)

// Listable is how many places one listing can read, tombstones too. Beyond it List and Held fail.
const Listable = maxListed

// Holding is what a job holds: the files that SFTP sees, staged ones too, and the uploads that broke off and can be resumed.
type Holding struct {
	Files int64
	Bytes int64
}

// Count answers how many places of a folder are taken or were lately: never less than it holds now, and more by its
// tombstones. No entry is read: for a hundred places it costs what a Stat costs, for 10,000 a fifth of a listing.
func (l *Log) Count(ctx context.Context, job Job, folder string) (int, error) {
	if err := job.check(); err != nil {
		return 0, err
	}
	if err := checkToken("folder id", folder); err != nil {
		return 0, err
	}
	return l.stream.count(ctx, job.prefix()+"*."+folder+".*")
}

// Held answers what a job holds now. It reads every file's entry, as a listing does.
func (l *Log) Held(ctx context.Context, job Job) (Holding, error) {
	if err := job.check(); err != nil {
		return Holding{}, err
	}
	filters, err := l.shares(ctx, job)
	if err != nil {
		return Holding{}, err
	}
	var held Holding
	for _, filter := range filters {
		entries, err := l.entries(ctx, filter)
		if err != nil {
			return Holding{}, err
		}
		for _, e := range entries {
			if !e.Gone() {
				held.Files++
				held.Bytes += e.Bytes
			}
		}
	}
	records, err := l.uploads.List(ctx, job, "")
	if err != nil {
		return Holding{}, err
	}
	for _, r := range records {
		if r.State == UploadPartial {
			held.Files++
			held.Bytes += r.Bytes
		}
	}
	return held, nil
}

// shares answers filters for all files of a job, none of which matches more than one listing reads: the job as a whole if
// that fits, and otherwise each of its folders.
func (l *Log) shares(ctx context.Context, job Job) ([]string, error) {
	all := job.prefix() + "f.>"
	n, err := l.stream.count(ctx, all)
	if err != nil || n <= maxListed {
		return []string{all}, err
	}
	folders, err := l.entries(ctx, job.prefix()+"d.>")
	if err != nil {
		return nil, err
	}
	var filters []string
	for _, f := range folders {
		if !f.Gone() {
			filters = append(filters, job.prefix()+"f."+f.ID+".*")
		}
	}
	return filters, nil
}

// count answers how many subjects under a filter have a message. The server names the subjects of a page that begins
// after the last one: none.
func (s stream) count(ctx context.Context, filter string) (int, error) {
	request, err := json.Marshal(map[string]any{"subjects_filter": filter, "offset": math.MaxInt32})
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, readBudget)
	defer cancel()
	for {
		var answer struct {
			Error *jetstream.APIError `json:"error"`
			Total int                 `json:"total"`
		}
		err := s.request(ctx, nats.NewMsg("$JS.API.STREAM.INFO."+s.name), request, &answer)
		if err == nil && answer.Error != nil {
			err = answer.Error
		}
		if err == nil {
			return answer.Total, nil
		}
		if !retryable(err) || !rest(ctx) {
			return 0, fault.Wrap(err, fault.Unavailable, "the server could not be asked in time; try again")
		}
	}
}
