//lint:file-ignore ST1005 The texts are CloudFormation's, or read like them.

package resource

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/rockpoolhq/rockpool/internal/cfn/template"
)

// shape is what a property can be.
type shape struct {
	kind    kind
	members map[string]*shape // of an object
	order   []string
	element *shape // of a list

	required bool
	replaces bool // a change of the property is a replacement
	refused  bool // there is nothing here that could honour it
}

type kind uint8

const (
	kindText kind = iota
	kindInteger
	kindNumber
	kindBoolean
	kindAny    // JSON as it is
	kindMap    // of texts
	kindList   // of element
	kindObject // of members
)

var kindNames = [...]string{"String", "Integer", "Number", "Boolean", "Json", "Map of String", "List", "an object"}

// parseSchema reads the notation of the types' tables: names, each with what it
// is, the marks ! (required), ^ (a change is a replacement) and - (refused):
//
//	PoolName^ Tags:map Count:int Ids:[] Policy!{ Length:int Words:[]{ Text } } Image-
//
// Without a kind it is a text. A notation that cannot be read stops the
// program, since it is a part of it.
func parseSchema(notation string) *shape {
	notation = strings.NewReplacer("{", " { ", "}", " } ").Replace(notation)
	words := strings.Fields(notation)
	root := &shape{kind: kindObject, members: map[string]*shape{}}
	if rest := parseMembers(root, words); len(rest) != 0 || strings.Count(notation, "{") != strings.Count(notation, "}") {
		panic("resource: the braces of a schema do not match: " + notation)
	}
	return root
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

func parseMembers(to *shape, words []string) []string {
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		if word == "}" {
			return words
		}
		name, kindName, _ := strings.Cut(word, ":")
		s := &shape{}
		marks := strings.TrimLeft(name, letters)
		name = strings.TrimSuffix(name, marks)
		s.required, s.replaces, s.refused = strings.Contains(marks, "!"), strings.Contains(marks, "^"), strings.Contains(marks, "-")
		kinds := map[string]kind{"": kindText, "int": kindInteger, "num": kindNumber, "bool": kindBoolean, "any": kindAny, "map": kindMap}
		elementName, isList := strings.CutPrefix(kindName, "[]")
		inner := s
		if isList {
			s.kind, s.element = kindList, &shape{}
			inner, kindName = s.element, elementName
		}
		k, ok := kinds[kindName]
		if !ok {
			panic("resource: unknown kind in schema: " + word)
		}
		inner.kind = k
		if len(words) > 0 && words[0] == "{" {
			inner.kind, inner.members = kindObject, map[string]*shape{}
			words = parseMembers(inner, words[1:])
		}
		to.members[name] = s
		to.order = append(to.order, name)
	}
	return words
}

