package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"filmgate.dev/pkg/events"
)

// schema is the part of JSON Schema that the contract needs. Objects are open: unknown fields are ignored.
type schema struct {
	Dialect     string             `json:"$schema,omitempty"`
	ID          string             `json:"$id,omitempty"`
	Title       string             `json:"title,omitempty"`
	Description string             `json:"description,omitempty"`
	Ref         string             `json:"$ref,omitempty"`
	Type        string             `json:"type,omitempty"`
	Const       string             `json:"const,omitempty"`
	Format      string             `json:"format,omitempty"`
	Required    []string           `json:"required,omitempty"`
	Properties  map[string]*schema `json:"properties,omitempty"`
	Items       *schema            `json:"items,omitempty"`
	Defs        map[string]*schema `json:"$defs,omitempty"`
}

func schemaFiles(src source) ([]file, error) {
	envelope := document(src, reflect.TypeFor[events.Envelope](), events.SchemaBase+"envelope/1.0.json", "envelope", src.comments["Envelope"])
	envelope.Properties["specversion"].Const = "1.0"
	all := []*schema{envelope}
	for _, k := range events.Kinds() {
		all = append(all, document(src, reflect.TypeOf(k.Data), k.SchemaURL(), string(k.Type), k.Description))
	}
	files := make([]file, 0, len(all))
	for _, s := range all {
		content, err := pretty(s)
		if err != nil {
			return nil, err
		}
		files = append(files, file{name: "schema/" + strings.TrimPrefix(s.ID, events.SchemaBase), content: content, immutable: true})
	}
	return files, nil
}

func document(src source, t reflect.Type, id, title, description string) *schema {
	w := writer{src: src, defs: map[string]*schema{}}
	s := w.object(t)
	s.Dialect = "https://json-schema.org/draft/2020-12/schema"
	s.ID, s.Title, s.Description = id, title, description
	s.Defs = w.defs
	return s
}

type writer struct {
	src  source
	defs map[string]*schema
}

func (w writer) object(t reflect.Type) *schema {
	s := &schema{Type: "object", Properties: map[string]*schema{}}
	w.fields(t, s)
	return s
}

func (w writer) fields(t reflect.Type, s *schema) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			w.fields(f.Type, s)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		property := w.value(f.Type)
		if comment := w.src.comments[t.Name()+"."+f.Name]; comment != "" {
			property.Description = comment
		}
		s.Properties[name] = property
		if !strings.Contains(options, "omit") {
			s.Required = append(s.Required, name)
		}
	}
}

func (w writer) value(t reflect.Type) *schema {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return &schema{Type: "string", Format: "date-time"}
	case t == reflect.TypeFor[json.RawMessage]():
		return &schema{Type: "object"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return w.value(t.Elem())
	case reflect.Slice:
		return &schema{Type: "array", Items: w.value(t.Elem())}
	case reflect.Struct:
		if w.defs[t.Name()] == nil {
			def := w.object(t)
			def.Description = w.src.comments[t.Name()]
			w.defs[t.Name()] = def
		}
		return &schema{Ref: "#/$defs/" + t.Name()}
	case reflect.String:
		return &schema{Type: "string", Description: w.src.comments[t.Name()]}
	case reflect.Bool:
		return &schema{Type: "boolean"}
	case reflect.Int, reflect.Int64:
		return &schema{Type: "integer"}
	case reflect.Float64:
		return &schema{Type: "number"}
	}
	// A type that the contract has no word for is a mistake of whoever adds it, seen when it is generated.
	panic(fmt.Sprintf("the contract has no word for a %s", t))
}

func pretty(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(v)
	return out.Bytes(), err
}
