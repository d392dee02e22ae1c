package charts

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// Every variable that the chart sets is one that the program knows: its own --help lists it. A name written wrong would
// otherwise be ignored in silence.
func TestVariablesExist(t *testing.T) {
	for _, values := range ciValues(t, "filmgate") {
		t.Run(filepath.Base(values), func(t *testing.T) {
			for _, o := range render(t, "filmgate", "filmgate", "-f", values) {
				for _, c := range o.pod().Containers {
					known := reference(t, c.program())
					if len(c.Env) == 0 {
						t.Errorf("%s is told nothing", c.program())
					}
					for _, e := range c.Env {
						if !known[e.Name] && !standard.MatchString(e.Name) {
							t.Errorf("%s does not know %s", c.program(), e.Name)
						}
					}
				}
			}
		})
	}
}

// standard are variables of Go and of OpenTelemetry, which no --help of ours lists.
var standard = regexp.MustCompile(`^(SSL_CERT_DIR|GOMEMLIMIT|GOGC|GOMAXPROCS|OTEL_[A-Z_]+)$`)

var setting = regexp.MustCompile(`(?m)^ +((?:FILMGATE|AWS)_[A-Z0-9_]+)(?: \(or ((?:FILMGATE|AWS)_[A-Z0-9_]+)\))?$`)

var variables = regexp.MustCompile(`\bFILMGATE_[A-Z0-9_]+\b`)

var references sync.Map // program → func() (string, error)

// reference is what a program's --help says that it knows.
func reference(t *testing.T, program string) map[string]bool {
	t.Helper()
	read, _ := references.LoadOrStore(program, sync.OnceValues(func() (string, error) {
		name, command, _ := strings.Cut(program, " ")
		path := "./services/" + name + "/cmd/" + name
		if name == "filmgate" {
			path = "./services/all-in-one"
		}
		cmd := exec.Command("go", append([]string{"run", path}, append(strings.Fields(command), "--help")...)...)
		cmd.Dir = ".."
		text, err := cmd.CombinedOutput()
		return string(text), err
	}))
	text, err := read.(func() (string, error))()
	if err != nil {
		t.Fatalf("%s --help: %v\n%s", program, err, text)
	}
	known := map[string]bool{}
	for _, m := range setting.FindAllStringSubmatch(text, -1) {
		known[m[1]], known[m[2]] = true, true
	}
	if len(known) == 0 { // flags, each with the variable that stands for it
		for _, name := range variables.FindAllString(text, -1) {
			known[name] = true
		}
	}
	if len(known) == 0 {
		t.Fatalf("%s --help lists no variables:\n%s", program, text)
	}
	return known
}
