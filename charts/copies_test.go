package charts

import (
	"os"
	"path/filepath"
	"testing"
)

// A chart cannot read outside of itself: devstack's files are copies, and `make generate` writes them.
func TestDevstackHasTheRightsOfProduction(t *testing.T) {
	sources := map[string]bool{}
	for _, pattern := range []string{"../deploy/nats/nkeys.conf", "../deploy/postgres/*.sql"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, source := range found {
			name := filepath.Base(source)
			sources[name] = true
			if read(t, source) != read(t, filepath.Join("devstack", "files", name)) {
				t.Errorf("devstack/files/%s is not %s: run `make generate`", name, source)
			}
		}
	}
	files, err := os.ReadDir("devstack/files")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !sources[file.Name()] {
			t.Errorf("devstack/files/%s is a copy of nothing", file.Name())
		}
	}
}
