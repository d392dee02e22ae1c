package charts

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// object is one of those that a chart renders.
type object struct {
	Kind     string
	Metadata struct {
		Name                string
		Annotations, Labels map[string]string
	}
	Data       map[string]string
	StringData map[string]string `yaml:"stringData"`
	Spec       podOrTemplate
}

// podOrTemplate is a pod's spec, or that of something that makes pods, or of a NetworkPolicy.
type podOrTemplate struct {
	podSpec     `yaml:",inline"`
	Template    template
	JobTemplate struct {
		Spec struct{ Template template }
	} `yaml:"jobTemplate"`
	Ingress []struct {
		From []struct {
			PodSelector selector `yaml:"podSelector"`
		}
	}
}

type template struct {
	Metadata struct{ Labels map[string]string }
	Spec     podSpec
}

type podSpec struct {
	Containers []container
	Volumes    []struct {
		Name   string
		Secret struct {
			SecretName string `yaml:"secretName"`
			Items      []struct{ Key string }
		}
	}
}

type container struct {
	Name, Image string
	Args        []string
	Env         []variable
}

type variable struct{ Name, Value string }

// pod is the pod that an object is, or makes.
func (o object) pod() podSpec { return o.made().Spec }

func (o object) made() template {
	for _, made := range []template{o.Spec.Template, o.Spec.JobTemplate.Spec.Template} {
		if len(made.Spec.Containers) > 0 {
			return made
		}
	}
	t := template{Spec: o.Spec.podSpec}
	t.Metadata.Labels = o.Metadata.Labels
	return t
}

// helm is where make builds it, or the test is skipped.
func helm(t *testing.T) string {
	t.Helper()
	sums, err := os.ReadFile("../.tools/kube/go.sum")
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(sums)
	path := filepath.Join(cache, "filmgate", "chart-"+hex.EncodeToString(digest[:])[:12], "helm")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("helm is not built: `make chart-check` builds it (%v)", err)
	}
	return path
}

// render is what helm would install.
func render(t *testing.T, release, chart string, args ...string) []object {
	t.Helper()
	cmd := exec.Command(helm(t), append([]string{"template", release, chart, "--namespace", "photos"}, args...)...)
	var trouble bytes.Buffer
	cmd.Stderr = &trouble
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, &trouble)
	}
	var objects []object
	documents := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var o object
		if err := documents.Decode(&o); errors.Is(err, io.EOF) {
			return objects
		} else if err != nil {
			t.Fatalf("%s: %v", cmd, err)
		}
		if o.Kind != "" {
			objects = append(objects, o)
		}
	}
}

// ciValues are the files of values that everything is tried with.
func ciValues(t *testing.T, chart string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(chart, "ci", "*-values.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no ci values of %s: %v", chart, err)
	}
	return files
}

// program is the binary that a container runs, with its subcommand: the last name in the image.
func (c container) program() string {
	name := c.Image[strings.LastIndexByte(c.Image, '/')+1:]
	name, _, _ = strings.Cut(name, "@")
	name, _, _ = strings.Cut(name, ":")
	return strings.Join(append([]string{name}, c.Args...), " ")
}
