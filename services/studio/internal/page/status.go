package page

import (
	jobsv1 "filmgate.dev/proto/jobs/v1"
)

// statusWords says what a job's status is called and what it means for photographers.
type statusWords struct {
	Status  jobsv1.JobStatus
	Key     string // in addresses, forms and class names
	Label   string
	Meaning string
	Then    []jobsv1.JobStatus // where a job may go from here
}

// statuses is the machine that job-status enforces; a page offers only what will be allowed.
var statuses = []statusWords{
	{
		jobsv1.JobStatus_JOB_STATUS_PLANNING, "planning", "Planning", "Photographers see the folder and can upload.",
		[]jobsv1.JobStatus{jobsv1.JobStatus_JOB_STATUS_SELLING, jobsv1.JobStatus_JOB_STATUS_PREPAY, jobsv1.JobStatus_JOB_STATUS_ARCHIVED},
	},
	{
		jobsv1.JobStatus_JOB_STATUS_PREPAY, "prepay", "Prepay", "Customers pay in advance. Photographers no longer see the folder.",
		[]jobsv1.JobStatus{jobsv1.JobStatus_JOB_STATUS_PLANNING, jobsv1.JobStatus_JOB_STATUS_SELLING, jobsv1.JobStatus_JOB_STATUS_ARCHIVED},
	},
	{
		jobsv1.JobStatus_JOB_STATUS_SELLING, "selling", "Selling", "Photos are on sale. Photographers no longer see the folder.",
		[]jobsv1.JobStatus{jobsv1.JobStatus_JOB_STATUS_PLANNING, jobsv1.JobStatus_JOB_STATUS_ARCHIVED},
	},
	{
		jobsv1.JobStatus_JOB_STATUS_ARCHIVED, "archived", "Archived", "Put away. Photographers no longer see the folder.",
		[]jobsv1.JobStatus{jobsv1.JobStatus_JOB_STATUS_PLANNING, jobsv1.JobStatus_JOB_STATUS_SELLING},
	},
}

func wordsFor(status jobsv1.JobStatus) statusWords {
	for _, words := range statuses {
		if words.Status == status {
			return words
		}
	}
	return statusWords{Status: status, Key: "unknown", Label: "Unknown"}
}

func statusNamed(key string) (statusWords, bool) {
	for _, words := range statuses {
		if words.Key == key {
			return words, true
		}
	}
	return statusWords{}, false
}

// next lists where the job may go from here.
func (s statusWords) next() []statusWords {
	list := make([]statusWords, len(s.Then))
	for i, status := range s.Then {
		list[i] = wordsFor(status)
	}
	return list
}
