package charts

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// What the chart's templates take for granted about the programs, held against their source.
func TestTemplatesAgreeWithThePrograms(t *testing.T) {
	for name, c := range map[string]struct{ source, says, template, wants string }{
		"what the edge needs after the drain": {
			"../services/sftp-edge/sftpedge.go", `(?m)^\tsettle = (\d+) \* time\.Second`,
			"filmgate/templates/validations.yaml", `\$needs := add .* (\d+) -`,
		},
		"the consumer whose lag KEDA reads": {
			"../services/processing/processing.go", `Durable: +"(\w+)"`,
			"filmgate/templates/processing/scaledobject.yaml", `consumer: (\w+)`,
		},
		"its stream": {
			"../pkg/events/streams.go", `StreamWork += +"(\w+)"`,
			"filmgate/templates/processing/scaledobject.yaml", `stream: (\w+)`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if source, template := find(t, c.source, c.says), find(t, c.template, c.wants); source != template {
				t.Errorf("%s says %s, and %s %s", c.source, source, c.template, template)
			}
		})
	}
}

// The host keys that the chart mounts are those that the edge looks for: it would make a missing one, another one in each pod.
func TestHostKeysAreThoseOfTheEdge(t *testing.T) {
	source := read(t, "../services/sftp-edge/hostkey.go")
	template := read(t, "filmgate/templates/_uses.tpl")
	names := regexp.MustCompile(`"(ssh_host_\w+_key)"`).FindAllStringSubmatch(source, -1)
	if len(names) == 0 {
		t.Fatal("the edge's source names no host keys")
	}
	for _, n := range names {
		if !strings.Contains(template, "- key: "+n[1]) {
			t.Errorf("the chart does not mount %s", n[1])
		}
	}
}

func find(t *testing.T, path, pattern string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(read(t, path))
	if m == nil {
		t.Fatalf("%s has nothing like %s", path, pattern)
	}
	return m[1]
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
