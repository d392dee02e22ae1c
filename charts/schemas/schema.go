package main

import (
	"slices"
	"strings"
)

type (
	schema      = map[string]any
	definitions map[string]schema
)

// kept are the words that mean the same in OpenAPI and in JSON Schema.
var kept = []string{"type", "enum", "format", "required", "pattern", "minimum", "maximum", "minLength", "maxLength"}

// strict turns OpenAPI as Kubernetes writes it into a JSON Schema that needs no other one and allows no unknown key. within
// names the definitions that s stands in: one that contains itself ends as any object.
func (d definitions) strict(s schema, within []string) schema {
	if ref, ok := s["$ref"].(string); ok {
		name := ref[strings.LastIndexByte(ref, '/')+1:]
		switch {
		case strings.HasSuffix(name, "intstr.IntOrString"):
			return oneOf("string", "integer")
		case strings.HasSuffix(name, "resource.Quantity"):
			return oneOf("string", "number")
		case slices.Contains(within, name):
			return schema{"type": "object"}
		}
		return d.strict(d[name], append(slices.Clip(within), name))
	}
	out := schema{}
	for _, word := range kept {
		if value, ok := s[word]; ok {
			out[word] = value
		}
	}
	if s["x-kubernetes-int-or-string"] == true || s["format"] == "int-or-string" {
		delete(out, "type")
		delete(out, "format")
		out["oneOf"] = oneOf("string", "integer")["oneOf"]
		return out
	}
	if properties, ok := s["properties"].(map[string]any); ok {
		required, _ := s["required"].([]any)
		strict := schema{}
		for name, p := range properties {
			property := d.strict(p.(map[string]any), within)
			if !slices.Contains(required, any(name)) {
				orNull(property)
			}
			strict[name] = property
		}
		out["properties"] = strict
		if s["x-kubernetes-preserve-unknown-fields"] != true {
			out["additionalProperties"] = false
		}
	} else if values, ok := s["additionalProperties"].(map[string]any); ok {
		out["additionalProperties"] = d.strict(values, within)
	}
	if items, ok := s["items"].(map[string]any); ok {
		out["items"] = d.strict(items, within)
	}
	return out
}

func oneOf(types ...string) schema {
	var choices []any
	for _, t := range types {
		choices = append(choices, schema{"type": t})
	}
	return schema{"oneOf": choices}
}

// orNull allows null, as the API server does for what need not be given.
func orNull(s schema) {
	if t, ok := s["type"].(string); ok {
		s["type"] = []any{t, "null"}
		if values, ok := s["enum"].([]any); ok {
			s["enum"] = append(slices.Clip(values), nil)
		}
	} else if choices, ok := s["oneOf"].([]any); ok {
		s["oneOf"] = append(choices, schema{"type": "null"})
	}
}
