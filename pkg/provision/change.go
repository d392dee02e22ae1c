// Package provision makes what Filmgate needs on an event server, or patches what is there, and says in words what it did.
//
// It never destroys: what would take messages, copies or somebody else's stream away is refused, with the reason.
package provision

import (
	"fmt"
	"reflect"
	"strings"
)

// Did is what was done to an object.
type Did string

// What can be done to an object.
const (
	Made    Did = "made"
	Changed Did = "changed"
	Left    Did = "left"
)

// Change is what was done to one object, or would be done.
type Change struct {
	Did  Did
	What string   // such as "stream FILES"
	How  []string // such as "max_age 1h0m0s → 720h0m0s"
}

// String says it in a line.
func (c Change) String() string {
	line := fmt.Sprintf("%-8s %s", c.Did, c.What)
	if len(c.How) > 0 {
		line += ": " + strings.Join(c.How, ", ")
	}
	return line
}

// differences names the fields of two configurations that differ, as NATS' own tools do.
func differences[T any](have, want T) []string {
	var all []string
	a, b := reflect.ValueOf(have), reflect.ValueOf(want)
	for i := range a.NumField() {
		if reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			continue
		}
		name, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("json"), ",")
		all = append(all, fmt.Sprintf("%s %s → %s", name, show(a.Field(i)), show(b.Field(i))))
	}
	return all
}

func show(v reflect.Value) string {
	if v.Kind() == reflect.String {
		return fmt.Sprintf("%q", v.String())
	}
	return fmt.Sprintf("%v", v.Interface())
}
