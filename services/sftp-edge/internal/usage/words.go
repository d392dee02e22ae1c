package usage

import (
	"strconv"

	"filmgate.dev/pkg/env"
	"filmgate.dev/pkg/fault"
)

func fullFolder(f Folder, held int64) error {
	return fault.New(fault.Denied, "the folder %q holds %s photos, the most that one may: make another album", f.Name, grouped(held))
}

func fullOfAlbums(f Folder, held int64) error {
	return fault.New(fault.Denied, "%s holds %s albums, the most that a job may; remove one, or ask the studio for another job", f.JobName, grouped(held))
}

func fullJob(f Folder, l Limits, held amount) error {
	if l.Files > 0 && held.names >= l.Files {
		return fault.New(fault.Denied, "%s holds %s photos, the most that it may; remove some, or ask the studio for room", f.JobName, grouped(held.names))
	}
	return fault.New(fault.Denied, "%s has no room for this photo: it may hold %s; remove some photos, or ask the studio for room", f.JobName, env.Bytes(l.Bytes))
}

// wornOut is the answer about a folder that soon could not be listed: tombstones stay for a month.
func wornOut() error {
	return fault.New(fault.Denied, "so many files have come and gone in this folder that it takes no more; make another album")
}

// grouped writes a number as people read it: 10,000.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
