package template

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
)

// Environment is what the values of a template depend on.
type Environment struct {
	Template   *Template
	Parameters map[string]string // all of them; of SSM types, what is stored there
	Account    string
	Region     string
	StackName  string
	StackID    string
	Resources  References
	// Absent are resources whose condition does not hold: nothing that is there
	// may refer to them.
	Absent map[string]bool
	// Import returns the value of another stack's export.
	Import func(name string) (string, error)

	conditions map[string]bool
	deciding   map[string]bool // to find conditions that go in a circle
	spent      *budget         // shared by the environments that With returns
}

// budget is what values may come to, so that a small template cannot fill the
// memory however often it is evaluated.
type budget struct{ parts, text atomic.Int64 }

const (
	maxParts = 2_000_000
	maxMade  = 32 << 20 // bytes
)

// With returns an environment in which resources answers for the resources.
// Several may be in use at once, though not e itself.
func (e *Environment) With(resources References) *Environment {
	c := *e
	c.Resources, c.conditions, c.deciding = resources, maps.Clone(e.conditions), map[string]bool{}
	if c.conditions == nil {
		c.conditions = map[string]bool{}
	}
	return &c
}

// spend counts a value that was made.
func (e *Environment) spend(parts, text int) error {
	if e.spent == nil {
		e.spent = &budget{}
	}
	if e.spent.parts.Add(int64(parts)) > maxParts || e.spent.text.Add(int64(text)) > maxMade {
		return errorf("Template error: the template makes too much of itself")
	}
	return nil
}

// size counts the parts of a value and the bytes of its texts.
func size(v any) (parts, text int) {
	parts = 1
	switch v := v.(type) {
	case string:
		text = len(v)
	case Number:
		text = len(v)
	case []any:
		for _, x := range v {
			p, n := size(x)
			parts, text = parts+p, text+n
		}
	case *Map:
		for _, k := range v.keys {
			p, n := size(v.values[k])
			parts, text = parts+p, text+n+len(k)
		}
	}
	return parts, text
}

// References answers for resources. What a resource that does not exist yet
// will answer is Unknown.
type References interface {
	Ref(id string) (any, error)
	GetAtt(id, attribute string) (any, error)
}

// noValue is what Ref AWS::NoValue makes: nothing at all.
type noValue struct{}

// Evaluate returns what v stands for: the same with every function replaced by
// its result.
func (e *Environment) Evaluate(v any) (any, error) {
	v, err := e.eval(v)
	if _, none := v.(noValue); none {
		return nil, err
	}
	return v, err
}

// Properties returns the properties of a resource.
func (e *Environment) Properties(r *Resource) (*Map, error) {
	v, err := e.eval(r.Properties)
	if err != nil {
		return nil, fmt.Errorf("resource %s: %w", r.ID, err)
	}
	m, ok := v.(*Map)
	if !ok {
		return nil, errorf("Properties of resource %s must be an object", r.ID)
	}
	return m, nil
}

func (e *Environment) eval(v any) (any, error) {
	switch v := v.(type) {
	case []any:
		list := make([]any, 0, len(v))
		for _, x := range v {
			x, err := e.eval(x)
			if err != nil {
				return nil, err
			}
			if _, none := x.(noValue); !none {
				list = append(list, x)
			}
		}
		return list, nil
	case *Map:
		if name, arg, ok := function(v); ok {
			made, err := e.call(name, arg)
			if err == nil {
				err = e.spend(size(made))
			}
			return made, err
		}
		m := NewMap()
		for _, k := range v.keys {
			x, err := e.eval(v.values[k])
			if err != nil {
				return nil, err
			}
			if _, none := x.(noValue); !none {
				m.Set(k, x)
			}
		}
		return m, nil
	}
	return v, e.spend(size(v))
}

// functions are called with the argument as it is in the template.
var functions map[string]func(e *Environment, arg any) (any, error)

func init() { // the table refers to functions that refer to it
	functions = map[string]func(*Environment, any) (any, error){
		"Ref": (*Environment).ref, "Fn::GetAtt": (*Environment).getAtt, "Fn::Sub": (*Environment).sub,
		"Fn::Join": (*Environment).join, "Fn::Split": (*Environment).split, "Fn::Select": (*Environment).pick,
		"Fn::If": (*Environment).ifElse, "Fn::FindInMap": (*Environment).findInMap, "Fn::Base64": (*Environment).base64,
		"Fn::GetAZs": (*Environment).zones, "Fn::ImportValue": (*Environment).importValue, "Fn::Cidr": (*Environment).cidr,
		"Fn::Length": (*Environment).length, "Fn::ToJsonString": (*Environment).toJSON,
	}
	for _, name := range []string{"Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not", "Condition"} {
		functions[name] = func(e *Environment, arg any) (any, error) { return e.decide(oneEntry(name, arg)) }
	}
}

func oneEntry(k string, v any) *Map {
	m := NewMap()
	m.Set(k, v)
	return m
}

func (e *Environment) call(name string, arg any) (any, error) {
	if (name == "Fn::Length" || name == "Fn::ToJsonString") && !slices.Contains(e.Template.Transforms, LanguageExtensions) {
		return nil, errorf("%s needs the transform %s", name, LanguageExtensions)
	}
	f := functions[name]
	if f == nil {
		return nil, errorf("Template error: %.100s is not a supported function", name)
	}
	return f(e, arg)
}

// LanguageExtensions is the transform of which Fn::Length and Fn::ToJsonString
// are a part.
const LanguageExtensions = "AWS::LanguageExtensions"

