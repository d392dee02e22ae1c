package compose

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// project is compose.yaml as Docker's own library reads it, with all profiles.
func project(t *testing.T) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{"compose.yaml"}, cli.WithProfiles([]string{"*"}), cli.WithWorkingDirectory("."))
	if err != nil {
		t.Fatal(err)
	}
	p, err := options.LoadProject(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const mine = "filmgate/"

// ours answers the name of the program when the image is one of this project.
func ours(service types.ServiceConfig) (program string, ok bool) {
	name, _, _ := strings.Cut(service.Image, ":")
	return strings.CutPrefix(name, mine)
}

// exact is a version that names one release, such as 2.15.2-alpine or RELEASE.2025-09-07T16-13-09Z.
var exact = regexp.MustCompile(`:(v?\d+\.\d+(\.\d+)?|RELEASE\.\d{4}-\d\d-\d\dT[\d-]+Z)(-[a-z0-9.]+)?$`)

func TestImagesAreOursOrPinned(t *testing.T) {
	dockerfile, err := os.ReadFile("../images/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for name, service := range project(t).Services {
		program, ok := ours(service)
		if !ok {
			if !exact.MatchString(service.Image) {
				t.Errorf("%s: %s is not pinned to one release", name, service.Image)
			}
			continue
		}
		if service.Image != mine+program+":dev" {
			t.Errorf("%s: %s is not the version that FILMGATE_VERSION names", name, service.Image)
		}
		if service.Build == nil {
			continue
		}
		if !strings.Contains(string(dockerfile), " AS "+service.Build.Target+"\n") || service.Build.Target != program {
			t.Errorf("%s is built as target %q, its image is %s", name, service.Build.Target, service.Image)
		}
		if file := filepath.Join(service.Build.Context, service.Build.Dockerfile); !same(t, file, "../images/Dockerfile") {
			t.Errorf("%s is built from %s", name, file)
		}
	}
}

func same(t *testing.T, a, b string) bool {
	t.Helper()
	one, err := os.Stat(a)
	if err != nil {
		t.Error(err)
		return false
	}
	two, err := os.Stat(b)
	if err != nil {
		t.Fatal(err)
	}
	return os.SameFile(one, two)
}

func TestNobodyHasMoreRightsThanNeeded(t *testing.T) {
	for name, service := range project(t).Services {
		limits := types.Resource{}
		if service.Deploy != nil && service.Deploy.Resources.Limits != nil {
			limits = *service.Deploy.Resources.Limits
		}
		switch {
		case !service.ReadOnly:
			t.Errorf("%s may write to its root file system", name)
		case !slices.Equal(service.CapDrop, []string{"ALL"}) || len(service.CapAdd) > 0 || service.Privileged:
			t.Errorf("%s keeps capabilities", name)
		case !slices.Equal(service.SecurityOpt, []string{"no-new-privileges:true"}):
			t.Errorf("%s may gain privileges", name)
		case limits.MemoryBytes == 0 || limits.NanoCPUs == 0 || limits.Pids == 0:
			t.Errorf("%s is limited to %+v", name, limits)
		case service.NetworkMode != "" || service.Pid != "" || service.Ipc != "":
			t.Errorf("%s shares a namespace of the machine", name)
		}
	}
}

// Only what people use is reachable from outside, and all but SFTP from this machine alone.
func TestPublishedPorts(t *testing.T) {
	want := map[string]string{
		"balancer": "0.0.0.0:2022", "studio": "127.0.0.1:8080", "prometheus": "127.0.0.1:9090",
		"grafana": "127.0.0.1:3000", "jaeger": "127.0.0.1:16686",
	}
	for name, service := range project(t).Services {
		var got []string
		for _, port := range service.Ports {
			got = append(got, port.HostIP+":"+port.Published)
		}
		if all := strings.Join(got, " "); all != want[name] {
			t.Errorf("%s publishes %q, want %q", name, all, want[name])
		}
	}
}

// references are what the programs say about their settings, built once.
var references = sync.OnceValues(func() (map[string]string, error) {
	dir, err := os.MkdirTemp("", "filmgate-compose-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	all := map[string]string{}
	for _, program := range []string{"sftp-edge", "job-status", "album-mapper", "processing", "studio", "filmgate"} {
		module, command, ask := program, "./cmd/"+program, [][]string{{"--help"}}
		if program == "filmgate" {
			module, command, ask = "all-in-one", ".", [][]string{{"--help"}, {"provision", "--help"}, {"rebuild", "--help"}, {"smoke", "--help"}}
		}
		build := exec.Command("go", "build", "-o", filepath.Join(dir, program), command)
		build.Dir = filepath.Join("../../services", module)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return nil, &exec.Error{Name: string(out), Err: err}
		}
		for _, args := range ask {
			out, err := exec.Command(filepath.Join(dir, program), args...).CombinedOutput()
			if err != nil {
				return nil, &exec.Error{Name: string(out), Err: err}
			}
			all[program] += string(out)
		}
	}
	return all, nil
})

// Go's own, and OpenTelemetry's: they are read by libraries.
var others = regexp.MustCompile(`^(GOMEMLIMIT|OTEL_[A-Z_]+)$`)

func TestSettingsExist(t *testing.T) {
	known, err := references()
	if err != nil {
		t.Fatal(err)
	}
	for name, service := range project(t).Services {
		program, ok := ours(service)
		if !ok {
			continue
		}
		for setting := range service.Environment {
			if !others.MatchString(setting) && !regexp.MustCompile(`\b`+setting+`\b`).MatchString(known[program]) {
				t.Errorf("%s: %s knows no %s", name, program, setting)
			}
		}
	}
}

// Every file that a setting names is mounted where it says.
func TestSecretsAreWhereSettingsLook(t *testing.T) {
	p := project(t)
	used := map[string]bool{}
	for name, service := range p.Services {
		mounted := map[string]bool{}
		for _, secret := range service.Secrets {
			used[secret.Source] = true
			target := secret.Target
			if target == "" {
				target = secret.Source
			}
			if !filepath.IsAbs(target) {
				target = "/run/secrets/" + target
			}
			mounted[target] = true
			mounted[filepath.Dir(target)] = true
			if secret.Mode != nil || secret.UID != "" {
				t.Errorf("%s: compose ignores mode and owner of a file's secret", name)
			}
		}
		for setting, value := range service.Environment {
			if value != nil && strings.HasPrefix(*value, "/run/secrets/") && !mounted[*value] {
				t.Errorf("%s: nothing is at %s, which %s names", name, *value, setting)
			}
			if value != nil && !strings.HasPrefix(*value, "/run/secrets/") && regexp.MustCompile(`(TOKEN|PASSWORD|SECRET|DATABASE|NKEY)`).MatchString(setting) && !strings.HasPrefix(setting, "MINIO_ROOT_") {
				t.Errorf("%s: %s is no file", name, setting)
			}
		}
	}
	made := secrets(t)
	for name, secret := range p.Secrets {
		if !used[name] {
			t.Errorf("nobody uses the secret %s", name)
		}
		if _, err := os.Stat(filepath.Join(made, filepath.Base(secret.File))); err != nil {
			t.Errorf("secrets.sh does not make %s: %v", name, err)
		}
		if filepath.Base(secret.File) != name || filepath.Base(filepath.Dir(secret.File)) != "secrets" {
			t.Errorf("the secret %s is in %s", name, secret.File)
		}
	}
}

func TestMountedFilesExist(t *testing.T) {
	for name, service := range project(t).Services {
		for _, volume := range service.Volumes {
			if volume.Type != types.VolumeTypeBind {
				continue
			}
			if _, err := os.Stat(volume.Source); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if !volume.ReadOnly {
				t.Errorf("%s may write to %s", name, volume.Source)
			}
		}
	}
}
