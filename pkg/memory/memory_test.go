package memory

import (
	"log/slog"
	"math"
	"os"
	"runtime/debug"
	"testing"
	"testing/fstest"
)

func TestContainer(t *testing.T) {
	type files map[string]string
	for _, c := range []struct {
		name  string
		files files
		want  int64
	}{
		{"no control groups", files{}, 0},
		{"version 2, in a container", files{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "1073741824\n"}, 1 << 30},
		{"version 2, no limit", files{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"}, 0},
		{"version 2, the host's path inside", files{"proc/self/cgroup": "0::/kubepods/pod1/c1\n", "sys/fs/cgroup/memory.max": "500\n"}, 500},
		{"version 2, the pod's limit is smaller", files{
			"proc/self/cgroup": "0::/pod/c1\n", "sys/fs/cgroup/pod/c1/memory.max": "max\n", "sys/fs/cgroup/pod/memory.max": "300\n",
		}, 300},
		{"version 2, the container's limit is smaller", files{
			"proc/self/cgroup": "0::/pod/c1\n", "sys/fs/cgroup/pod/c1/memory.max": "200\n", "sys/fs/cgroup/pod/memory.max": "300\n",
		}, 200},
		{"version 1", files{"proc/self/cgroup": "5:cpu,cpuacct:/x\n4:memory:/docker/c1\n", "sys/fs/cgroup/memory/docker/c1/memory.limit_in_bytes": "400\n"}, 400},
		{"version 1, in a container", files{"proc/self/cgroup": "4:memory:/docker/c1\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "400\n"}, 400},
		{"version 1, no limit", files{"proc/self/cgroup": "4:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, 0},
		{"both", files{
			"proc/self/cgroup": "4:memory:/\n0::/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "400\n", "sys/fs/cgroup/memory.max": "max\n",
		}, 400},
		{"a path that climbs", files{"proc/self/cgroup": "0::/../../c1\n", "sys/fs/cgroup/c1/memory.max": "100\n"}, 100},
		{"nonsense", files{"proc/self/cgroup": "0:\nx\n0::/\n", "sys/fs/cgroup/memory.max": "much\n"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := fstest.MapFS{}
			for name, text := range c.files {
				root[name] = &fstest.MapFile{Data: []byte(text)}
			}
			got, found := container(root)
			if found != (c.want != 0) || found && got != c.want {
				t.Error(got, found)
			}
		})
	}
}

func TestLimit(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	ours, limited := container(os.DirFS("/"))
	for _, c := range []struct {
		name, goMemLimit string
		set, want        int64 // set: what GOMEMLIMIT made it when the process began
	}{
		{"it is said", "1GiB", 1 << 30, 1 << 30},
		{"no limit is said", "off", math.MaxInt64, math.MaxInt64},
		{"the container's", "", math.MaxInt64, ours / 100 * 90},
	} {
		if c.goMemLimit == "" && !limited {
			c.want = math.MaxInt64
		}
		debug.SetMemoryLimit(c.set)
		t.Setenv("GOMEMLIMIT", c.goMemLimit)
		Limit(slog.New(slog.DiscardHandler))
		if limit := debug.SetMemoryLimit(-1); limit != c.want {
			t.Errorf("%s: %d", c.name, limit)
		}
	}
}
