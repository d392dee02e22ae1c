// Package job is one shoot: the folder that photographers see, and where it stands between planning and archive.
package job

import (
	"regexp"
	"time"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/services/job-status/internal/text"
)

// Job is one shoot of an account.
type Job struct {
	ID           string // ULID
	Account      string
	InternalName string // the folder that photographers see
	Name         string // for people
	Status       Status
	Locked       bool
	Assignees    []string // ids of users, sorted
	Revision     int64    // grows with every change
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// Filter narrows a list of jobs; empty = all.
type Filter struct {
	Statuses []Status
	Query    string // part of a name, ignoring case
	Assignee string // only jobs of this user
}

// MaxAssignees bounds the users assigned to one job.
const MaxAssignees = 500

var internalForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_-]{0,62}[A-Za-z0-9])?$`)

// ParseInternalName checks the name of a job's folder.
func ParseInternalName(s string) (string, error) {
	if !internalForm.MatchString(s) {
		return "", fault.New(fault.Invalid,
			"%q cannot be the internal name of a job: use up to 64 letters, digits, _ and -, beginning and ending with a letter or digit, such as JOB00001", text.Clip(s))
	}
	return s, nil
}

// New makes a job in PLANNING; an empty name becomes the internal one.
func New(id, account, internalName, name string, at time.Time) (Job, error) {
	internalName, err := ParseInternalName(internalName)
	if err != nil {
		return Job{}, err
	}
	if name == "" {
		name = internalName
	}
	if name, err = text.Name("the name of a job", name); err != nil {
		return Job{}, err
	}
	return Job{ID: id, Account: account, InternalName: internalName, Name: name, Status: Planning, Revision: 1, CreatedAt: at, UpdatedAt: at}, nil
}
