package events

import (
	"regexp"
	"strings"

	"filmgate.dev/pkg/fault"
)

// tokenForm is stricter than NATS: its client would publish to the literal subject "a*" or ">".
var tokenForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// The subjects that consumers listen to, over all accounts and jobs.
const (
	AllPhotos   = "filmgate.photos.v1.>"
	AllWork     = "filmgate.work.v1.>"
	AllPictures = "filmgate.work.v1.*.*." + WorkPicture
	AllDone     = "filmgate.work.v1.*.*." + WorkDone
)

// The two sides of WORK.
const (
	WorkPicture = "picture" // to processing
	WorkDone    = "done"    // and back
)

// Subject joins "filmgate" and tokens. It is the only place where subjects come from, and no user text passes it.
func Subject(tokens ...string) (string, error) {
	for _, token := range tokens {
		if !tokenForm.MatchString(token) {
			return "", fault.New(fault.Invalid, "%q cannot be a part of a subject: use 1 to 64 letters, digits, _ and -", token)
		}
	}
	return "filmgate." + strings.Join(tokens, "."), nil
}

// PhotosSubject is where a public event is said.
func PhotosSubject(account, job string, t Type) (string, error) {
	return Subject("photos", "v1", account, job, t.Token())
}

// PhotosFilter hears one type of public event over all accounts and jobs.
func PhotosFilter(t Type) string { return "filmgate.photos.v1.*.*." + t.Token() }

// WorkSubject is where album-mapper and processing talk; side is WorkPicture or WorkDone.
func WorkSubject(account, job, side string) (string, error) {
	if side != WorkPicture && side != WorkDone {
		return "", fault.New(fault.Invalid, "the work stream has no side %q", side)
	}
	return Subject("work", "v1", account, job, side)
}

// ProgressSubject is where an edge says how far uploads are, on core NATS.
func ProgressSubject(account, job string) (string, error) {
	return Subject("progress", "v1", account, job)
}

// HintSubject is where album-mapper says that the catalog changed, on core NATS.
func HintSubject(account, job string) (string, error) {
	return Subject("hint", "v1", account, job)
}