// Check turns evaluated properties into what operations take: unknown ones and
// wrong kinds are refused, and texts become numbers and booleans where those
// are wanted, as CloudFormation does it. What is not known yet passes.
func (t *Type) Check(properties *template.Map) (map[string]any, error) {
	out, err := t.schema.convertObject("", properties)
	if err == nil && t.check != nil {
		err = t.check(out)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s *shape) convert(path string, v any) (any, error) {
	if _, unknown := v.(template.Unknown); unknown {
		return v, nil
	}
	wrong := fmt.Errorf("Value of property %s must be of type %s", strings.TrimPrefix(path, "."), s.describe())
	switch s.kind {
	case kindObject:
		m, ok := v.(*template.Map)
		if !ok {
			return nil, wrong
		}
		return s.convertObject(path, m)
	case kindList:
		list, ok := v.([]any)
		if !ok {
			return nil, wrong
		}
		out := make([]any, len(list))
		for i, e := range list {
			c, err := s.element.convert(path+"."+strconv.Itoa(i), e)
			if err != nil {
				return nil, err
			}
			out[i] = c
		}
		return out, nil
	case kindMap:
		m, ok := v.(*template.Map)
		if !ok {
			return nil, wrong
		}
		out := map[string]any{}
		for _, k := range m.Keys() {
			e, _ := m.Get(k)
			c, err := (&shape{}).convert(path+"."+k, e)
			if err != nil {
				return nil, err
			}
			out[k] = c
		}
		return out, nil
	case kindAny:
		return plain(v), nil
	}
	text, ok := scalarText(v)
	if !ok {
		return nil, wrong
	}
	var err error
	var out any = text
	switch s.kind {
	case kindInteger:
		// JSON of a tool may say 8.0.
		out, err = strconv.ParseInt(strings.TrimSuffix(text, ".0"), 10, 64)
	case kindNumber:
		out, err = parseFloat(text)
	case kindBoolean:
		out = strings.EqualFold(text, "true")
		if !strings.EqualFold(text, "true") && !strings.EqualFold(text, "false") {
			err = wrong
		}
	}
	if err != nil {
		return nil, wrong
	}
	return out, nil
}

func (s *shape) convertObject(path string, m *template.Map) (map[string]any, error) {
	out := map[string]any{}
	for _, k := range m.Keys() {
		member := s.members[k]
		if member == nil {
			if path == "" {
				return nil, fmt.Errorf("Encountered unsupported property %.100s", k)
			}
			return nil, fmt.Errorf("Encountered unsupported property %.100s in %s", k, strings.TrimPrefix(path, "."))
		}
		v, _ := m.Get(k)
		if v == nil {
			return nil, fmt.Errorf("[/%s] 'null' values are not allowed in templates", strings.ReplaceAll(strings.TrimPrefix(path+"."+k, "."), ".", "/"))
		}
		c, err := member.convert(path+"."+k, v)
		if err != nil {
			return nil, err
		}
		if member.refused {
			if empty(c) {
				continue // as tools write what is not set
			}
			return nil, fmt.Errorf("Property %s is not supported by this version of Rockpool", strings.TrimPrefix(path+"."+k, "."))
		}
		out[k] = c
	}
	for _, name := range s.order {
		if _, ok := out[name]; s.members[name].required && !ok {
			return nil, fmt.Errorf("Property %s cannot be empty.", strings.TrimPrefix(path+"."+name, "."))
		}
	}
	return out, nil
}

func empty(v any) bool {
	switch v := v.(type) {
	case string:
		return v == ""
	case bool:
		return !v
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

func (s *shape) describe() string {
	if s.kind == kindList {
		return "List of " + s.element.describe()
	}
	return kindNames[s.kind]
}

// parseFloat reads a number that JSON has.
func parseFloat(text string) (float64, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err == nil && (math.IsInf(f, 0) || math.IsNaN(f)) {
		err = strconv.ErrRange
	}
	return f, err
}

func scalarText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case template.Number:
		return string(v), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// plain turns a value of a template into one that encodes as JSON.
func plain(v any) any {
	switch v := v.(type) {
	case *template.Map:
		out := map[string]any{}
		for _, k := range v.Keys() {
			e, _ := v.Get(k)
			out[k] = plain(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = plain(e)
		}
		return out
	case template.Number:
		if n, err := strconv.ParseInt(string(v), 10, 64); err == nil {
			return n
		}
		if f, err := parseFloat(string(v)); err == nil {
			return f
		}
		return string(v)
	}
	return v
}

// Change is what a change of properties means.
type Change struct {
	Properties []string // that differ, sorted
	Replaces   bool
	// ReplacedBy are those that make it a replacement.
	ReplacedBy []string
	// Unsure says that a property whose value is not known yet decides.
	Unsure bool
}

// Change compares properties as Check returned them. Old ones may come from
// JSON.
func (t *Type) Change(old, new map[string]any) Change {
	var c Change
	for _, name := range t.schema.order {
		a, b := old[name], new[name]
		if reflect.DeepEqual(normal(a), normal(b)) {
			continue
		}
		c.Properties = append(c.Properties, name)
		s := t.schema.members[name]
		if s.replaces {
			c.Replaces = true
			c.ReplacedBy = append(c.ReplacedBy, name)
			c.Unsure = c.Unsure || hasUnknown(b)
		}
	}
	slices.Sort(c.Properties)
	if len(c.Properties) > 0 && !c.Replaces && t.update == nil {
		c.Replaces = true
		c.ReplacedBy = c.Properties
	}
	return c
}

// normal makes numbers that came from JSON equal to those of a template.
func normal(v any) any {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = normal(v[i])
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k := range v {
			out[k] = normal(v[k])
		}
		return out
	}
	return v
}

func hasUnknown(v any) bool {
	switch v := v.(type) {
	case template.Unknown:
		return true
	case []any:
		return slices.ContainsFunc(v, hasUnknown)
	case map[string]any:
		for _, e := range v {
			if hasUnknown(e) {
				return true
			}
		}
	}
	return false
}
