package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// The Dockerfile is read by BuildKit's own parser and linter, and must make the images that `make images` makes.
func TestDockerfileMakesTheSameImages(t *testing.T) {
	file, err := os.Open("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	parsed, err := parser.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	lint := linter.New(&linter.Config{Warn: func(rule, _, _, message string, where []parser.Range) {
		t.Errorf("%v: %s: %s", where, rule, message)
	}})
	stages, _, err := instructions.Parse(parsed.AST, lint)
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) instructions.Stage {
		i := slices.IndexFunc(stages, func(s instructions.Stage) bool { return s.Name == name })
		if i < 0 {
			t.Fatalf("there is no target %q", name)
		}
		return stages[i]
	}
	if got := len(stages); got != len(services)+2 {
		t.Errorf("%d stages, but %d services", got, len(services))
	}
	base := at("base")
	if base.BaseName != "scratch" || find[*instructions.UserCommand](t, base).User != user {
		t.Errorf("images stand on %s, as user %s", base.BaseName, find[*instructions.UserCommand](t, base).User)
	}
	compiling := at("build").Commands
	said := ""
	for _, command := range compiling {
		if run, ok := command.(*instructions.RunCommand); ok {
			said += strings.Join(run.CmdLine, "\n")
		}
	}
	for _, want := range []string{"-trimpath", "-tags timetzdata", "-s -w -X filmgate.dev/pkg/version.version=$VERSION"} {
		if !strings.Contains(said, want) {
			t.Errorf("it compiles without %s", want)
		}
	}
	for _, s := range services {
		stage := at(s.name)
		if stage.BaseName != "base" {
			t.Errorf("%s stands on %s", s.name, stage.BaseName)
		}
		if got := find[*instructions.EntrypointCommand](t, stage); got.PrependShell || !slices.Equal(got.CmdLine, []string{"/" + s.name}) {
			t.Errorf("%s starts %q", s.name, got.CmdLine)
		}
		if got := find[*instructions.CopyCommand](t, stage); got.From != "build" || !slices.Equal(got.SourcePaths, []string{"/out/" + s.name}) || got.DestPath != "/" {
			t.Errorf("%s copies %v from %s to %s", s.name, got.SourcePaths, got.From, got.DestPath)
		}
		if got := find[*instructions.LabelCommand](t, stage).Labels; len(got) != 1 || got[0].Value != s.name {
			t.Errorf("%s is labelled %v", s.name, got)
		}
		if folder, _ := strings.CutPrefix(s.module, "services/"); !strings.Contains(said, folder) {
			t.Errorf("nothing compiles %s", folder)
		}
	}
}

// find answers a stage's only command of a kind.
func find[C instructions.Command](t *testing.T, stage instructions.Stage) C {
	t.Helper()
	var found []C
	for _, command := range stage.Commands {
		if c, ok := command.(C); ok {
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%s has %d of %T", stage.Name, len(found), *new(C))
	}
	return found[0]
}
