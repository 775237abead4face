package template

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Template is a template that has the right form. What its values stand for
// depends on an Environment.
type Template struct {
	Description string
	Transforms  []string
	Metadata    *Map
	Parameters  []*Parameter // in the order of the text, as the rest
	Mappings    *Map
	Conditions  *Map
	Rules       *Map
	Resources   []*Resource
	Outputs     []*Output

	resources map[string]*Resource
	program   int                 // instructions of all patterns
	late      map[string][]string // see Late
}

// Resource is one entry of Resources.
type Resource struct {
	ID, Type            string
	Properties          *Map // never nil
	DependsOn           []string
	Condition           string
	DeletionPolicy      string // Delete or Retain, or RetainExceptOnCreate
	UpdateReplacePolicy string // Delete or Retain
	Metadata            any
}

// Output is one entry of Outputs.
type Output struct {
	ID, Description, Condition string
	Value                      any
	Export                     any // the name, nil if there is none
}

var (
	logicalID   = regexp.MustCompile(`^[A-Za-z0-9]{1,255}$`)
	mappingName = regexp.MustCompile(`^[A-Za-z0-9]{1,255}$`)
)

// Parse reads a template. The error is an *Error.
func Parse(text string) (*Template, error) {
	root, err := Read(text)
	if err != nil {
		return nil, err
	}
	return Build(root)
}

// Read reads the text of a template as it is, transforms and all.
func Read(text string) (*Map, error) {
	if len(text) > MaxBody {
		return nil, errorf("Template may not exceed %d bytes in size.", MaxBody)
	}
	v, err := readValue(text)
	if err != nil {
		return nil, err
	}
	root, ok := v.(*Map)
	if !ok {
		return nil, formatError("unsupported structure.")
	}
	return root, nil
}

// Build makes a template of what Read returned.
func Build(root *Map) (*Template, error) {
	t, err := build(root)
	if err != nil {
		return nil, err
	}
	if len(t.Resources) == 0 {
		return nil, formatError("At least one Resources member must be defined.")
	}
	return t, t.check()
}

// headSections are those that a transform may need and does not change, and
// Conditions, which Fn::If needs.
var headSections = []string{"AWSTemplateFormatVersion", "Description", "Transform", "Metadata", "Parameters", "Mappings", "Conditions", "Rules"}

// Head makes a template of all of root but what there is to be: enough to know
// the parameters and to evaluate what depends on them alone.
func Head(root *Map) (*Template, error) {
	head := NewMap()
	for _, name := range headSections {
		if v, ok := root.Get(name); ok {
			head.Set(name, v)
		}
	}
	return build(head)
}

