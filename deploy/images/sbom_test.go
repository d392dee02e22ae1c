package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdxlib"
)

// The bill is held against what `go list` says, which knows nothing of the binary.
func TestBillListsWhatIsLinked(t *testing.T) {
	for _, b := range made(t).builds {
		document, err := spdxjson.Read(bytes.NewReader(b.bill))
		if err != nil {
			t.Fatal(err)
		}
		if err := spdxlib.ValidateDocument(document); err != nil {
			t.Error(err)
		}
		var got []string
		for _, p := range document.Packages[1:] {
			got = append(got, p.PackageName+" "+p.PackageVersion)
		}
		slices.Sort(got)
		if want := linked(t, b.platform.Architecture); !slices.Equal(got, want) {
			t.Errorf("%s: the bill says\n%s\nand go list\n%s", b.platform, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if len(document.Relationships) != len(document.Packages) {
			t.Errorf("%s: %d packages and %d relations", b.platform, len(document.Packages), len(document.Relationships))
		}
		if document.Packages[0].PackageChecksums[0].Value != sumOf(t, b) {
			t.Errorf("%s: the checksum is of another binary", b.platform)
		}
	}
}

func sumOf(t *testing.T, b build) string {
	t.Helper()
	files := unpack(t, b.image)
	program := files[len(files)-1]
	sum := exec.Command("sha256sum")
	sum.Stdin = bytes.NewReader(program.content)
	out, err := sum.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(out))[0]
}

// linked answers, sorted, the modules of studio for an architecture, Go's library, and the certificate authorities.
func linked(t *testing.T, architecture string) []string {
	t.Helper()
	list := func(dir string, args ...string) []string {
		command := exec.Command("go", append([]string{"list"}, args...)...)
		command.Dir = dir
		command.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=", "GOOS=linux", "GOARCH="+architecture, "CGO_ENABLED=0")
		out, err := command.Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSpace(string(out)), "\n")
	}
	const module = `{{with .Module}}{{if not .Main}}{{.Path}} {{if .Replace}}v1.2.3{{else}}{{.Version}}{{end}}{{end}}{{end}}`
	all := list(filepath.Join(checkout, studio.module), "-deps", "-tags", "timetzdata", "-f", module, studio.command)
	all = append(all, list(".", "-m", rootsModule)...)
	version := exec.Command("go", "env", "GOVERSION")
	out, err := version.Output()
	if err != nil {
		t.Fatal(err)
	}
	all = append(all, "stdlib "+strings.TrimPrefix(strings.TrimSpace(string(out)), "go"), "filmgate.dev/services/studio v1.2.3")
	slices.Sort(all)
	all = slices.Compact(all)
	return slices.DeleteFunc(all, func(line string) bool { return line == "" || strings.HasPrefix(line, "filmgate.dev/services/studio ") })
}
