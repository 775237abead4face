package template

import (
	"errors"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// reader turns YAML, of which JSON is a part, into values. It counts what it
// makes, so that aliases cannot blow a small text up.
type reader struct{ nodes, text int }

var errTooBig = formatError("the template has too many parts")

// shortForms are the tags of functions. What is not here is no tag that a
// template can have.
var shortForms = map[string]string{
	"!Ref": "Ref", "!Condition": "Condition",
	"!And": "Fn::And", "!Base64": "Fn::Base64", "!Cidr": "Fn::Cidr", "!Equals": "Fn::Equals",
	"!FindInMap": "Fn::FindInMap", "!GetAZs": "Fn::GetAZs", "!GetAtt": "Fn::GetAtt", "!If": "Fn::If",
	"!ImportValue": "Fn::ImportValue", "!Join": "Fn::Join", "!Length": "Fn::Length", "!Not": "Fn::Not",
	"!Or": "Fn::Or", "!Select": "Fn::Select", "!Split": "Fn::Split", "!Sub": "Fn::Sub",
	"!ToJsonString": "Fn::ToJsonString", "!Transform": "Fn::Transform",
}

// readValue reads the whole text as one value.
func readValue(text string) (any, error) {
	d := yaml.NewDecoder(strings.NewReader(text))
	var doc yaml.Node
	if err := d.Decode(&doc); err != nil {
		return nil, formatError("%s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	var more yaml.Node
	if err := d.Decode(&more); err == nil || !errors.Is(err, io.EOF) {
		return nil, formatError("the template is more than one document")
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return nil, formatError("the template is empty")
	}
	var r reader
	return r.value(doc.Content[0], 0)
}

func (r *reader) value(n *yaml.Node, depth int) (any, error) {
	r.nodes++
	if n.Kind == yaml.ScalarNode {
		r.text += len(n.Value)
	}
	if r.nodes > maxNodes || r.text > maxExpanded {
		return nil, errTooBig
	}
	if depth > maxDepth {
		return nil, formatError("line %d: the template is nested too deep", n.Line)
	}
	if n.Kind == yaml.AliasNode {
		return r.value(n.Alias, depth+1)
	}
	if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		return r.shortForm(n, depth)
	}
	return r.plain(n, depth)
}

// plain reads a node without regard to its tag, if that is one of the short
// forms.
func (r *reader) plain(n *yaml.Node, depth int) (any, error) {
	switch n.Kind {
	case yaml.ScalarNode:
		return scalar(n)
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, c := range n.Content {
			v, err := r.value(c, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case yaml.MappingNode:
		m := NewMap()
		for i := 0; i+1 < len(n.Content); i += 2 {
			k, v := n.Content[i], n.Content[i+1]
			if k.Kind != yaml.ScalarNode || k.Tag == "!!merge" {
				return nil, formatError("line %d: a key must be a plain text", k.Line)
			}
			if _, twice := m.Get(k.Value); twice {
				return nil, formatError("line %d: duplicate key %.100q", k.Line, k.Value)
			}
			e, err := r.value(v, depth+1)
			if err != nil {
				return nil, err
			}
			r.text += len(k.Value)
			m.Set(k.Value, e)
		}
		return m, nil
	}
	return nil, formatError("line %d: unexpected content", n.Line)
}

func scalar(n *yaml.Node) (any, error) {
	switch n.Tag {
	case "!!null":
		return nil, nil
	case "!!bool":
		// YAML 1.1 has yes and on as well; CloudFormation takes them as text.
		if v := strings.ToLower(n.Value); v == "true" || v == "false" {
			return v == "true", nil
		}
		return n.Value, nil
	case "!!int", "!!float":
		return Number(n.Value), nil
	case "!!str", "!!timestamp", "!!binary", "":
		return n.Value, nil
	}
	if strings.HasPrefix(n.Tag, "!!") {
		return nil, formatError("line %d: tag %s is not supported", n.Line, n.Tag)
	}
	return n.Value, nil // under a short form: always a text
}

// shortForm reads !Sub and the like as the function that it stands for.
func (r *reader) shortForm(n *yaml.Node, depth int) (any, error) {
	name, ok := shortForms[n.Tag]
	if !ok {
		return nil, formatError("line %d: unknown tag %.50s", n.Line, n.Tag)
	}
	arg, err := r.plain(n, depth)
	if err != nil {
		return nil, err
	}
	if text, isText := arg.(string); isText && name == "Fn::GetAtt" {
		// The attribute may have dots of its own.
		resource, attribute, found := strings.Cut(text, ".")
		if !found {
			return nil, formatError("line %d: !GetAtt needs a resource and an attribute, as Pool.Arn", n.Line)
		}
		arg = []any{resource, attribute}
	}
	m := NewMap()
	m.Set(name, arg)
	return m, nil
}
