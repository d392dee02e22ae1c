package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	jobsv1 "filmgate.dev/proto/jobs/v1"
)

var jobTable = table[*jobsv1.Job]{
	head: "JOB\tSTATUS\tLOCKED\tASSIGNED\tNAME",
	row: func(j *jobsv1.Job) string {
		locked := "-"
		if j.GetLocked() {
			locked = "locked"
		}
		return j.GetInternalName() + "\t" + statusName(j.GetStatus()) + "\t" + locked + "\t" + strconv.Itoa(len(j.GetAssignees())) + "\t" + j.GetName()
	},
	json: func(j *jobsv1.Job) any {
		return struct {
			ID           string     `json:"id"`
			InternalName string     `json:"internalName"`
			Name         string     `json:"name"`
			Status       string     `json:"status"`
			Locked       bool       `json:"locked"`
			Assignees    []string   `json:"assignees"`
			Revision     int64      `json:"revision"`
			CreatedAt    *time.Time `json:"createdAt,omitempty"`
			UpdatedAt    *time.Time `json:"updatedAt,omitempty"`
		}{j.GetId(), j.GetInternalName(), j.GetName(), statusName(j.GetStatus()), j.GetLocked(), append([]string{}, j.GetAssignees()...), j.GetRevision(), stamp(j.GetCreatedAt()), stamp(j.GetUpdatedAt())}
	},
	none: "No job yet. Make one: filmgate job create NAME",
}

// statusName answers "PLANNING" for JOB_STATUS_PLANNING, as events and pages spell it.
func statusName(s jobsv1.JobStatus) string { return strings.TrimPrefix(s.String(), "JOB_STATUS_") }

func parseStatus(s string) (jobsv1.JobStatus, error) {
	v, ok := jobsv1.JobStatus_value["JOB_STATUS_"+strings.ToUpper(s)]
	if !ok || v == 0 {
		return 0, fmt.Errorf("%q is not a status: say planning, selling, prepay or archived", s)
	}
	return jobsv1.JobStatus(v), nil
}