func build(root *Map) (*Template, error) {
	t := &Template{resources: map[string]*Resource{}}
	sections := map[string]func(any) error{
		"AWSTemplateFormatVersion": func(v any) error {
			if text(v) != "2010-09-09" {
				return formatError("Version %v is not supported; it must be 2010-09-09", text(v))
			}
			return nil
		},
		"Description": func(v any) error {
			s, ok := v.(string)
			if !ok || len(s) > 1024 {
				return formatError("Description must be a text of up to 1024 bytes")
			}
			t.Description = s
			return nil
		},
		"Transform": func(v any) error { return t.transforms(v) },
		"Metadata":  func(v any) error { return section("Metadata", v, &t.Metadata) },
		"Parameters": func(v any) error {
			return entries("Parameters", v, maxSection, func(id string, m *Map) error {
				p, err := parameter(id, m)
				if err != nil {
					return err
				}
				t.Parameters = append(t.Parameters, p)
				if t.program += p.program; t.program > maxProgram {
					return formatError("the patterns of the parameters are too large")
				}
				return nil
			})
		},
		"Mappings":   func(v any) error { return t.mappings(v) },
		"Conditions": func(v any) error { return section("Conditions", v, &t.Conditions) },
		"Rules":      func(v any) error { return section("Rules", v, &t.Rules) },
		"Resources": func(v any) error {
			return entries("Resources", v, MaxResources, func(id string, m *Map) error {
				r, err := resource(id, m)
				if err == nil {
					t.Resources = append(t.Resources, r)
					t.resources[id] = r
				}
				return err
			})
		},
		"Outputs": func(v any) error {
			return entries("Outputs", v, maxSection, func(id string, m *Map) error {
				o, err := output(id, m)
				t.Outputs = append(t.Outputs, o)
				return err
			})
		},
	}
	for _, name := range root.keys {
		read := sections[name]
		if read == nil {
			return nil, errorf("Invalid template property or properties [%.100s]", name)
		}
		if err := read(root.values[name]); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// Resource returns the resource with that logical id.
func (t *Template) Resource(id string) (*Resource, bool) {
	r, ok := t.resources[id]
	return r, ok
}

func (t *Template) transforms(v any) error {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, e := range list {
		if m, isMap := e.(*Map); isMap { // with the parameters of a macro
			e, _ = m.Get("Name")
		}
		name, ok := e.(string)
		if !ok {
			return formatError("Transform must be a text or a list of texts")
		}
		t.Transforms = append(t.Transforms, name)
	}
	return nil
}

func (t *Template) mappings(v any) error {
	if err := section("Mappings", v, &t.Mappings); err != nil {
		return err
	}
	if t.Mappings.Len() > maxSection {
		return formatError("Number of mappings, %d, is greater than maximum allowed, %d", t.Mappings.Len(), maxSection)
	}
	for _, name := range t.Mappings.keys {
		top, ok := t.Mappings.values[name].(*Map)
		if !ok || !mappingName.MatchString(name) {
			return formatError("Every Mappings member must be a map with a name of letters and digits; %.100q is not", name)
		}
		for _, k := range top.keys {
			second, ok := top.values[k].(*Map)
			if !ok {
				return formatError("Every Mappings attribute must be a map; %.100s.%.100s is not", name, k)
			}
			for _, a := range second.keys {
				if !plain(second.values[a]) {
					return formatError("Every Mappings attribute must be a String or a List; %.100s.%.100s.%.100s is not", name, k, a)
				}
			}
		}
	}
	return nil
}

// plain reports whether a value is a text or a list of texts. A function in a
// mapping could look itself up.
func plain(v any) bool {
	if list, ok := v.([]any); ok {
		return !slices.ContainsFunc(list, func(x any) bool { _, scalar := Text(x); return !scalar })
	}
	_, scalar := Text(v)
	return scalar
}

func section(name string, v any, to **Map) error {
	m, ok := v.(*Map)
	if !ok {
		return formatError("%s section must be a map", name)
	}
	*to = m
	return nil
}

// entries calls read for each entry of a section.
func entries(name string, v any, most int, read func(string, *Map) error) error {
	var m *Map
	if err := section(name, v, &m); err != nil {
		return err
	}
	if m.Len() > most {
		return formatError("Number of %s, %d, is greater than maximum allowed, %d", strings.ToLower(name), m.Len(), most)
	}
	for _, id := range m.keys {
		if !logicalID.MatchString(id) {
			return formatError("%s name %.100q is non alphanumeric.", strings.TrimSuffix(name, "s"), id)
		}
		e, ok := m.values[id].(*Map)
		if !ok {
			return formatError("Every %s member must be an object; %s is not", name, id)
		}
		if err := read(id, e); err != nil {
			return err
		}
	}
	return nil
}

func resource(id string, m *Map) (*Resource, error) {
	r := &Resource{ID: id, Properties: NewMap(), DeletionPolicy: "Delete", UpdateReplacePolicy: "Delete"}
	for _, k := range m.keys {
		v := m.values[k]
		var err error
		switch k {
		case "Type":
			r.Type, err = plainText("Type", id, v)
		case "Properties":
			props, ok := v.(*Map)
			if !ok && v != nil {
				return nil, formatError("Properties of resource %s must be an object", id)
			}
			if ok {
				r.Properties = props
			}
		case "DependsOn":
			list, ok := v.([]any)
			if !ok {
				list = []any{v}
			}
			for _, e := range list {
				d, err := plainText("DependsOn", id, e)
				if err != nil {
					return nil, err
				}
				r.DependsOn = append(r.DependsOn, d)
			}
		case "Condition":
			r.Condition, err = plainText("Condition", id, v)
		case "DeletionPolicy":
			r.DeletionPolicy, err = policy(k, id, v, "Delete", "Retain", "RetainExceptOnCreate")
		case "UpdateReplacePolicy":
			r.UpdateReplacePolicy, err = policy(k, id, v, "Delete", "Retain")
		case "Metadata":
			r.Metadata = v
		case "CreationPolicy", "UpdatePolicy":
			return nil, errorf("Resource %s has the attribute %s, which this version of Rockpool does not support", id, k)
		default:
			return nil, errorf("Invalid template resource property '%.100s'", k)
		}
		if err != nil {
			return nil, err
		}
	}
	if r.Type == "" {
		return nil, formatError("[/Resources/%s] Every Resources object must contain a Type member.", id)
	}
	return r, nil
}

func policy(attribute, id string, v any, allowed ...string) (string, error) {
	s, err := plainText(attribute, id, v)
	if err == nil && !slices.Contains(allowed, s) {
		err = formatError("Unrecognized %s %.50s for resource %s: one of %s is supported", attribute, s, id, strings.Join(allowed, ", "))
	}
	return s, err
}

func plainText(attribute, id string, v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", formatError("%s of %s must be a text", attribute, id)
	}
	return s, nil
}

func output(id string, m *Map) (*Output, error) {
	o := &Output{ID: id}
	for _, k := range m.keys {
		v := m.values[k]
		var err error
		switch k {
		case "Description":
			o.Description, err = plainText(k, id, v)
		case "Condition":
			o.Condition, err = plainText(k, id, v)
		case "Value":
			o.Value = v
		case "Export":
			e, ok := v.(*Map)
			name, named := e.Get("Name")
			if !ok || !named || e.Len() != 1 {
				return nil, formatError("Export of output %s must have a Name and nothing else", id)
			}
			o.Export = name
		default:
			return nil, formatError("Invalid property %.100s of output %s", k, id)
		}
		if err != nil {
			return nil, err
		}
	}
	if o.Value == nil {
		return nil, formatError("Output %s must have a Value", id)
	}
	return o, nil
}

// text is a scalar as text.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case Number:
		return string(v)
	case bool:
		return fmt.Sprint(v)
	}
	return ""
}
