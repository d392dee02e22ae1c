// Package login decides, with job-status, who stands at the door.
//
// Who somebody is comes from the permissions of the password that matched or the key that signed, and from nothing else: a
// client may offer many keys before it signs with one.
package login

import (
	"errors"
	"time"

	"golang.org/x/crypto/ssh"

	jobsv1 "filmgate.dev/proto/jobs/v1"
)

const (
	patience           = 5 * time.Second // for an answer of job-status
	patienceAfterwards = 2 * time.Second // when the client has gone already
	maxUserName        = 255
	maxPassword        = 1024
	maxPasswords       = 6 // of one connection
	// maxAuthTries is the library's, which counts every key that an agent offers in vain.
	maxAuthTries = 20
	// longestDelay bounds what job-status may order.
	longestDelay = 15 * time.Second
	tarpit       = 500 * time.Millisecond // for what is refused without asking, and up to as much again
	unavailable  = "Logins are not possible right now. Please try again in a minute.\r\n"
)

// errRefused is all that a client learns, whatever was wrong.
var errRefused = errors.New("permission denied")

// principalKey is where the principal lies in a connection's permissions.
type principalKey struct{}

// Principal answers who a connection with these permissions acts for.
func Principal(p *ssh.Permissions) *jobsv1.Principal {
	principal, _ := p.ExtraData[principalKey{}].(*jobsv1.Principal)
	return principal
}
