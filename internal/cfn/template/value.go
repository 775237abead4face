package template

import (
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A value of a template is nil, a string, a bool, a Number, a []any of values,
// or a *Map. A function is a Map of one entry: {"Ref": "Pool"}, however it was
// written.

// Number is a number as it was written: CloudFormation hands it on as text.
type Number string

// MarshalJSONTo writes the number, if it is one of JSON, or its text.
func (n Number) MarshalJSONTo(enc *jsontext.Encoder) error {
	if v := jsontext.Value(n); v.IsValid() && v.Kind() == '0' {
		return enc.WriteValue(v)
	}
	return enc.WriteToken(jsontext.String(string(n)))
}

// Map is an object that keeps the order of its entries.
type Map struct {
	keys   []string
	values map[string]any
}

// NewMap returns an empty map.
func NewMap() *Map { return &Map{values: map[string]any{}} }

// Keys returns the names in order.
func (m *Map) Keys() []string {
	if m == nil {
		return nil
	}
	return m.keys
}

// Get returns an entry.
func (m *Map) Get(key string) (any, bool) {
	if m == nil {
		return nil, false
	}
	v, ok := m.values[key]
	return v, ok
}

// Set sets an entry; a new one comes last.
func (m *Map) Set(key string, v any) {
	if _, ok := m.values[key]; !ok {
		m.keys = append(m.keys, key)
	}
	m.values[key] = v
}

// Delete takes an entry out.
func (m *Map) Delete(key string) {
	if _, ok := m.values[key]; ok {
		delete(m.values, key)
		m.keys = slices.DeleteFunc(m.keys, func(k string) bool { return k == key })
	}
}

// Len returns the number of entries.
func (m *Map) Len() int { return len(m.Keys()) }

// MarshalJSONTo writes the map in its order.
func (m *Map) MarshalJSONTo(enc *jsontext.Encoder) error {
	if err := enc.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for _, k := range m.keys {
		if err := enc.WriteToken(jsontext.String(k)); err != nil {
			return err
		}
		if err := json.MarshalEncode(enc, m.values[k]); err != nil {
			return err
		}
	}
	return enc.WriteToken(jsontext.EndObject)
}

// Function returns the name and the argument if v is an intrinsic function.
func Function(v any) (name string, arg any, ok bool) { return function(v) }

// Text returns a scalar as text.
func Text(v any) (s string, ok bool) {
	switch v.(type) {
	case string, Number, bool:
		return text(v), true
	}
	return "", false
}

// function returns the name and the argument if v is an intrinsic function.
func function(v any) (name string, arg any, ok bool) {
	m, isMap := v.(*Map)
	if !isMap || m.Len() != 1 {
		return "", nil, false
	}
	name = m.keys[0]
	if name != "Ref" && name != "Condition" && (len(name) < 5 || name[:4] != "Fn::") {
		return "", nil, false
	}
	return name, m.values[name], true
}

// Unknown stands for what is known only once a resource exists.
type Unknown struct{}

// Known reports whether nothing in v is Unknown.
func Known(v any) bool {
	switch v := v.(type) {
	case Unknown:
		return false
	case []any:
		return !slices.ContainsFunc(v, func(e any) bool { return !Known(e) })
	case *Map:
		return !slices.ContainsFunc(v.keys, func(k string) bool { return !Known(v.values[k]) })
	}
	return true
}
