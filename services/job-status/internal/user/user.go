// Package user is a person of an account: the role and rights, the web login, and the SFTP access that is apart from it.
package user

import (
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"

	"filmgate.dev/pkg/fault"
	"filmgate.dev/services/job-status/internal/text"
)

// Role says what a user may do in principle.
type Role string

// The roles.
const (
	Admin      Role = "ADMIN"       // everything in the account
	Individual Role = "INDIVIDUAL"  // just the rights listed
	UploadOnly Role = "UPLOAD_ONLY" // SFTP only
)

// Right is one thing that an individual may do.
type Right string

// The rights.
const (
	Settings Right = "settings"
	Users    Right = "users"
	Jobs     Right = "jobs"
	Photos   Right = "photos"
	Upload   Right = "upload"
	Download Right = "download"
)

// Rights lists them all.
func Rights() []Right { return []Right{Settings, Users, Jobs, Photos, Upload, Download} }

// User is one person.
type User struct {
	ID          string // ULID
	Account     string
	Email       string // the web login; empty = none
	WebHash     string // of the web password; empty = none
	DisplayName string
	Role        Role
	Rights      []Right // as given; Holds knows what the role adds
	AllJobs     bool
	Active      bool
	SFTP        SFTP
	// CredentialsRevision grows when connections that were authenticated before must end.
	CredentialsRevision int64
	Revision            int64 // grows with every change
	CreatedAt           time.Time
}

// SFTP is the user's way in over SFTP.
type SFTP struct {
	UserName string // unique across accounts; empty = none yet
	Enabled  bool
	Hash     string // of the password; empty = none
	Keys     []Key
}

// Holds reports whether the user has the right, by role or by itself.
func (u User) Holds(r Right) bool {
	switch u.Role {
	case Admin:
		return true
	case UploadOnly:
		return r == Upload || r == Download && slices.Contains(u.Rights, Download)
	default:
		return slices.Contains(u.Rights, r)
	}
}

// Held lists every right that the user has.
func (u User) Held() []Right {
	return slices.DeleteFunc(Rights(), func(r Right) bool { return !u.Holds(r) })
}

// SeesAllJobs reports whether the user needs no assignment over SFTP.
func (u User) SeesAllJobs() bool { return u.Role == Admin || u.AllJobs }

// MayConnect answers why the user may not be connected over SFTP, in words, or nil.
func (u User) MayConnect() error {
	switch {
	case !u.Active:
		return fault.New(fault.Denied, "this user was switched off; ask your studio")
	case u.SFTP.UserName == "" || !u.SFTP.Enabled:
		return fault.New(fault.Denied, "SFTP access of this user was switched off; ask your studio")
	}
	return nil
}

// EndsConnections reports whether the change from before to u must end connections: whoever came in by something that is
// no longer so has to come in again. A key that was added ends nothing.
func (u User) EndsConnections(before User) bool {
	gone := slices.ContainsFunc(before.SFTP.Keys, func(k Key) bool { return !u.HasKey(k.Fingerprint) })
	return gone || u.Active != before.Active || u.Role != before.Role || !slices.Equal(u.Rights, before.Rights) ||
		u.SFTP.UserName != before.SFTP.UserName || u.SFTP.Enabled != before.SFTP.Enabled || u.SFTP.Hash != before.SFTP.Hash
}

// HasKey reports whether a key of this fingerprint is the user's.
func (u User) HasKey(fingerprint string) bool {
	return slices.ContainsFunc(u.SFTP.Keys, func(k Key) bool { return k.Fingerprint == fingerprint })
}

// ParseRights checks rights and answers them sorted and without repetition.
func ParseRights(names []string) ([]Right, error) {
	var list []Right
	for _, known := range Rights() {
		if slices.Contains(names, string(known)) {
			list = append(list, known)
		}
	}
	for _, name := range names {
		if !slices.Contains(list, Right(name)) {
			return nil, fault.New(fault.Invalid, "there is no right %q; the rights are settings, users, jobs, photos, upload, download", text.Clip(name))
		}
	}
	return list, nil
}

// ParseEmail checks an address of a web login.
func ParseEmail(s string) (string, error) {
	s = strings.TrimSpace(s)
	parsed, err := mail.ParseAddress(s)
	if len(s) > 254 || err != nil || parsed.Address != s {
		return "", fault.New(fault.Invalid, "%q is not an e-mail address", text.Clip(s))
	}
	return s, nil
}

var sftpForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// ParseSFTPName checks an SFTP user name.
func ParseSFTPName(s string) (string, error) {
	if !sftpForm.MatchString(s) {
		return "", fault.New(fault.Invalid, "%q cannot be an SFTP user name: use up to 64 small letters, digits, dots, _ and -, beginning with a letter or digit", text.Clip(s))
	}
	return s, nil
}
