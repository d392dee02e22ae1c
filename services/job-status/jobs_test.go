package jobstatus_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/fault"
	jobsv1 "filmgate.dev/proto/jobs/v1"
)

func TestJobs(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		anna, _ := h.photographer("anna")
		j := must(h.jobs.CreateJob(h.operator, &jobsv1.CreateJobRequest{InternalName: "JOB00001", Name: "Grundschule Südstadt", Assignees: []string{anna.GetId(), anna.GetId()}}))(t)
		if j.GetStatus() != jobsv1.JobStatus_JOB_STATUS_PLANNING || j.GetRevision() != 1 || len(j.GetAssignees()) != 1 {
			t.Errorf("new job: %v", j)
		}
		if got := must(h.jobs.GetJob(h.operator, &jobsv1.GetJobRequest{Key: &jobsv1.GetJobRequest_InternalName{InternalName: "job00001"}}))(t); got.GetId() != j.GetId() {
			t.Errorf("by name: %v", got)
		}
		words := refused(h.jobs.CreateJob(h.operator, &jobsv1.CreateJobRequest{InternalName: "job00001"}))(t, fault.Exists)
		if words != "there is a job job00001 already" {
			t.Errorf("words: %q", words)
		}
		refused(h.jobs.CreateJob(h.operator, &jobsv1.CreateJobRequest{InternalName: "no spaces"}))(t, fault.Invalid)
		refused(h.jobs.CreateJob(h.operator, &jobsv1.CreateJobRequest{InternalName: "JOB00002", Assignees: []string{"nobody"}}))(t, fault.NotFound)
		refused(h.jobs.GetJob(h.operator, &jobsv1.GetJobRequest{Key: &jobsv1.GetJobRequest_InternalName{InternalName: "JOB00002"}}))(t, fault.NotFound)

		// Optimistic by revision.
		j2 := must(h.jobs.UpdateJob(h.operator, &jobsv1.UpdateJobRequest{Id: j.GetId(), Name: "Südstadt 2027", Revision: 1}))(t)
		if j2.GetRevision() != 2 || j2.GetName() != "Südstadt 2027" {
			t.Errorf("updated: %v", j2)
		}
		refused(h.jobs.UpdateJob(h.operator, &jobsv1.UpdateJobRequest{Id: j.GetId(), Name: "lost", Revision: 1}))(t, fault.Conflict)
		refused(h.jobs.SetJobStatus(h.operator, &jobsv1.SetJobStatusRequest{Id: j.GetId(), Status: jobsv1.JobStatus_JOB_STATUS_SELLING, Revision: 1}))(t, fault.Conflict)
		same := must(h.jobs.SetJobStatus(h.operator, &jobsv1.SetJobStatusRequest{Id: j.GetId(), Status: jobsv1.JobStatus_JOB_STATUS_PLANNING}))(t)
		if same.GetRevision() != 2 {
			t.Errorf("to stay changed something: %v", same)
		}
		must(h.jobs.SetJobStatus(h.operator, &jobsv1.SetJobStatusRequest{Id: j.GetId(), Status: jobsv1.JobStatus_JOB_STATUS_SELLING}))(t)
		words = refused(h.jobs.SetJobStatus(h.operator, &jobsv1.SetJobStatusRequest{Id: j.GetId(), Status: jobsv1.JobStatus_JOB_STATUS_PREPAY}))(t, fault.Invalid)
		if words != "JOB00001 is SELLING and cannot become PREPAY; from there it can become PLANNING or ARCHIVED" {
			t.Errorf("words: %q", words)
		}
		refused(h.jobs.SetJobStatus(h.operator, &jobsv1.SetJobStatusRequest{Id: j.GetId()}))(t, fault.Invalid)
		must(h.jobs.SetJobLocked(h.operator, &jobsv1.SetJobLockedRequest{Id: j.GetId(), Locked: true}))(t)
		must(h.jobs.AssignUsers(h.operator, &jobsv1.AssignUsersRequest{Id: j.GetId()}))(t)
		last := must(h.jobs.GetJob(h.operator, &jobsv1.GetJobRequest{Key: &jobsv1.GetJobRequest_Id{Id: j.GetId()}}))(t)
		if !last.GetLocked() || last.GetStatus() != jobsv1.JobStatus_JOB_STATUS_SELLING || len(last.GetAssignees()) != 0 || last.GetRevision() != 5 {
			t.Errorf("at the end: %v", last)
		}
	})
}

