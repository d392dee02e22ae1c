package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"filmgate.dev/pkg/embednats/natstest"
)

// provisioned runs `filmgate provision` and answers what it printed, on both sides.
func provisioned(t *testing.T, settings ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(binary, "provision")
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), settings...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestProvisionOnACluster(t *testing.T) {
	cluster := natstest.StartCluster(t)
	dir := t.TempDir()
	settings := []string{
		"FILMGATE_NATS_URL=nats://filmgate:test-token@" + cluster.Addr(0),
		"FILMGATE_JOBS_DATABASE=sqlite:" + filepath.Join(dir, "jobs.db"), "FILMGATE_MAPPER_DATABASE=sqlite:" + filepath.Join(dir, "catalog.db"),
	}
	replicas := func(n string) []string { return append(settings, "FILMGATE_NATS_REPLICAS="+n) }
	said, err := provisioned(t, replicas("1")...)
	if err != nil || !strings.Contains(said, "Everything is there: 9 made, 2 changed, 0 left") || !strings.Contains(said, "skipped  the bucket: FILMGATE_S3_ENDPOINT is not set") {
		t.Fatalf("the first run: %v\n%s", err, said)
	}
	said, err = provisioned(t, replicas("3")...)
	if err != nil || strings.Count(said, "num_replicas 1 → 3") != 5 {
		t.Fatalf("three replicas: %v\n%s", err, said)
	}
	if said, err = provisioned(t, replicas("3")...); err != nil || !strings.Contains(said, "0 made, 0 changed") {
		t.Fatalf("a third run: %v\n%s", err, said)
	}
	said, err = provisioned(t, replicas("1")...)
	if err == nil || strings.Count(said, "it would lose copies of what it holds: set FILMGATE_NATS_REPLICAS=3") != 5 || !strings.Contains(said, "filmgate: 5 of the objects") {
		t.Fatalf("fewer replicas: %v\n%s", err, said)
	}
	js, err := jetstream.New(cluster.Connect(0))
	if err != nil {
		t.Fatal(err)
	}
	if stream, err := js.Stream(t.Context(), "FILES"); err != nil || stream.CachedInfo().Config.Replicas != 3 {
		t.Fatalf("FILES lost replicas: %v", err)
	}
}
