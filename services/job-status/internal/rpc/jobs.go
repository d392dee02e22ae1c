package rpc

import (
	"context"
	"slices"
	"time"

	"github.com/oklog/ulid/v2"

	"filmgate.dev/pkg/fault"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/job-status/internal/audit"
	"filmgate.dev/services/job-status/internal/job"
	"filmgate.dev/services/job-status/internal/page"
	"filmgate.dev/services/job-status/internal/text"
	"filmgate.dev/services/job-status/internal/user"
)

// jobs keeps the jobs of the caller's account.
type jobs struct {
	jobsv1.UnimplementedJobServiceServer
	guard   *guard
	store   jobStore
	changed func(ctx context.Context, account string)
}

type jobStore interface {
	CreateJob(ctx context.Context, j job.Job, by audit.Actor) (job.Job, error)
	ChangeJob(ctx context.Context, account, id string, revision int64, by audit.Actor, change func(*job.Job) error) (job.Job, error)
	Job(ctx context.Context, account, id string) (job.Job, error)
	JobNamed(ctx context.Context, account, name string) (job.Job, error)
	Jobs(ctx context.Context, account string, filter job.Filter, p page.Page) ([]job.Job, error)
}

func (s *jobs) CreateJob(ctx context.Context, req *jobsv1.CreateJobRequest) (*jobsv1.Job, error) {
	c, err := s.guard.with(ctx, user.Jobs)
	if err != nil {
		return nil, err
	}
	j, err := job.New(ulid.Make().String(), c.account, req.GetInternalName(), req.GetName(), time.Now())
	if err != nil {
		return nil, err
	}
	if j.Assignees, err = assignees(req.GetAssignees()); err != nil {
		return nil, err
	}
	if j, err = s.store.CreateJob(ctx, j, c.actor()); err != nil {
		return nil, err
	}
	s.changed(ctx, c.account)
	return jobProto(j), nil
}

func (s *jobs) GetJob(ctx context.Context, req *jobsv1.GetJobRequest) (*jobsv1.Job, error) {
	c, err := s.guard.inAccount(ctx)
	if err != nil {
		return nil, err
	}
	var j job.Job
	switch key := req.GetKey().(type) {
	case *jobsv1.GetJobRequest_Id:
		j, err = s.store.Job(ctx, c.account, text.Clip(key.Id))
	case *jobsv1.GetJobRequest_InternalName:
		j, err = s.store.JobNamed(ctx, c.account, text.Clip(key.InternalName))
	default:
		err = fault.New(fault.Invalid, "say which job: its id or its internal name")
	}
	if err != nil {
		return nil, err
	}
	if assignee := c.onlyJobsOf(); assignee != "" && !slices.Contains(j.Assignees, assignee) {
		return nil, fault.New(fault.NotFound, "there is no such job")
	}
	return jobProto(j), nil
}

func (s *jobs) ListJobs(ctx context.Context, req *jobsv1.ListJobsRequest) (*jobsv1.ListJobsResponse, error) {
	c, err := s.guard.inAccount(ctx)
	if err != nil {
		return nil, err
	}
	p, err := page.ParseIDs(req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	filter := job.Filter{Query: text.ClipTo(req.GetQuery(), 200), Assignee: c.onlyJobsOf()}
	for _, s := range req.GetStatuses() {
		status, err := statusOf(s)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(filter.Statuses, status) {
			filter.Statuses = append(filter.Statuses, status)
		}
	}
	list, err := s.store.Jobs(ctx, c.account, filter, p)
	if err != nil {
		return nil, err
	}
	answer := &jobsv1.ListJobsResponse{NextPageToken: page.Next(p, list, func(j job.Job) string { return j.ID })}
	for _, j := range list {
		answer.Jobs = append(answer.Jobs, jobProto(j))
	}
	return answer, nil
}

func (s *jobs) UpdateJob(ctx context.Context, req *jobsv1.UpdateJobRequest) (*jobsv1.Job, error) {
	name, err := text.Name("the name of a job", req.GetName())
	if err != nil {
		return nil, err
	}
	return s.change(ctx, req, func(j *job.Job) error {
		j.Name = name
		return nil
	})
}

func (s *jobs) SetJobStatus(ctx context.Context, req *jobsv1.SetJobStatusRequest) (*jobsv1.Job, error) {
	to, err := statusOf(req.GetStatus())
	if err != nil {
		return nil, err
	}
	return s.change(ctx, req, func(j *job.Job) error { return j.MoveTo(to) })
}

func (s *jobs) SetJobLocked(ctx context.Context, req *jobsv1.SetJobLockedRequest) (*jobsv1.Job, error) {
	return s.change(ctx, req, func(j *job.Job) error {
		j.Locked = req.GetLocked()
		return nil
	})
}

func (s *jobs) AssignUsers(ctx context.Context, req *jobsv1.AssignUsersRequest) (*jobsv1.Job, error) {
	ids, err := assignees(req.GetUserIds())
	if err != nil {
		return nil, err
	}
	return s.change(ctx, req, func(j *job.Job) error {
		j.Assignees = ids
		return nil
	})
}

// change does what all changes of one job have in common.
func (s *jobs) change(ctx context.Context, req interface {
	GetId() string
	GetRevision() int64
}, change func(*job.Job) error) (*jobsv1.Job, error) {
	c, err := s.guard.with(ctx, user.Jobs)
	if err != nil {
		return nil, err
	}
	j, err := s.store.ChangeJob(ctx, c.account, text.Clip(req.GetId()), req.GetRevision(), c.actor(), change)
	if err != nil {
		return nil, err
	}
	s.changed(ctx, c.account)
	return jobProto(j), nil
}

// onlyJobsOf answers the user to whose assignments the caller's view is limited, or "" for nobody.
func (c caller) onlyJobsOf() string {
	if c.service || c.user.SeesAllJobs() || c.user.Holds(user.Jobs) {
		return ""
	}
	return c.user.ID
}

// assignees answers ids sorted and without repetition.
func assignees(ids []string) ([]string, error) {
	if len(ids) > job.MaxAssignees {
		return nil, fault.New(fault.Invalid, "at most %d users can be assigned to a job", job.MaxAssignees)
	}
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return slices.Compact(ids), nil
}
