package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// release is what all images of one build have in common.
type release struct {
	version  string // in the binaries, on the labels, and as the tag
	revision string // the commit
	source   string // where the code is
	created  time.Time
}

// tags is what a registry takes as a tag.
var tags = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)

// complete fills in, from the checkout, what was not given. Without git there is nothing to go by: then it must be given.
func (r *release) complete(checkout string) error {
	if r.version == "" {
		version, err := git(checkout, "describe", "--tags", "--always", "--dirty")
		if err != nil {
			return fmt.Errorf("no version: give -version, or build from a git checkout (%w)", err)
		}
		r.version = version
	}
	if !tags.MatchString(r.version) {
		return fmt.Errorf("%q cannot be a version: it becomes the image's tag, of letters, digits, dots, dashes and underscores", r.version)
	}
	if r.revision == "" {
		r.revision, _ = git(checkout, "rev-parse", "HEAD") // a label, no more: absent where there is no git
	}
	if !r.created.IsZero() {
		return nil
	}
	seconds := os.Getenv("SOURCE_DATE_EPOCH")
	if seconds == "" {
		var err error
		if seconds, err = git(checkout, "log", "-1", "--format=%ct"); err != nil {
			return fmt.Errorf("no date: set SOURCE_DATE_EPOCH, or build from a git checkout (%w)", err)
		}
	}
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || unix < 0 {
		return fmt.Errorf("SOURCE_DATE_EPOCH is %q; say the seconds since 1970", seconds)
	}
	r.created = time.Unix(unix, 0).UTC()
	return nil
}

func git(checkout string, args ...string) (string, error) {
	out, err := exec.Command("git", append([]string{"-C", checkout}, args...)...).Output() //nolint:noctx // git answers at once
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return "", fmt.Errorf("git %s: %s", args[0], strings.TrimSpace(string(exit.Stderr)))
	}
	return strings.TrimSpace(string(out)), err
}
