package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// The image is run as Kubernetes would run it under its strictest rules: nothing to write on, no capability, nobody's user.
func TestRunsWithoutRightsOnAReadOnlyRoot(t *testing.T) {
	runc, err := exec.LookPath("runc")
	if err != nil || os.Getuid() != 0 {
		t.Skip("running a container needs root and runc")
	}
	b := made(t).builds[indexOf(runtime.GOARCH)]
	bundle := t.TempDir()
	root := filepath.Join(bundle, "rootfs")
	layOut(t, b.image, root)
	image, err := b.image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	id := fmt.Sprintf("filmgate-image-%d", os.Getpid())
	state := t.TempDir()
	start := func(args ...string) (string, error) {
		config, err := json.Marshal(map[string]any{
			"ociVersion": "1.0.2",
			"root":       map[string]any{"path": "rootfs", "readonly": true},
			"process": map[string]any{
				"user": map[string]int{"uid": 65532, "gid": 65532}, "cwd": image.Config.WorkingDir, "env": image.Config.Env,
				"args": append(image.Config.Entrypoint, args...), "noNewPrivileges": true,
			},
			"mounts": []map[string]any{
				{"destination": "/proc", "type": "proc", "source": "proc"},
				{"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": []string{"nosuid", "noexec", "mode=755"}},
			},
			"linux": map[string]any{"namespaces": []map[string]string{
				{"type": "mount"}, {"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"},
			}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(bundle, "config.json"), config, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(runc, "--root", state, "run", "--bundle", bundle, id).CombinedOutput()
		return string(out), err
	}
	if out, err := start("--version"); err != nil || out != "studio "+first.version+"\n" {
		t.Errorf("--version: %v, %q", err, out)
	}
	// Without settings it must end, and say why.
	if out, err := start(); err == nil || !strings.Contains(out, "FILMGATE_S3_ENDPOINT: is required") {
		t.Errorf("without settings: %v\n%s", err, out)
	}
}

// The program for the other processor starts as well, and says what it is: in QEMU, where that is installed.
func TestRunsOnTheOtherProcessor(t *testing.T) {
	other, emulator := "arm64", "qemu-aarch64"
	if runtime.GOARCH == other {
		other, emulator = "amd64", "qemu-x86_64"
	}
	qemu, err := exec.LookPath(emulator)
	if err != nil {
		t.Skip("running a program for another processor needs QEMU: make test-arm64 installs it")
	}
	b := made(t).builds[indexOf(other)]
	root := t.TempDir()
	layOut(t, b.image, root)
	image, err := b.image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	start := func(args ...string) (string, error) {
		cmd := exec.Command(qemu, append([]string{filepath.Join(root, image.Config.Entrypoint[0])}, args...)...)
		cmd.Env = image.Config.Env
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := start("--version"); err != nil || out != "studio "+first.version+"\n" {
		t.Errorf("--version: %v, %q", err, out)
	}
	if out, err := start(); err == nil || !strings.Contains(out, "FILMGATE_S3_ENDPOINT: is required") {
		t.Errorf("without settings: %v\n%s", err, out)
	}
}

// layOut writes an image's files below root.
func layOut(t *testing.T, image v1.Image, root string) {
	t.Helper()
	for _, file := range unpack(t, image) {
		path := filepath.Join(root, file.Name)
		var err error
		if strings.HasSuffix(file.Name, "/") {
			err = os.MkdirAll(path, 0o755)
		} else if err = os.MkdirAll(filepath.Dir(path), 0o755); err == nil {
			err = os.WriteFile(path, file.content, os.FileMode(file.Mode))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
