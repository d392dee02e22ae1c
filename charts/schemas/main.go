// Command schemas writes the JSON Schemas that kubeconform holds rendered charts against: Kubernetes' own objects, of the
// oldest version the chart supports and of the newest, and the kinds that operators add. They are strict (no unknown key) and
// stand alone, and are made from the Go modules that carry them; none is committed.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// source is a module that carries definitions, and the files in it.
type source struct {
	dir, module, sum string // dir below the output; sum as in a go.sum
	files            string // a pattern; swagger.json or CRDs
}

var sources = []source{
	{"1.29", "k8s.io/kubernetes@v1.29.14", "h1:mbk5M/WaJr/AX7p3p2/7eJjrtI+I3AKu7IEjI8+Ny/U=", "api/openapi-spec/swagger.json"},
	{"1.37", "k8s.io/kubernetes@v1.37.2", "h1:A2VDEiObzkYqFTKhSsn0ZEb0RlLEXpHWj93gi2HqEwE=", "api/openapi-spec/swagger.json"},
	{"crds", "github.com/prometheus-operator/prometheus-operator@v0.85.0", "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=", "example/prometheus-operator-crd/*.yaml"},
	{"crds", "github.com/kedacore/keda/v2@v2.21.0", "h1:R6z2HZvstK4RLUMxroNACzBj74xGxt3kG59b5Xc+Xps=", "config/crd/bases/*.yaml"},
	{"crds", "github.com/cert-manager/cert-manager@v1.21.2", "h1:UWgoYM+KLNtRlqmoWOKjKBOBUPVHeepQ6/ac3ERJW68=", "deploy/crds/*.yaml"},
	{"crds", "sigs.k8s.io/gateway-api@v1.6.3", "h1:lKpJa5bGlraC/QeACvCpsHLdmO6y0iKfzVl6gzaFEYc=", "config/crd/standard/*.yaml"},
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: schemas FOLDER")
		os.Exit(2)
	}
	for _, s := range sources {
		n, err := s.write(os.Args[1])
		if err != nil {
			fmt.Fprintf(os.Stderr, "schemas: %s: %v\n", s.module, err)
			os.Exit(1)
		}
		fmt.Printf("%3d schemas of %s\n", n, s.module)
	}
}

// write puts the source's schemas into its folder below out, and answers how many.
func (s source) write(out string) (int, error) {
	dir, err := s.download()
	if err != nil {
		return 0, err
	}
	paths, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(s.files)))
	if err != nil {
		return 0, err
	}
	if len(paths) == 0 {
		return 0, errors.New("it has no " + s.files)
	}
	out = filepath.Join(out, s.dir)
	if err := os.MkdirAll(out, 0o755); err != nil {
		return 0, err
	}
	n := 0
	for _, path := range paths {
		read := customResources
		if strings.HasSuffix(path, ".json") {
			read = builtins
		}
		kinds, err := read(path)
		if err != nil {
			return n, fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
		for _, k := range kinds {
			if err := k.save(out); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}

// download has go fetch the module, or find it in its cache, and answers its folder.
func (s source) download() (string, error) {
	cmd := exec.CommandContext(context.Background(), "go", "mod", "download", "-json", s.module) // as long as it takes
	cmd.Env = append(os.Environ(), "GOWORK=off", "GO111MODULE=on", "GOFLAGS=-mod=mod")
	cmd.Dir = os.TempDir() // outside any module: nobody's go.mod is asked or changed
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	var got struct{ Dir, Sum, Error string }
	if json.Unmarshal(text, &got) == nil && got.Error != "" {
		return "", errors.New(got.Error)
	}
	if err != nil {
		return "", err
	}
	if got.Sum != s.sum {
		return "", fmt.Errorf("its checksum is %s, and not %s", got.Sum, s.sum)
	}
	return got.Dir, nil
}

// kind is one version of a kind of object.
type kind struct {
	group, version, name string
	schema               schema
}

func (k kind) save(dir string) error {
	k.schema["$schema"] = "http://json-schema.org/schema#"
	text, err := json.Marshal(k.schema)
	if err != nil {
		return err
	}
	file := strings.ToLower(k.name)
	if group, _, _ := strings.Cut(k.group, "."); group != "" {
		file += "-" + group
	}
	return os.WriteFile(filepath.Join(dir, file+"-"+k.version+".json"), text, 0o644)
}

// builtins reads Kubernetes' own description of its API.
func builtins(path string) ([]kind, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var swagger struct{ Definitions definitions }
	if err := json.Unmarshal(text, &swagger); err != nil {
		return nil, err
	}
	var kinds []kind
	for name, d := range swagger.Definitions {
		gvks, _ := d["x-kubernetes-group-version-kind"].([]any)
		properties, _ := d["properties"].(map[string]any)
		if len(gvks) != 1 || properties["metadata"] == nil {
			continue
		}
		gvk := gvks[0].(map[string]any)
		k := kind{group: gvk["group"].(string), version: gvk["version"].(string), name: gvk["kind"].(string)}
		k.schema = swagger.Definitions.strict(d, []string{name})
		k.pin()
		kinds = append(kinds, k)
	}
	return kinds, nil
}

// pin lets the schema describe this kind and no other.
func (k kind) pin() {
	api := k.version
	if k.group != "" {
		api = k.group + "/" + k.version
	}
	properties := k.schema["properties"].(map[string]any)
	properties["kind"] = schema{"type": "string", "enum": []any{k.name}}
	properties["apiVersion"] = schema{"type": "string", "enum": []any{api}}
	required, _ := k.schema["required"].([]any)
	k.schema["required"] = append(append([]any{}, required...), "kind", "apiVersion")
}

// customResources reads CustomResourceDefinitions.
func customResources(path string) ([]kind, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var kinds []kind
	documents := yaml.NewDecoder(file)
	for {
		var crd struct {
			Kind string
			Spec struct {
				Group    string
				Names    struct{ Kind string }
				Versions []struct {
					Name   string
					Schema struct {
						OpenAPI schema `yaml:"openAPIV3Schema"`
					}
				}
			}
		}
		if err := documents.Decode(&crd); errors.Is(err, io.EOF) {
			return kinds, nil
		} else if err != nil {
			return nil, err
		}
		if crd.Kind != "CustomResourceDefinition" {
			continue
		}
		for _, v := range crd.Spec.Versions {
			k := kind{group: crd.Spec.Group, version: v.Name, name: crd.Spec.Names.Kind}
			k.schema = definitions(nil).strict(v.Schema.OpenAPI, nil)
			k.schema["properties"].(map[string]any)["metadata"] = schema{"type": "object"}
			k.pin()
			kinds = append(kinds, k)
		}
	}
}
