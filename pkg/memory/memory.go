// Package memory keeps a process within the memory that its container may use, for its main.
//
// A Go process knows nothing of that limit by itself: its heap may double before it is collected, and the kernel kills it
// on the way there.
package memory

import (
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
)

// share is how much of the container's memory the Go runtime may use, in percent. The rest is for what it does not count:
// the binary's own pages, and buffers in the kernel that the container pays for.
const share = 90

// Limit tells the Go runtime about the container's limit, unless there is none or GOMEMLIMIT says what it should be. Call it
// before anything asks the runtime for its limit.
func Limit(log *slog.Logger) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	if limit, found := container(os.DirFS("/")); found {
		debug.SetMemoryLimit(limit / 100 * share)
		log.Debug("the container's memory is limited", "container", limit, "runtime", limit/100*share)
	}
}

// container answers the smallest limit of this process's control group and those around it.
func container(root fs.FS) (limit int64, found bool) {
	groups, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0, false
	}
	limit = math.MaxInt64
	for line := range strings.Lines(string(groups)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		switch {
		case parts[0] == "0" && parts[1] == "": // version 2
			limit = min(limit, smallest(root, "sys/fs/cgroup", parts[2], "memory.max"))
		case parts[1] == "memory": // version 1
			limit = min(limit, smallest(root, "sys/fs/cgroup/memory", parts[2], "memory.limit_in_bytes"))
		}
	}
	return limit, limit != math.MaxInt64
}

// unlimited is what version 1 says where there is no limit, or a little less on machines with large pages.
const unlimited = math.MaxInt64 / 2

// smallest reads the limit of a group and of all above it. Inside a container the group's path may be the host's: then only
// the top is there, and is the container's.
func smallest(root fs.FS, mount, group, file string) int64 {
	limit := int64(math.MaxInt64)
	for group = path.Clean("/" + group); ; group = path.Dir(group) {
		text, err := fs.ReadFile(root, path.Join(mount, group, file))
		if n, e := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && e == nil && n > 0 && n < unlimited {
			limit = min(limit, n)
		}
		if group == "/" {
			return limit
		}
	}
}
