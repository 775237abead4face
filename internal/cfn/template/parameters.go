package template

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rockpoolhq/rockpool/internal/pattern"
)

// Parameter is one entry of Parameters.
type Parameter struct {
	ID, Type, Description string
	Default               *string
	NoEcho                bool

	allowed              []string
	pattern              *regexp.Regexp
	patternText          string
	program              int // instructions of the pattern
	minLength, maxLength *float64
	minValue, maxValue   *float64
	constraint           string // ConstraintDescription
}

const (
	ssmValue = "AWS::SSM::Parameter::Value<"
	ssmName  = "AWS::SSM::Parameter::Name"
)

// SSM reports whether the value that is given is the name of a parameter of the
// Systems Manager, whose value is what is meant.
func (p *Parameter) SSM() bool { return strings.HasPrefix(p.Type, ssmValue) }

// list reports whether the value is a list.
func (p *Parameter) list() bool {
	t := strings.TrimPrefix(p.Type, ssmValue)
	return strings.HasPrefix(t, "List<") || strings.HasPrefix(t, "CommaDelimitedList")
}

func parameter(id string, m *Map) (*Parameter, error) {
	p := &Parameter{ID: id}
	for _, k := range m.keys {
		v := m.values[k]
		_, nested := v.(*Map)
		if _, list := v.([]any); nested || list && k != "AllowedValues" {
			return nil, formatError("Every %s of parameter %s must be a text", k, id)
		}
		var err error
		switch k {
		case "Type":
			p.Type = text(v)
		case "Description":
			p.Description = text(v)
		case "ConstraintDescription":
			p.constraint = text(v)
		case "Default":
			s := text(v)
			p.Default = &s
		case "NoEcho":
			p.NoEcho = strings.EqualFold(text(v), "true")
		case "AllowedValues":
			list, ok := v.([]any)
			if !ok {
				return nil, formatError("AllowedValues of parameter %s must be a list", id)
			}
			for _, e := range list {
				p.allowed = append(p.allowed, text(e))
			}
		case "AllowedPattern":
			p.patternText = text(v)
			p.pattern, p.program, err = pattern.Compile(p.patternText, true, maxProgram)
		case "MinLength":
			p.minLength, err = number(v)
		case "MaxLength":
			p.maxLength, err = number(v)
		case "MinValue":
			p.minValue, err = number(v)
		case "MaxValue":
			p.maxValue, err = number(v)
		default:
			return nil, errorf("Invalid template parameter property '%.100s'", k)
		}
		if err != nil {
			return nil, formatError("%s of parameter %s is not valid", k, id)
		}
	}
	switch t := p.Type; {
	case t == "":
		return nil, formatError("Every Parameters object must contain a Type member.")
	case t == "String", t == "Number", t == "List<Number>", t == "CommaDelimitedList", t == ssmName, t == "List<String>":
	case p.SSM() && strings.HasSuffix(t, ">"):
	case strings.HasPrefix(t, "AWS::EC2::"), strings.HasPrefix(t, "List<AWS::EC2::"), strings.HasPrefix(t, "AWS::Route53::"), strings.HasPrefix(t, "List<AWS::Route53::"):
		return nil, errorf("Parameter %s has the type %s: there are no such resources in Rockpool", id, t)
	default:
		return nil, formatError("Unrecognized parameter type: %.100s", t)
	}
	return p, nil
}

func number(v any) (*float64, error) {
	f, err := strconv.ParseFloat(text(v), 64)
	return &f, err
}

// check reports whether a value that is given for the parameter is allowed.
func (p *Parameter) check(value string) error {
	bad := func(why string, args ...any) error {
		if p.constraint != "" {
			return errorf("Parameter %s failed to satisfy constraint: %s", p.ID, p.constraint)
		}
		return errorf("Parameter '"+p.ID+"' "+why, args...)
	}
	elements := []string{value}
	if p.list() && !p.SSM() {
		elements = splitList(value)
	}
	numeric := p.Type == "Number" || p.Type == "List<Number>"
	for _, e := range elements {
		if p.allowed != nil && !slices.Contains(p.allowed, e) {
			return bad("must be one of AllowedValues")
		}
		if numeric {
			f, err := strconv.ParseFloat(e, 64)
			switch {
			case err != nil:
				return bad("must be a number.")
			case p.minValue != nil && f < *p.minValue:
				return bad("must be a number not less than %v", *p.minValue)
			case p.maxValue != nil && f > *p.maxValue:
				return bad("must be a number not greater than %v", *p.maxValue)
			}
			continue
		}
		switch n := float64(len([]rune(e))); {
		case p.pattern != nil && !p.pattern.MatchString(e):
			return bad("must match pattern %s", p.patternText)
		case p.minLength != nil && n < *p.minLength:
			return bad("must contain at least %v characters", *p.minLength)
		case p.maxLength != nil && n > *p.maxLength:
			return bad("must contain at most %v characters", *p.maxLength)
		}
	}
	return nil
}

func splitList(s string) []string {
	if s == "" {
		return nil
	}
	parts := strings.Split(s, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

// value is what Ref answers for a parameter with that value.
func (p *Parameter) value(s string) any {
	if !p.list() {
		return s
	}
	list := []any{}
	for _, e := range splitList(s) {
		list = append(list, e)
	}
	return list
}

// Given checks the values that a caller gives for the template's parameters,
// fills in the defaults, and returns all of them.
func (t *Template) Given(values map[string]string) (map[string]string, error) {
	all := map[string]string{}
	var missing []string
	for _, p := range t.Parameters {
		v, ok := values[p.ID]
		if !ok && p.Default != nil {
			v, ok = *p.Default, true
		}
		if !ok {
			missing = append(missing, p.ID)
			continue
		}
		if len(v) > maxValue {
			return nil, errorf("Parameter '%s' must be at most %d bytes long", p.ID, maxValue)
		}
		if err := p.check(v); err != nil {
			return nil, err
		}
		all[p.ID] = v
	}
	if missing != nil {
		return nil, errorf("Parameters: [%s] must have values", strings.Join(missing, ", "))
	}
	var unknown []string
	for id := range values {
		if _, ok := all[id]; !ok {
			unknown = append(unknown, id)
		}
	}
	if unknown != nil {
		slices.Sort(unknown)
		return nil, errorf("Parameters: [%s] do not exist in the template", strings.Join(unknown, ", "))
	}
	return all, nil
}

// AllowedValues are the values that the parameter may have, nil for any.
func (p *Parameter) AllowedValues() []string { return p.allowed }