func TestListJobs(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		var made []string
		for i := range 7 {
			made = append(made, h.job(fmt.Sprintf("JOB0000%d", i)).GetId())
		}
		must(h.jobs.UpdateJob(h.operator, &jobsv1.UpdateJobRequest{Id: made[3], Name: "Größe 100%_"}))(t)
		must(h.jobs.SetJobStatus(h.operator, &jobsv1.SetJobStatusRequest{Id: made[5], Status: jobsv1.JobStatus_JOB_STATUS_ARCHIVED}))(t)

		var got []string
		req := &jobsv1.ListJobsRequest{PageSize: 3}
		for {
			page := must(h.jobs.ListJobs(h.operator, req))(t)
			for _, j := range page.GetJobs() {
				got = append(got, j.GetId())
			}
			if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
				break
			}
		}
		slices.Reverse(got)
		if !slices.Equal(got, made) {
			t.Errorf("pages: %v\nmade: %v", got, made)
		}
		find := func(req *jobsv1.ListJobsRequest) (names []string) {
			for _, j := range must(h.jobs.ListJobs(h.operator, req))(t).GetJobs() {
				names = append(names, j.GetInternalName())
			}
			return names
		}
		for query, want := range map[string][]string{
			"GRÖSSE": {"JOB00003"}, "100%": {"JOB00003"}, "job00004": {"JOB00004"}, "%": {"JOB00003"}, "0_": nil, "nothing": nil,
		} {
			if got := find(&jobsv1.ListJobsRequest{Query: query}); !slices.Equal(got, want) {
				t.Errorf("query %q: %v, want %v", query, got, want)
			}
		}
		if got := find(&jobsv1.ListJobsRequest{Statuses: []jobsv1.JobStatus{jobsv1.JobStatus_JOB_STATUS_ARCHIVED}}); !slices.Equal(got, []string{"JOB00005"}) {
			t.Errorf("archived: %v", got)
		}
		refused(h.jobs.ListJobs(h.operator, &jobsv1.ListJobsRequest{PageToken: "'; DROP TABLE jobs"}))(t, fault.Invalid)
		refused(h.jobs.ListJobs(h.operator, &jobsv1.ListJobsRequest{PageSize: -1}))(t, fault.Invalid)
	})
}

func TestJobEventsCarryTheCompleteState(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		js := must(jetstream.New(h.nats))(t)
		consumer := must(js.OrderedConsumer(t.Context(), events.StreamPhotos, jetstream.OrderedConsumerConfig{}))(t)
		j := h.job("JOB00001")
		must(h.jobs.SetJobStatus(h.operator, &jobsv1.SetJobStatusRequest{Id: j.GetId(), Status: jobsv1.JobStatus_JOB_STATUS_SELLING}))(t)
		must(h.jobs.SetJobLocked(h.operator, &jobsv1.SetJobLockedRequest{Id: j.GetId(), Locked: true}))(t)
		must(h.jobs.UpdateJob(h.operator, &jobsv1.UpdateJobRequest{Id: j.GetId(), Name: "Autumn fair"}))(t)
		must(h.jobs.UpdateJob(h.operator, &jobsv1.UpdateJobRequest{Id: j.GetId(), Name: "Autumn fair"}))(t) // says nothing
		must(h.jobs.SetJobLocked(h.operator, &jobsv1.SetJobLockedRequest{Id: j.GetId()}))(t)
		want := []struct {
			id, status, previous string
			locked               bool
			revision             int64
		}{
			{"job.created:" + j.GetId(), "PLANNING", "", false, 1},
			{"job.status_changed:" + j.GetId() + ":2", "SELLING", "PLANNING", false, 2},
			{"job.locked:" + j.GetId() + ":3", "SELLING", "", true, 3},
			{"job.renamed:" + j.GetId() + ":4", "SELLING", "", true, 4},
			{"job.locked:" + j.GetId() + ":5", "SELLING", "", false, 5},
		}
		for _, w := range want {
			msg := must(consumer.Next(jetstream.FetchMaxWait(30e9)))(t)
			env := must(events.Decode(msg.Data()))(t)
			var data events.JobChanged
			if err := json.Unmarshal(env.Data, &data); err != nil {
				t.Fatal(err)
			}
			if env.ID != w.id || data.Job.Status != w.status || data.PreviousStatus != w.previous || data.Locked != w.locked || data.Revision != w.revision ||
				data.Job.InternalName != "JOB00001" || env.Account != "demo" || data.By != "operator" {
				t.Errorf("got %s %+v, want %+v", env.ID, data, w)
			}
			if renamed := data.Job.Name == "Autumn fair"; renamed != (w.revision >= 4) {
				t.Errorf("%s calls the job %q", env.ID, data.Job.Name)
			}
		}
	})
}
