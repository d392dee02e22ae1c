// Package audit is the record of who did what from where, and of what was refused and why.
package audit

import (
	"regexp"
	"time"

	"github.com/oklog/ulid/v2"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/services/job-status/internal/text"
)

// Event is one line of the record.
type Event struct {
	ID            string // ULID, made by whoever saw it: recording it twice is recording it once
	Time          time.Time
	Account       string // empty when nobody knows
	UserID        string
	UserName      string
	Action        string
	JobID         string
	ClientAddress string
	Detail        string // in words
}

// Filter narrows the record of an account; empty = all.
type Filter struct {
	JobID, UserID string
}

// Actor is who causes a change, for the record and for events.
type Actor struct {
	UserID   string
	UserName string
}

// Event makes a line about what the actor did.
func (a Actor) Event(account, action, jobID, detail string, at time.Time) Event {
	return Event{
		ID: ulid.Make().String(), Time: at, Account: account, UserID: a.UserID, UserName: a.UserName,
		Action: action, JobID: jobID, Detail: detail,
	}
}

var actionForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// Clean checks an event that came from outside, and shortens and escapes what strangers typed.
func (e Event) Clean() (Event, error) {
	id, err := ulid.ParseStrict(e.ID)
	if err != nil {
		return Event{}, fault.New(fault.Invalid, "%q is not the ULID of an audit event", text.Clip(e.ID))
	}
	if !actionForm.MatchString(e.Action) {
		return Event{}, fault.New(fault.Invalid, "%q is not the action of an audit event: use small letters and _", text.Clip(e.Action))
	}
	if e.Time.IsZero() {
		e.Time = id.Timestamp()
	}
	e.ID = id.String()
	e.Account, e.UserID, e.JobID = text.Clip(e.Account), text.Clip(e.UserID), text.Clip(e.JobID)
	e.UserName, e.ClientAddress = text.Clip(e.UserName), text.Clip(e.ClientAddress)
	e.Detail = text.ClipTo(e.Detail, 500)
	return e, nil
}
