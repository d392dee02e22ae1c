package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// machines are the platforms that we build for.
var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// compile builds a service's binary as a file in dir. What could differ from one machine or checkout to the next is left out
// or set: paths, the state of the checkout, the workspace, the caller's flags.
func compile(ctx context.Context, checkout string, s service, platform v1.Platform, version, dir string) (string, error) {
	file := filepath.Join(dir, s.name)
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags", "timetzdata",
		"-ldflags", "-s -w -X filmgate.dev/pkg/version.version="+version, "-o", file, s.command)
	build.Dir = filepath.Join(checkout, s.module)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+platform.OS, "GOARCH="+platform.Architecture,
		"GOWORK=off", "GOFLAGS=", "GOEXPERIMENT=", "GOAMD64=v1", "GOARM64=v8.0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s for %s: %w\n%s", s.name, platform.String(), err, out)
	}
	return file, nil
}

// binary is a program that can stand alone in an image.
type binary struct {
	name  string
	bytes []byte
	built *buildinfo.BuildInfo
}

// load reads a program for a platform and refuses what would not start in an empty image.
func load(file string, platform v1.Platform) (*binary, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if err := standsAlone(content, platform); err != nil {
		return nil, fmt.Errorf("%s %w", file, err)
	}
	built, err := buildinfo.Read(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("%s does not say what it was built from, so nothing can be listed: %w", file, err)
	}
	return &binary{name: filepath.Base(file), bytes: content, built: built}, nil
}

func standsAlone(content []byte, platform v1.Platform) error {
	program, err := elf.NewFile(bytes.NewReader(content))
	if err != nil {
		return fmt.Errorf("is no Linux program: %w", err)
	}
	if want, ok := machines[platform.Architecture]; !ok || program.Machine != want {
		return fmt.Errorf("is for %s, not for %s", strings.TrimPrefix(program.Machine.String(), "EM_"), platform.String())
	}
	for _, part := range program.Progs {
		if part.Type == elf.PT_INTERP {
			return errors.New("is dynamically linked, and an empty image has no loader: build it with CGO_ENABLED=0")
		}
	}
	return nil
}
