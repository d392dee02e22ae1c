// Package jobs knows, for the edge, which jobs a connected user may see and write right now.
//
// One watched stream per user keeps the answer warm, whatever the number of connections. When the stream falls silent the
// answer is asked for; when nobody answers, the last one serves a little longer, and then no answer is a no.
package jobs

import (
	"context"
	"strings"
	"time"

	"google.golang.org/grpc"

	jobsv1 "filmgate.dev/proto/jobs/v1"
)

// Edge is what job-status is asked.
type Edge interface {
	WatchJobs(context.Context, *jobsv1.WatchJobsRequest, ...grpc.CallOption) (grpc.ServerStreamingClient[jobsv1.WatchJobsResponse], error)
	CheckJob(context.Context, *jobsv1.CheckJobRequest, ...grpc.CallOption) (*jobsv1.JobAccess, error)
}

// Config is the patience. The zero value of a field means its default.
type Config struct {
	Silence time.Duration // a stream that says nothing for so long is stale; default 6 s
	Check   time.Duration // how long one question may take; default 1 s
	Serve   time.Duration // how long the last answer serves a stale stream; default 30 s
	Frozen  time.Duration // how long job-status may go on without its database; default 15 min
	Grace   time.Duration // how long a begun upload may be finished after its close; default 5 min
}

// Defaults fills in what was left zero.
func (c Config) Defaults() Config {
	set := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	set(&c.Silence, 6*time.Second)
	set(&c.Check, time.Second)
	set(&c.Serve, 30*time.Second)
	set(&c.Frozen, 15*time.Minute)
	set(&c.Grace, 5*time.Minute)
	return c
}

// Job is one job as one user may see it.
type Job struct {
	ID       string
	Account  string
	Name     string // the folder
	Visible  bool
	Writable bool
	Reason   string // why not, in words for the photographer
	Changed  time.Time
}

func jobOf(a *jobsv1.JobAccess) Job {
	return Job{
		ID: a.GetJobId(), Account: a.GetAccount(), Name: a.GetInternalName(), Visible: a.GetVisible(),
		Writable: a.GetVisible() && a.GetWritable(), Reason: a.GetReason(), Changed: a.GetUpdatedAt().AsTime(),
	}
}

// fold is the form in which job names are compared. They are ASCII.
func fold(name string) string { return strings.ToLower(name) }
