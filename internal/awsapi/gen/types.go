package main

import (
	"bytes"
	"fmt"
)

// types writes a struct for each structure.
func (g *generator) types(b *bytes.Buffer) error {
	for _, name := range g.shapes {
		s := g.model.Shapes[name]
		if s.Type != "structure" || s.Document {
			continue
		}
		fmt.Fprintf(b, "type %s struct {\n", lower(name))
		for _, m := range s.Members.names {
			t, err := g.goType(s.Members.values[m].Shape, true)
			if err != nil {
				return fmt.Errorf("%s.%s: %w", name, m, err)
			}
			fmt.Fprintf(b, "%s %s `json:\"%s,omitzero\"`\n", upper(m), t, m)
		}
		b.WriteString("}\n\n")
	}
	return nil
}

// goType returns the Go type of a shape. Scalars and structures that may be
// absent are pointers; elements of lists and maps are not.
func (g *generator) goType(name string, optional bool) (string, error) {
	s := g.model.Shapes[name]
	star := ""
	if optional {
		star = "*"
	}
	switch s.Type {
	case "string":
		return star + "string", nil
	case "boolean":
		return star + "bool", nil
	case "integer":
		return star + "int32", nil
	case "long":
		return star + "int64", nil
	case "double":
		return star + "float64", nil
	case "timestamp":
		return star + "awsapi.Timestamp", nil
	case "blob":
		return "[]byte", nil
	case "structure":
		if s.Document {
			return "jsontext.Value", nil
		}
		return star + lower(name), nil
	case "list":
		t, err := g.goType(s.Member, false)
		return "[]" + t, err
	case "map":
		if k := g.model.Shapes[s.Key]; k.Type != "string" {
			return "", fmt.Errorf("map with %s keys", k.Type)
		}
		t, err := g.goType(s.Value, false)
		return "map[string]" + t, err
	}
	return "", fmt.Errorf("shape %s has unknown type %q", name, s.Type)
}
