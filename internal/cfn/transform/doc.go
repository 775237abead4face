// Package transform rewrites templates that use more than CloudFormation's own
// language into templates that do not:
//
//	AWS::LanguageExtensions      loops and a few functions (language.go)
//	AWS::Serverless-2016-10-31   functions and their events, shortly (sam.go)
//
// It is pure: a template and its parameters in, a template out. It knows which
// names the originals give to what they make, since those are what a stack's
// resources are recognized by; it does not know what a resource type is.
//
// Of the serverless transform there is what user pools need: functions whose
// events are those of Cognito. Everything else of it is refused by name, and so
// is every other transform or macro.
//
// A few lines can ask for a million resources. What is made is counted, and
// bounded by the limits of a template (security PARSE-3).
package transform

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rockpoolhq/rockpool/internal/cfn/template"
)

// Serverless is the name of the transform for functions.
const Serverless = "AWS::Serverless-2016-10-31"

// Known reports whether there is a transform of that name.
func Known(name string) bool { return name == Serverless || name == template.LanguageExtensions }

const (
	maxNodes = 100_000 // of all values that loops make
	maxLoops = 5_000   // that are entered
)

// Expand returns the template root as its transforms make it; root stays what it
// is. env has the parameters and, as its Template, the head of root. The error
// is a *template.Error.
func Expand(root *template.Map, env *template.Environment) (*template.Map, error) {
	out := template.NewMap()
	for _, k := range root.Keys() {
		if v, _ := root.Get(k); k != "Transform" {
			out.Set(k, v)
		}
	}
	if name, ok := macro(out); ok {
		return nil, &template.Error{Message: "The macro " + name + " is not supported by this version of Rockpool (Fn::Transform)."}
	}
	var err error
	for _, name := range env.Template.Transforms {
		switch name {
		case template.LanguageExtensions:
			out, err = expandLanguage(out, env)
		case Serverless:
			out, err = expandServerless(out, env)
		default:
			return nil, &template.Error{Message: "The transform " + clip(name) + " is not supported by this version of Rockpool."}
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// macro finds a macro that is called in the middle of a template.
func macro(v any) (name string, found bool) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if name, found = macro(e); found {
				return name, true
			}
		}
	case *template.Map:
		for _, k := range v.Keys() {
			e, _ := v.Get(k)
			if k == "Fn::Transform" {
				m, _ := e.(*template.Map)
				n, _ := m.Get("Name")
				name, _ = template.Text(n)
				return clip(name), true
			}
			if name, found = macro(e); found {
				return name, true
			}
		}
	}
	return "", false
}

// because says what is wrong with a resource or an event, as a part of a longer
// text.
func because(format string, args ...any) error {
	return &template.Error{Message: fmt.Sprintf(format, args...)}
}

// clip shortens a text of the caller's for an error.
func clip(s string) string { return s[:min(len(s), 100)] }

// entry is a map of one entry: a function and its argument.
func entry(name string, arg any) *template.Map { return object(name, arg) }

// object makes a map of names and values; what is nil is left out.
func object(pairs ...any) *template.Map {
	m := template.NewMap()
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != nil {
			m.Set(pairs[i].(string), pairs[i+1])
		}
	}
	return m
}

func ref(id string) any          { return entry("Ref", id) }
func getAtt(id, name string) any { return entry("Fn::GetAtt", []any{id, name}) }

// copyOf copies a value to its depth.
func copyOf(v any) any {
	switch v := v.(type) {
	case []any:
		list := slices.Clone(v)
		for i := range list {
			list[i] = copyOf(list[i])
		}
		return list
	case *template.Map:
		m := template.NewMap()
		for _, k := range v.Keys() {
			e, _ := v.Get(k)
			m.Set(k, copyOf(e))
		}
		return m
	}
	return v
}

// quoted lists names for an error.
func quoted(names []string) string { return "'" + strings.Join(names, "', '") + "'" }
