package main

import (
	"cmp"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// write writes the template, in the order in which people read one.
func (x *export) write(w io.Writer) error {
	root := &yaml.Node{Kind: yaml.MappingNode}
	root.HeadComment = "Written by rockpool stack export. Users, passwords, keys and the secrets of clients are\nnot in it: clients that have a secret get a new one."
	add(root, "AWSTemplateFormatVersion", &yaml.Node{Kind: yaml.ScalarNode, Value: "2010-09-09", Style: yaml.DoubleQuotedStyle}, "")
	for _, s := range x.sections() {
		section := &yaml.Node{Kind: yaml.MappingNode}
		for _, e := range s.entries {
			v, err := node(e.value)
			if err != nil {
				return err
			}
			add(section, e.id, v, e.comment)
		}
		add(root, s.name, section, "")
	}
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		return err
	}
	return enc.Close()
}

type section struct {
	name    string
	entries []exported
}

// sections are those that are not empty.
func (x *export) sections() []section {
	return slices.DeleteFunc([]section{{"Parameters", x.parameters}, {"Resources", x.resources}, {"Outputs", x.outputs}},
		func(s section) bool { return len(s.entries) == 0 })
}

func add(m *yaml.Node, key string, value *yaml.Node, comment string) {
	m.Content = append(m.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key, HeadComment: comment}, value)
}

// node turns what JSON has, and intrinsic functions, into YAML.
func node(v any) (*yaml.Node, error) {
	switch v := v.(type) {
	case intrinsic:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!" + v.name, Value: v.arg, Style: yaml.TaggedStyle}, nil
	case map[string]any:
		m := &yaml.Node{Kind: yaml.MappingNode}
		keys := slices.SortedFunc(maps.Keys(v), func(a, b string) int {
			// Type comes before Properties, and Name before what has it.
			rank := func(s string) int { return slices.Index([]string{"Type", "Name"}, s) }
			return cmp.Or(cmp.Compare(rank(b), rank(a)), strings.Compare(a, b))
		})
		for _, k := range keys {
			e, err := node(v[k])
			if err != nil {
				return nil, err
			}
			key := &yaml.Node{}
			if err := key.Encode(k); err != nil {
				return nil, err
			}
			m.Content = append(m.Content, key, e)
		}
		return m, nil
	case []any:
		list := &yaml.Node{Kind: yaml.SequenceNode}
		flow := true
		for _, e := range v {
			n, err := node(e)
			if err != nil {
				return nil, err
			}
			flow = flow && n.Kind == yaml.ScalarNode
			list.Content = append(list.Content, n)
		}
		if flow {
			list.Style = yaml.FlowStyle
		}
		return list, nil
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return node(int64(v))
		}
	}
	n := &yaml.Node{}
	return n, n.Encode(v)
}

// plain is the template as JSON has it.
func (x *export) plain() map[string]any {
	out := map[string]any{"AWSTemplateFormatVersion": "2010-09-09"}
	for _, s := range x.sections() {
		entries := map[string]any{}
		for _, e := range s.entries {
			entries[e.id] = plainValue(e.value)
		}
		out[s.name] = entries
	}
	return out
}

func plainValue(v any) any {
	switch v := v.(type) {
	case intrinsic:
		if id, attribute, found := strings.Cut(v.arg, "."); found && v.name == "GetAtt" {
			return map[string]any{"Fn::GetAtt": []string{id, attribute}}
		}
		return map[string]any{v.name: v.arg}
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			out[k] = plainValue(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = plainValue(v[i])
		}
		return out
	}
	return v
}