func jobCommand(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "job",
		Short: "Jobs: create, list, show, status, rename, lock, unlock, assign",
		Long: `A job is one shoot; its internal name is the folder that photographers see.

They see it while its status is PLANNING and it is not locked. SELLING, PREPAY and
ARCHIVED take it away from their listing within two seconds, also on connections that
are open; an upload that has begun may still finish.`,
	}
	create := &cobra.Command{
		Use: "create NAME", Short: "Make a job in PLANNING; NAME is the folder: letters, digits, - and _",
		Args: cobra.ExactArgs(1),
	}
	public := create.Flags().String("name", "", "the name for people (default: NAME)")
	create.RunE = jobCall(o, func(ctx context.Context, jobs jobsv1.JobServiceClient, args []string) (*jobsv1.Job, error) {
		return jobs.CreateJob(ctx, &jobsv1.CreateJobRequest{InternalName: args[0], Name: *public})
	})
	list := &cobra.Command{Use: "list", Short: "List the jobs, newest first", Args: cobra.NoArgs}
	statuses := list.Flags().StringSlice("status", nil, "only these: planning, selling, prepay, archived")
	list.RunE = func(cmd *cobra.Command, _ []string) error {
		var want []jobsv1.JobStatus
		for _, s := range *statuses {
			v, err := parseStatus(s)
			if err != nil {
				return err
			}
			want = append(want, v)
		}
		return o.inAccount(cmd.Context(), func(ctx context.Context, conn *grpc.ClientConn) error {
			jobs, err := allPages(func(token string) ([]*jobsv1.Job, string, error) {
				r, err := jobsv1.NewJobServiceClient(conn).ListJobs(ctx, &jobsv1.ListJobsRequest{Statuses: want, PageSize: 500, PageToken: token})
				return r.GetJobs(), r.GetNextPageToken(), err
			})
			if err != nil {
				return err
			}
			return jobTable.print(cmd.OutOrStdout(), o.json, jobs...)
		})
	}
	show := &cobra.Command{
		Use: "show NAME", Short: "Show one job", Args: cobra.ExactArgs(1),
		RunE: jobCall(o, func(ctx context.Context, jobs jobsv1.JobServiceClient, args []string) (*jobsv1.Job, error) {
			return findJob(ctx, jobs, args[0])
		}),
	}
	status := &cobra.Command{
		Use: "status NAME planning|selling|prepay|archived", Short: "Change a job's status",
		Args: cobra.ExactArgs(2),
		RunE: jobCall(o, func(ctx context.Context, jobs jobsv1.JobServiceClient, args []string) (*jobsv1.Job, error) {
			to, err := parseStatus(args[1])
			if err != nil {
				return nil, err
			}
			j, err := findJob(ctx, jobs, args[0])
			if err != nil {
				return nil, err
			}
			return jobs.SetJobStatus(ctx, &jobsv1.SetJobStatusRequest{Id: j.GetId(), Status: to})
		}),
	}
	rename := &cobra.Command{
		Use: "rename NAME NEW", Short: "Change a job's name for people; the folder's name stays",
		Args: cobra.ExactArgs(2),
		RunE: jobCall(o, func(ctx context.Context, jobs jobsv1.JobServiceClient, args []string) (*jobsv1.Job, error) {
			j, err := findJob(ctx, jobs, args[0])
			if err != nil {
				return nil, err
			}
			return jobs.UpdateJob(ctx, &jobsv1.UpdateJobRequest{Id: j.GetId(), Name: args[1]})
		}),
	}
	assign := &cobra.Command{
		Use: "assign NAME USER...", Short: "Replace the users assigned to a job (ids, e-mail addresses or SFTP user names)",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.inAccount(cmd.Context(), func(ctx context.Context, conn *grpc.ClientConn) error {
				var ids []string
				for _, name := range args[1:] {
					u, err := findUser(ctx, jobsv1.NewUserServiceClient(conn), name)
					if err != nil {
						return err
					}
					ids = append(ids, u.GetId())
				}
				jobs := jobsv1.NewJobServiceClient(conn)
				j, err := findJob(ctx, jobs, args[0])
				if err != nil {
					return err
				}
				if j, err = jobs.AssignUsers(ctx, &jobsv1.AssignUsersRequest{Id: j.GetId(), UserIds: ids}); err != nil {
					return err
				}
				return jobTable.print(cmd.OutOrStdout(), o.json, j)
			})
		},
	}
	for _, c := range []*cobra.Command{create, list, show, status, rename, lockCommand(o, "lock", true), lockCommand(o, "unlock", false), assign} {
		cmd.AddCommand(jsonFlag(c, o))
	}
	return cmd
}

func lockCommand(o *options, use string, locked bool) *cobra.Command {
	short := "Hide a job from photographers without changing its status"
	if !locked {
		short = "Show a locked job to photographers again"
	}
	return &cobra.Command{
		Use: use + " NAME", Short: short, Args: cobra.ExactArgs(1),
		RunE: jobCall(o, func(ctx context.Context, jobs jobsv1.JobServiceClient, args []string) (*jobsv1.Job, error) {
			j, err := findJob(ctx, jobs, args[0])
			if err != nil {
				return nil, err
			}
			return jobs.SetJobLocked(ctx, &jobsv1.SetJobLockedRequest{Id: j.GetId(), Locked: locked})
		}),
	}
}

// jobCall is a command that does something to one job and prints it.
func jobCall(o *options, call func(context.Context, jobsv1.JobServiceClient, []string) (*jobsv1.Job, error)) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		return o.inAccount(cmd.Context(), func(ctx context.Context, conn *grpc.ClientConn) error {
			j, err := call(ctx, jobsv1.NewJobServiceClient(conn), args)
			if err != nil {
				return err
			}
			return jobTable.print(cmd.OutOrStdout(), o.json, j)
		})
	}
}

func findJob(ctx context.Context, jobs jobsv1.JobServiceClient, name string) (*jobsv1.Job, error) {
	return jobs.GetJob(ctx, &jobsv1.GetJobRequest{Key: &jobsv1.GetJobRequest_InternalName{InternalName: name}})
}
