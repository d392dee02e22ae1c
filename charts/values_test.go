package charts

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// charts are the folders of this module that are charts.
var charts = []string{"filmgate", "devstack"}

// Every leaf of values.yaml has a comment that helm-docs puts into the README, and a place in the schema that says what it may
// be; and every object of the schema is closed, so that a key written wrong is refused and not ignored.
func TestValuesAreDocumentedAndInTheSchema(t *testing.T) {
	for _, chart := range charts {
		t.Run(chart, func(t *testing.T) {
			schema := readSchema(t, chart)
			checkMapping(t, schema, schema.root, readValues(t, chart), "", false)
		})
	}
}

func checkMapping(t *testing.T, s schema, at map[string]any, values *yaml.Node, path string, documented bool) {
	for i := 0; i < len(values.Content); i += 2 {
		key, value := values.Content[i], values.Content[i+1]
		name := strings.TrimPrefix(path+"."+key.Value, ".")
		said := documented || strings.Contains(key.HeadComment, "# -- ")
		property := s.property(at, key.Value)
		if property == nil {
			t.Errorf("%s is not in values.schema.json", name)
			continue
		}
		if value.Kind == yaml.MappingNode && len(value.Content) > 0 {
			checkMapping(t, s, property, value, name, said)
		} else if !said {
			t.Errorf("%s has no comment `# -- …`", name)
		}
	}
}

func TestSchemaIsClosed(t *testing.T) {
	for _, chart := range charts {
		t.Run(chart, func(t *testing.T) {
			s := readSchema(t, chart)
			s.walk("", s.root, func(path string, at map[string]any) {
				if at["properties"] != nil && at["additionalProperties"] != false {
					t.Errorf("%s allows keys that nobody knows", path)
				}
			})
		})
	}
}

// Each key of `defaults` may be said per component, so all components must know it.
func TestComponentsTakeEveryDefault(t *testing.T) {
	s := readSchema(t, "filmgate")
	defaults := s.property(s.root, "defaults")["properties"].(map[string]any)
	for _, component := range []string{"sftpEdge", "jobStatus", "albumMapper", "processing", "studio"} {
		for key := range defaults {
			if s.property(s.property(s.root, component), key) == nil {
				t.Errorf("%s.%s is not in the schema, but defaults.%s is", component, key, key)
			}
		}
	}
}

// schema is a values.schema.json.
type schema struct{ root map[string]any }

func readSchema(t *testing.T, chart string) schema {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(chart, "values.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var s schema
	if err := json.Unmarshal(text, &s.root); err != nil {
		t.Fatal(err)
	}
	return s
}

// property is what the schema says about a key; nil: nothing. An object that may have any keys says the same about all of them.
func (s schema) property(at map[string]any, key string) map[string]any {
	at = s.resolve(at)
	if properties, ok := at["properties"].(map[string]any); ok {
		property, _ := properties[key].(map[string]any)
		return s.resolve(property)
	}
	if more, ok := at["additionalProperties"].(map[string]any); ok {
		return s.resolve(more)
	}
	if at["type"] == "object" && at["additionalProperties"] == nil {
		return map[string]any{"type": "object"} // as Kubernetes writes it: the API server checks it
	}
	return nil
}

func (s schema) resolve(at map[string]any) map[string]any {
	ref, ok := at["$ref"].(string)
	if !ok {
		return at
	}
	definition, _ := s.root["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
	return s.resolve(definition)
}

func (s schema) walk(path string, at any, visit func(string, map[string]any)) {
	switch at := at.(type) {
	case map[string]any:
		visit(path, at)
		for key, value := range at {
			s.walk(path+"/"+key, value, visit)
		}
	case []any:
		for _, value := range at {
			s.walk(path, value, visit)
		}
	}
}

func readValues(t *testing.T, chart string) *yaml.Node {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(chart, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	return document.Content[0]
}
