package main_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// binary is the filmgate that every story runs: linked once, the real thing.
var binary string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "filmgate-stories-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "filmgate")
	build := exec.Command("go", "build", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building filmgate: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// TestStories runs the product's promises, told from outside: each script starts the real binary and drives it with real
// clients. See script/README.md for the words that the scripts use.
func TestStories(t *testing.T) {
	for _, client := range []string{"sftp", "scp", "ssh-keygen", "lftp", "psftp", "pscp", "rclone", "curl", "fzsftp", "sshfs", debianPython} {
		if _, err := exec.LookPath(client); err != nil {
			t.Fatalf("%v: `make setup` installs it", err)
		}
	}
	words := maps.Clone(commands)
	maps.Copy(words, clients)
	testscript.Run(t, testscript.Params{
		Dir:   "testdata/script",
		Setup: setupStory,
		Cmds:  words,
		Condition: func(name string) (bool, error) {
			if name == "fuse" {
				return hasFUSE(), nil
			}
			return false, fmt.Errorf("what is %q?", name)
		},
	})
}
