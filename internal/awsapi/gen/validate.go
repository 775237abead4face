package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// validate writes the rules of the constrained shapes and a Validate method
// for each structure that an input can hold. Members are checked in the order
// of their names: AWS answers a sign-up whose password and username are both
// wrong with the password first, although the model has them the other way
// round.
func (g *generator) validate(b *bytes.Buffer) error {
	rules := map[string]string{}
	var methods bytes.Buffer
	for _, name := range g.shapes {
		s := g.model.Shapes[name]
		if !g.inputs[name] || s.Type != "structure" || s.Document {
			continue
		}
		body, err := g.validateBody(s, rules)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		receiver := "in"
		arg := "v"
		if body == "" {
			receiver, arg = "", "_"
		}
		fmt.Fprintf(&methods, "// Validate checks the constraints of %s.\nfunc (%s *%s) Validate(%s *awsapi.Validation) {\n%s}\n\n", name, receiver, lower(name), arg, body)
	}
	patterns := map[string]int{}
	for _, n := range slices.Sorted(maps.Keys(rules)) {
		if p := g.model.Shapes[n].Pattern; p != "" {
			if _, ok := patterns[p]; !ok {
				patterns[p] = len(patterns)
			}
		}
	}
	byNumber := make([]string, len(patterns))
	for p, i := range patterns {
		byNumber[i] = p
	}
	b.WriteString("var (\n")
	for i, p := range byNumber {
		expr, not, err := convert(p)
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "pattern%d = awsapi.Pattern{Text: %s, Expr: %s", i, goString(p), goString(expr))
		if not != "" {
			fmt.Fprintf(b, ", Not: %s", goString(not))
		}
		b.WriteString("}\n")
	}
	b.WriteString(")\n\nvar (\n")
	for _, n := range slices.Sorted(maps.Keys(rules)) {
		rule := rules[n]
		if p := g.model.Shapes[n].Pattern; p != "" {
			rule = strings.Replace(rule, "PATTERN", fmt.Sprintf("&pattern%d", patterns[p]), 1)
		}
		fmt.Fprintf(b, "rule%s = %s\n", n, rule)
	}
	b.WriteString(")\n\n")
	b.Write(methods.Bytes())
	return nil
}

func goString(s string) string {
	if strings.ContainsAny(s, "`\n\r") {
		return strconv.Quote(s)
	}
	return "`" + s + "`"
}

// validateBody returns the checks of a structure's members, and records the
// rules that they need.
func (g *generator) validateBody(s *shape, rules map[string]string) (string, error) {
	var b strings.Builder
	for _, name := range slices.Sorted(slices.Values(s.Members.names)) {
		m := s.Members.values[name]
		t := g.model.Shapes[m.Shape]
		field, path := "in."+upper(name), strconv.Quote(lower(name))
		if m.Required {
			fmt.Fprintf(&b, "v.Required(%s, %s == nil, %v)\n", path, field, t.Sensitive)
		}
		switch t.Type {
		case "string":
			if rule, ok := stringRule(t); ok {
				rules[m.Shape] = rule
				fmt.Fprintf(&b, "v.String(%s, %s, &rule%s)\n", path, field, m.Shape)
			}
		case "integer", "long", "double":
			if t.Min != nil || t.Max != nil {
				rules[m.Shape] = numberRule(t)
				fmt.Fprintf(&b, "awsapi.Number(v, %s, %s, &rule%s)\n", path, field, m.Shape)
			}
		case "boolean", "timestamp", "blob":
			if t.Min != nil || t.Max != nil || t.Pattern != "" {
				return "", fmt.Errorf("%s: a constrained %s is not supported", name, t.Type)
			}
		case "structure":
			if !t.Document {
				fmt.Fprintf(&b, "if %s != nil {\nv.Enter(%s)\n%s.Validate(v)\nv.Leave()\n}\n", field, path, field)
			}
		case "list":
			code, err := g.validateList(field, path, m.Shape, rules)
			if err != nil {
				return "", fmt.Errorf("%s: %w", name, err)
			}
			b.WriteString(code)
		case "map":
			code, err := g.validateMap(field, path, m.Shape, rules)
			if err != nil {
				return "", fmt.Errorf("%s: %w", name, err)
			}
			b.WriteString(code)
		default:
			return "", fmt.Errorf("%s: type %s is not supported", name, t.Type)
		}
	}
	return b.String(), nil
}

