// Command contract writes the event contract in the forms that other programs read: JSON Schemas, examples, and the Go
// types of the SDK. All of them come from the Go types and the registry in pkg/events.
//
// A schema or example that exists and would change is an error: it may be released. Raise the type's Minor in the
// registry instead, or say -unreleased.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	unreleased := flag.Bool("unreleased", false, "overwrite schemas and examples that were never released")
	flag.Parse()
	if err := run(".", *unreleased); err != nil {
		fmt.Fprintln(os.Stderr, "contract:", err)
		os.Exit(1)
	}
}

// run writes below dir, the folder of pkg/events.
func run(dir string, unreleased bool) error {
	files, err := contract(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		name := filepath.Join(dir, filepath.FromSlash(f.name))
		have, err := os.ReadFile(name)
		switch {
		case err == nil && bytes.Equal(have, f.content):
			continue
		case err == nil && f.immutable && !unreleased:
			return fmt.Errorf("%s would change: raise Minor in registry.go, or say -unreleased if nobody has it yet", f.name)
		case err != nil && !os.IsNotExist(err):
			return err
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, f.content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// file is a generated file, named relative to pkg/events.
type file struct {
	name      string
	content   []byte
	immutable bool
}

// contract answers every generated file.
func contract(dir string) ([]file, error) {
	src, err := parseSource(dir, "types.go", "envelope.go")
	if err != nil {
		return nil, err
	}
	schemas, err := schemaFiles(src)
	if err != nil {
		return nil, err
	}
	examples, err := exampleFiles()
	if err != nil {
		return nil, err
	}
	sdk, err := sdkTypes(src)
	if err != nil {
		return nil, err
	}
	files := slices.Concat(schemas, examples, []file{sdk})
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return files, nil
}
