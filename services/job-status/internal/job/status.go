package job

import (
	"slices"

	"filmgate.dev/pkg/fault"
)

// Status is where a job stands.
type Status string

// The statuses, spelt as everywhere.
const (
	Planning Status = "PLANNING" // photographers upload
	Selling  Status = "SELLING"
	Prepay   Status = "PREPAY"
	Archived Status = "ARCHIVED"
)

// Statuses lists them all.
func Statuses() []Status { return []Status{Planning, Selling, Prepay, Archived} }

// next is the status machine.
func (s Status) next() []Status {
	switch s {
	case Planning:
		return []Status{Selling, Prepay, Archived}
	case Selling:
		return []Status{Planning, Archived}
	case Prepay:
		return []Status{Planning, Selling, Archived}
	case Archived:
		return []Status{Planning, Selling}
	default:
		return nil
	}
}

// MoveTo changes the status along the machine. To stay is no error, so that a request may be repeated.
func (j *Job) MoveTo(to Status) error {
	if j.Status == to {
		return nil
	}
	if !slices.Contains(j.Status.next(), to) {
		return fault.New(fault.Invalid, "%s is %s and cannot become %s; from there it can become %s",
			j.InternalName, j.Status, to, words(j.Status.next()))
	}
	j.Status = to
	return nil
}

// words joins statuses as a person would: "PLANNING, SELLING or ARCHIVED".
func words(list []Status) string {
	out := ""
	for i, s := range list {
		switch {
		case i == 0:
		case i == len(list)-1:
			out += " or "
		default:
			out += ", "
		}
		out += string(s)
	}
	return out
}
