// Package eventstest gives a test events of every type, and checks what a service says against the published schemas.
package eventstest

import (
	"bytes"
	"io/fs"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"filmgate.dev/pkg/events"
	"filmgate.dev/pkg/events/schema"
)

// Valid fails the test unless message is an event as the schemas say. It answers the event.
func Valid(t testing.TB, message []byte) events.Envelope {
	t.Helper()
	env, err := events.Decode(message)
	if err != nil {
		t.Fatalf("not an event: %v\n%s", err, message)
	}
	if !strings.HasPrefix(env.DataSchema, events.SchemaBase) {
		t.Fatalf("event %s has the schema %q", env.ID, env.DataSchema)
	}
	compiler := compiler(t)
	check(t, compiler, events.SchemaBase+"envelope/1.0.json", message)
	check(t, compiler, env.DataSchema, env.Data)
	return env
}

func check(t testing.TB, compiler *jsonschema.Compiler, url string, document []byte) {
	t.Helper()
	compiled, err := compiler.Compile(url)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(value); err != nil {
		t.Fatalf("this is not as the schema says: %v\n%s", err, document)
	}
}

func compiler(t testing.TB) *jsonschema.Compiler {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	err := fs.WalkDir(schema.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := schema.Files.ReadFile(name)
		if err != nil {
			return err
		}
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
		if err != nil {
			return err
		}
		return compiler.AddResource(events.SchemaBase+name, document)
	})
	if err != nil {
		t.Fatal(err)
	}
	return compiler
}
