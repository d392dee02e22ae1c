package version

import (
	"os/exec"
	"runtime/debug"
	"strings"
	"testing"
)

func TestWhatTheToolchainRecorded(t *testing.T) {
	vcs := func(revision, modified string) *debug.BuildInfo {
		return &debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: revision}, {Key: "vcs.modified", Value: modified}}}
	}
	for want, info := range map[string]*debug.BuildInfo{
		"devel":                 {Main: debug.Module{Version: "(devel)"}},
		"v1.4.0":                {Main: debug.Module{Version: "v1.4.0"}},
		"0123456789ab":          vcs("0123456789abcdef", "false"),
		"0123456789ab-modified": vcs("0123456789abcdef", "true"),
		"short":                 vcs("short", "false"),
	} {
		if got := recorded(info); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// The linker is silent about a name that is not there: only a binary shows that the flag of the builds is right.
func TestTheBuildStampsIt(t *testing.T) {
	out, err := exec.Command("go", "test", "-run", "^TestStamped$", "-v", "-ldflags", "-X filmgate.dev/pkg/version.version=v9.8.7", ".").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "this is v9.8.7") {
		t.Errorf("%s %v", out, err)
	}
}

func TestStamped(t *testing.T) { t.Log("this is " + String()) }
