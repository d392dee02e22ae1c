package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func readSchema(t *testing.T, name string) *schema {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(eventsDir, name))
	if err != nil {
		t.Fatal(err)
	}
	var s schema
	if err := json.Unmarshal(content, &s); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return &s
}

// previousMinor answers the file of the version before: schema/x/1.1.json → schema/x/1.0.json.
func previousMinor(name string) (string, bool) {
	minor, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(path.Base(name), "1."), ".json"))
	if err != nil || minor == 0 {
		return "", false
	}
	return path.Join(path.Dir(name), fmt.Sprintf("1.%d.json", minor-1)), true
}

// breakages answers what a reader of the older schema would stumble over.
func breakages(older, newer *schema) []string {
	list := compare("", older, newer)
	for _, name := range slices.Sorted(maps.Keys(older.Defs)) {
		if newer.Defs[name] != nil {
			list = append(list, compare("$defs."+name+".", older.Defs[name], newer.Defs[name])...)
		}
	}
	return list
}

func compare(at string, older, newer *schema) (list []string) {
	for _, name := range slices.Sorted(maps.Keys(older.Properties)) {
		was, is := older.Properties[name], newer.Properties[name]
		switch {
		case is == nil:
			list = append(list, at+name+": removed")
		case was.Type != is.Type:
			list = append(list, fmt.Sprintf("%s%s: %s became %s", at, name, was.Type, is.Type))
		case was.Ref != is.Ref:
			list = append(list, at+name+": another definition")
		case was.Items != nil && (is.Items == nil || was.Items.Type != is.Items.Type || was.Items.Ref != is.Items.Ref):
			list = append(list, at+name+": a list of something else")
		case slices.Contains(older.Required, name) && !slices.Contains(newer.Required, name):
			list = append(list, at+name+": no longer always there")
		}
	}
	return list
}