func (g *generator) validateList(field, path, name string, rules map[string]string) (string, error) {
	t := g.model.Shapes[name]
	e := g.model.Shapes[t.Member]
	switch e.Type {
	case "string":
		rule, ok := stringRule(e)
		if !ok && !sized(t) {
			return "", nil
		}
		rules[name], rules[t.Member] = sizeRule(t), rule
		return fmt.Sprintf("v.Strings(%s, %s, &rule%s, &rule%s)\n", path, field, name, t.Member), nil
	case "structure":
		code := ""
		if sized(t) {
			rules[name] = sizeRule(t)
			code = fmt.Sprintf("v.Size(%s, len(%s), %s != nil, &rule%s)\n", path, field, field, name)
		}
		return code + fmt.Sprintf("for i := range %s {\nif v.Full() {\nbreak\n}\nv.EnterItem(%s, i)\n%s[i].Validate(v)\nv.Leave()\n}\n", field, path, field), nil
	}
	return "", fmt.Errorf("a list of %s is not supported", e.Type)
}

func (g *generator) validateMap(field, path, name string, rules map[string]string) (string, error) {
	t := g.model.Shapes[name]
	k, e := g.model.Shapes[t.Key], g.model.Shapes[t.Value]
	key := "nil"
	if rule, ok := stringRule(k); ok {
		rules[t.Key] = rule
		key = "&rule" + t.Key
	}
	switch e.Type {
	case "string":
		value := "nil"
		if rule, ok := stringRule(e); ok {
			rules[t.Value] = rule
			value = "&rule" + t.Value
		}
		rules[name] = sizeRule(t)
		return fmt.Sprintf("v.StringMap(%s, %s, &rule%s, %s, %s)\n", path, field, name, key, value), nil
	case "double":
		rules[name], rules[t.Value] = sizeRule(t), numberRule(e)
		return fmt.Sprintf("v.Float64Map(%s, %s, &rule%s, %s, &rule%s)\n", path, field, name, key, t.Value), nil
	case "structure":
		code := ""
		if key != "nil" {
			rules[name] = sizeRule(t)
			code = fmt.Sprintf("awsapi.Keys(v, %s, %s, &rule%s, %s)\n", path, field, name, key)
		}
		return code + fmt.Sprintf("for _, k := range slices.Sorted(maps.Keys(%s)) {\nif v.Full() {\nbreak\n}\ne := %s[k]\nv.EnterEntry(%s, k)\ne.Validate(v)\nv.Leave()\n}\n", field, field, path), nil
	}
	return "", fmt.Errorf("a map of %s is not supported", e.Type)
}

func sized(t *shape) bool { return t.Min != nil && *t.Min > 0 || t.Max != nil }

func stringRule(t *shape) (string, bool) {
	var f []string
	if t.Min != nil && *t.Min > 0 {
		f = append(f, fmt.Sprintf("Min: %d", int64(*t.Min)))
	}
	if t.Max != nil {
		f = append(f, fmt.Sprintf("Max: %d", int64(*t.Max)))
	}
	if t.Pattern != "" {
		f = append(f, "Pattern: PATTERN")
	}
	if t.Enum != nil {
		f = append(f, fmt.Sprintf("Enum: %#v", t.Enum))
	}
	constrained := len(f) > 0
	if t.Sensitive {
		f = append(f, "Sensitive: true")
	}
	return "awsapi.StringRule{" + strings.Join(f, ", ") + "}", constrained
}

func numberRule(t *shape) string {
	var f []string
	if t.Min != nil {
		f = append(f, fmt.Sprintf("Min: %v, HasMin: true", *t.Min))
	}
	if t.Max != nil {
		f = append(f, "Max: "+strconv.FormatFloat(*t.Max, 'f', -1, 64)+", HasMax: true")
	}
	if t.Type == "double" {
		f = append(f, "Double: true")
	}
	return "awsapi.NumberRule{" + strings.Join(f, ", ") + "}"
}

func sizeRule(t *shape) string {
	var f []string
	if t.Min != nil && *t.Min > 0 {
		f = append(f, fmt.Sprintf("Min: %d", int64(*t.Min)))
	}
	if t.Max != nil {
		f = append(f, fmt.Sprintf("Max: %d", int64(*t.Max)))
	}
	if t.Sensitive {
		f = append(f, "Sensitive: true")
	}
	return "awsapi.SizeRule{" + strings.Join(f, ", ") + "}"
}
