package objects

import (
	"regexp"
	"strconv"
	"strings"

	"filmgate.dev/pkg/fault"
)

// The first part of a key says what the object is.
const (
	originals   = "o"
	derivatives = "d"
	tails       = "t"
	checkpoints = "l"
)

var token = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// join makes a key, or the beginning of one, of checked tokens: no text of a user ever becomes part of one.
func join(kind, end string, tokens ...string) (string, error) {
	for _, t := range tokens {
		if !token.MatchString(t) {
			return "", fault.New(fault.Invalid, "%q cannot be part of an object's key", t)
		}
	}
	return kind + "/" + strings.Join(tokens, "/") + end, nil
}

// OriginalKey names the object that an upload is stored in.
func OriginalKey(account, job, upload string) (string, error) {
	return join(originals, "", account, job, upload)
}

// OriginalPrefix is what the keys of a job's originals begin with.
func OriginalPrefix(account, job string) (string, error) {
	return join(originals, "/", account, job)
}

// Original is what an original's key says.
type Original struct {
	Account string
	Job     string
	Upload  string
}

// ParseOriginalKey reads a key that OriginalKey made.
func ParseOriginalKey(key string) (Original, error) {
	parts := strings.Split(key, "/")
	if len(parts) != 4 || parts[0] != originals {
		return Original{}, fault.New(fault.Invalid, "%q is not the key of an original", key)
	}
	if _, err := join(originals, "", parts[1:]...); err != nil {
		return Original{}, err
	}
	return Original{Account: parts[1], Job: parts[2], Upload: parts[3]}, nil
}

// DerivativeKey names a picture made from one version of a photo, such as its thumbnail.
func DerivativeKey(account, job, photo, upload, name string) (string, error) {
	return join(derivatives, ".jpg", account, job, photo, upload, name)
}

// DerivativePrefix is what the keys of all pictures of one version of a photo begin with.
func DerivativePrefix(account, job, photo, upload string) (string, error) {
	return join(derivatives, "/", account, job, photo, upload)
}

// TailKey names the object that keeps bytes of an upload that are too few for a part: those of one that broke off, or of a
// slow one, so that they need no memory.
func TailKey(upload string, piece int) (string, error) {
	return join(tails, "", upload, strconv.Itoa(piece))
}

// TailPrefix is the beginning of all tail keys of an upload.
func TailPrefix(upload string) (string, error) { return join(tails, "/", upload) }

// CheckpointKey names a checkpoint of a job's part of the files log.
func CheckpointKey(account, job, name string) (string, error) {
	return join(checkpoints, "", account, job, name)
}

// CheckpointPrefix is what the keys of a job's checkpoints begin with.
func CheckpointPrefix(account, job string) (string, error) {
	return join(checkpoints, "/", account, job)
}
