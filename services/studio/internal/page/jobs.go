package page

import (
	"net/http"
	"strings"

	"filmgate.dev/pkg/fault"
	catalogv1 "filmgate.dev/proto/catalog/v1"
	jobsv1 "filmgate.dev/proto/jobs/v1"
	"filmgate.dev/services/studio/internal/session"
)

const jobsPerPage = 50

type jobsPage struct {
	Query     string
	Filter    string
	Filters   []statusWords
	Jobs      []jobRow
	Next      string // page token
	More      bool   // this is not the first page
	MayCreate bool
	New       newJob
	// Why the counts are missing.
	CountsProblem string
}

type jobRow struct {
	*jobsv1.Job
	Status statusWords
	Albums int64
	Photos *catalogv1.Counts
}

type newJob struct{ InternalName, Name, Problem string }

func (p *Pages) listJobs(w http.ResponseWriter, r *http.Request, who session.Session) error {
	page, err := p.jobsPage(r, who)
	if err != nil {
		return err
	}
	p.show(w, r, &who, http.StatusOK, "jobs", page)
	return nil
}

func (p *Pages) jobsPage(r *http.Request, who session.Session) (jobsPage, error) {
	ctx, cancel := soon(r)
	defer cancel()
	query := r.URL.Query()
	page := jobsPage{
		Query: strings.TrimSpace(query.Get("q")), Filter: query.Get("status"), Filters: statuses,
		More: query.Get("page") != "", MayCreate: who.May("jobs"),
	}
	ask := &jobsv1.ListJobsRequest{Query: page.Query, PageSize: jobsPerPage, PageToken: query.Get("page")}
	if words, ok := statusNamed(page.Filter); ok {
		ask.Statuses = []jobsv1.JobStatus{words.Status}
	}
	answer, err := p.Jobs.ListJobs(ctx, ask)
	if err != nil {
		return page, err
	}
	page.Next = answer.GetNextPageToken()
	counts := map[string]*catalogv1.JobCounts{}
	if len(answer.GetJobs()) > 0 {
		ids := make([]string, len(answer.GetJobs()))
		for i, job := range answer.GetJobs() {
			ids[i] = job.GetId()
		}
		// Jobs without their counts are better than no jobs.
		if counted, err := p.Catalog.CountPhotos(ctx, &catalogv1.CountPhotosRequest{JobIds: ids}); err != nil {
			page.CountsProblem = sentence(fault.Message(err))
			p.Log.Warn("count photos", "err", err)
		} else {
			for _, job := range counted.GetJobs() {
				counts[job.GetJobId()] = job
			}
		}
	}
	for _, job := range answer.GetJobs() {
		row := jobRow{Job: job, Status: wordsFor(job.GetStatus()), Photos: &catalogv1.Counts{}}
		if c, ok := counts[job.GetId()]; ok {
			row.Albums = c.GetAlbums()
			if c.GetPhotos() != nil {
				row.Photos = c.GetPhotos()
			}
		}
		page.Jobs = append(page.Jobs, row)
	}
	return page, nil
}

func (p *Pages) createJob(w http.ResponseWriter, r *http.Request, who session.Session) error {
	if err := readForm(r); err != nil {
		return err
	}
	form := newJob{
		InternalName: strings.TrimSpace(r.PostForm.Get("internal_name")),
		Name:         strings.TrimSpace(r.PostForm.Get("name")),
	}
	job, err := p.Jobs.CreateJob(r.Context(), &jobsv1.CreateJobRequest{InternalName: form.InternalName, Name: form.Name})
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Exists) {
		form.Problem = sentence(fault.Message(err))
		page, listErr := p.jobsPage(r, who)
		if listErr != nil {
			return listErr
		}
		page.New = form
		p.show(w, r, &who, fault.HTTPStatus(fault.KindOf(err)), "jobs", page)
		return nil
	}
	if err != nil {
		return err
	}
	return seeOther(w, r, "/jobs/"+job.GetId(), "job-created")
}