func (e *Environment) ref(arg any) (any, error) {
	id, ok := arg.(string)
	if !ok {
		return nil, errorf("Template error: every Ref object must have a single String value.")
	}
	switch id {
	case "AWS::AccountId":
		return e.Account, nil
	case "AWS::Region":
		return e.Region, nil
	case "AWS::StackName":
		return e.StackName, nil
	case "AWS::StackId":
		return e.StackID, nil
	case "AWS::Partition":
		return "aws", nil
	case "AWS::URLSuffix":
		return "amazonaws.com", nil
	case "AWS::NotificationARNs":
		return []any{}, nil
	case "AWS::NoValue":
		return noValue{}, nil
	}
	for _, p := range e.Template.Parameters {
		if p.ID == id {
			return p.value(e.Parameters[id]), nil
		}
	}
	if _, ok := e.Template.Resource(id); !ok || e.Absent[id] {
		return nil, unresolved(id)
	}
	return e.Resources.Ref(id)
}

func unresolved(id string) error {
	return formatError("Unresolved resource dependencies [%.100s] in the Resources block of the template", id)
}

// getAttArg reads the argument of Fn::GetAtt.
func getAttArg(arg any) (id string, attribute any, ok bool) {
	if s, isText := arg.(string); isText {
		id, a, found := strings.Cut(s, ".")
		return id, a, found
	}
	list, isList := arg.([]any)
	if !isList || len(list) != 2 {
		return "", nil, false
	}
	id, ok = list[0].(string)
	return id, list[1], ok
}

func (e *Environment) getAtt(arg any) (any, error) {
	id, a, ok := getAttArg(arg)
	if !ok {
		return nil, errorf("Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute")
	}
	attribute, err := e.evalText("Fn::GetAtt", a)
	if err != nil || attribute == nil {
		return Unknown{}, err
	}
	if _, ok := e.Template.Resource(id); !ok {
		return nil, errorf("Template error: instance of Fn::GetAtt references undefined resource %.100s", id)
	}
	if e.Absent[id] {
		return nil, unresolved(id)
	}
	return e.Resources.GetAtt(id, *attribute)
}

// evalText evaluates v, which must be a scalar. It returns nil for Unknown.
func (e *Environment) evalText(fn string, v any) (*string, error) {
	v, err := e.eval(v)
	if err != nil {
		return nil, err
	}
	switch v.(type) {
	case Unknown:
		return nil, nil
	case string, Number, bool:
		s := text(v)
		return &s, nil
	}
	return nil, errorf("Template error: every %s object must be given texts", fn)
}

// evalList evaluates v, which must be a list. known is false if it is Unknown.
func (e *Environment) evalList(fn string, v any) (list []any, known bool, err error) {
	v, err = e.eval(v)
	if err != nil {
		return nil, false, err
	}
	switch v := v.(type) {
	case Unknown:
		return nil, false, nil
	case []any:
		return v, true, nil
	}
	return nil, false, errorf("Template error: every %s object must be given a list", fn)
}

// args reads the argument of a function as a list of n to m values that are
// not evaluated.
func args(fn string, arg any, n, m int) ([]any, error) {
	list, ok := arg.([]any)
	if !ok || len(list) < n || len(list) > m {
		return nil, errorf("Template error: %s must be given a list of %d to %d values", fn, n, m)
	}
	return list, nil
}

// grow bounds one text that a function makes.
func (e *Environment) grow(s string) (any, error) {
	if len(s) > maxText {
		return nil, errorf("Template error: the template makes too much text")
	}
	return s, nil
}

var placeholder = regexp.MustCompile(`\$\{(!?)([^{}]*)\}`)

// subRefs returns what the placeholders of a text refer to.
func subRefs(s string) (names []string) {
	for _, m := range placeholder.FindAllStringSubmatch(s, -1) {
		if m[1] == "" {
			names = append(names, strings.TrimSpace(m[2]))
		}
	}
	return names
}

func (e *Environment) sub(arg any) (any, error) {
	s, vars := "", NewMap()
	switch a := arg.(type) {
	case string:
		s = a
	case []any:
		var okText, okMap bool
		if len(a) == 2 {
			s, okText = a[0].(string)
			vars, okMap = a[1].(*Map)
		}
		if !okText || !okMap {
			return nil, errorf("Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, and an optional second argument to specify a mapping of values to replace in the string")
		}
	default:
		return nil, errorf("Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, and an optional second argument to specify a mapping of values to replace in the string")
	}
	if err := e.spend(1, len(s)); err != nil { // what is looked at costs too
		return nil, err
	}
	var out strings.Builder
	known, at := true, 0
	for _, m := range placeholder.FindAllStringSubmatchIndex(s, -1) {
		out.WriteString(s[at:m[0]])
		at = m[1]
		name := strings.TrimSpace(s[m[4]:m[5]])
		if m[3] > m[2] { // ${!literal}
			out.WriteString("${" + s[m[4]:m[5]] + "}")
			continue
		}
		v, isVar := vars.Get(name)
		if !isVar {
			v = reference(name)
		}
		part, err := e.evalText("Fn::Sub", v)
		if err != nil {
			return nil, err
		}
		if part == nil {
			known = false
			continue
		}
		out.WriteString(*part)
		if out.Len() > maxText {
			break
		}
	}
	if !known {
		return Unknown{}, nil
	}
	out.WriteString(s[at:])
	return e.grow(out.String())
}

// reference is what a placeholder of Fn::Sub stands for.
func reference(name string) *Map {
	if id, attribute, found := strings.Cut(name, "."); found {
		return oneEntry("Fn::GetAtt", []any{id, attribute})
	}
	return oneEntry("Ref", name)
}
