package template

// Condition reports whether a condition of the template holds.
func (e *Environment) Condition(name string) (bool, error) {
	if v, ok := e.conditions[name]; ok {
		return v, nil
	}
	c, ok := e.Template.Conditions.Get(name)
	if !ok {
		return false, errorf("Template error: unresolved condition dependency %.100s", name)
	}
	if e.deciding[name] {
		return false, errorf("Template error: found circular condition dependency at %.100s", name)
	}
	if e.conditions == nil {
		e.conditions, e.deciding = map[string]bool{}, map[string]bool{}
	}
	e.deciding[name] = true
	defer delete(e.deciding, name)
	v, err := e.decide(c)
	if err == nil {
		e.conditions[name] = v
	}
	return v, err
}

// decide evaluates a condition function.
func (e *Environment) decide(v any) (bool, error) {
	if b, ok := v.(bool); ok {
		return b, nil
	}
	name, arg, ok := function(v)
	if !ok {
		if s := text(v); s == "true" || s == "false" {
			return s == "true", nil
		}
		return false, errorf("Template error: every condition must be made of Fn::Equals, Fn::And, Fn::Or, Fn::Not and Condition")
	}
	switch name {
	case "Condition":
		s, ok := arg.(string)
		if !ok {
			return false, errorf("Template error: Condition needs the name of a condition")
		}
		return e.Condition(s)
	case "Fn::Equals":
		a, err := args(name, arg, 2, 2)
		if err != nil {
			return false, err
		}
		x, err := e.eval(a[0])
		if err != nil {
			return false, err
		}
		y, err := e.eval(a[1])
		if err != nil {
			return false, err
		}
		return equal(x, y), nil
	case "Fn::Not":
		a, err := args(name, arg, 1, 1)
		if err != nil {
			return false, err
		}
		b, err := e.decide(a[0])
		return !b, err
	case "Fn::And", "Fn::Or":
		a, err := args(name, arg, 2, 10)
		if err != nil {
			return false, err
		}
		for _, c := range a {
			b, err := e.decide(c)
			if err != nil || b == (name == "Fn::Or") {
				return b, err
			}
		}
		return name == "Fn::And", nil
	}
	return e.ruleFunction(name, arg)
}

// equal compares as texts, which is how parameters come.
func equal(x, y any) bool {
	switch a := x.(type) {
	case []any:
		b, ok := y.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !equal(a[i], b[i]) {
				return false
			}
		}
		return true
	case *Map:
		b, ok := y.(*Map)
		if !ok || a.Len() != b.Len() {
			return false
		}
		for _, k := range a.keys {
			if v, ok := b.Get(k); !ok || !equal(a.values[k], v) {
				return false
			}
		}
		return true
	}
	switch y.(type) {
	case []any, *Map:
		return false
	}
	return text(x) == text(y)
}

// ruleFunction evaluates what only Rules may use.
func (e *Environment) ruleFunction(name string, arg any) (bool, error) {
	if name != "Fn::Contains" && name != "Fn::EachMemberIn" && name != "Fn::EachMemberEquals" {
		return false, errorf("Template error: %.100s is not a condition", name)
	}
	a, err := args(name, arg, 2, 2)
	if err != nil {
		return false, err
	}
	list, known, err := e.evalList(name, a[0])
	if err != nil || !known {
		return false, err
	}
	other, err := e.eval(a[1])
	if err != nil {
		return false, err
	}
	among := func(v any, in []any) bool {
		for _, x := range in {
			if equal(v, x) {
				return true
			}
		}
		return false
	}
	if name == "Fn::Contains" {
		return among(other, list), nil
	}
	in, isList := other.([]any)
	if !isList {
		in = []any{other}
	}
	for _, v := range list {
		if !among(v, in) {
			return false, nil
		}
	}
	return true, nil
}

// CheckRules evaluates the template's rules, which say what the parameters must
// be together.
func (e *Environment) CheckRules() error {
	for _, name := range e.Template.Rules.Keys() {
		rule, ok := e.Template.Rules.values[name].(*Map)
		if !ok {
			return formatError("Rule %.100s must be an object", name)
		}
		if c, ok := rule.Get("RuleCondition"); ok {
			if holds, err := e.decide(c); err != nil {
				return err
			} else if !holds {
				continue
			}
		}
		v, _ := rule.Get("Assertions")
		assertions, ok := v.([]any)
		if !ok {
			return formatError("Rule %.100s must have a list of Assertions", name)
		}
		for _, a := range assertions {
			m, ok := a.(*Map)
			if !ok {
				return formatError("Every assertion of rule %.100s must be an object", name)
			}
			c, _ := m.Get("Assert")
			holds, err := e.decide(c)
			if err != nil {
				return err
			}
			if !holds {
				d, _ := m.Get("AssertDescription")
				return errorf("Template error: rule %s: %s", name, text(d))
			}
		}
	}
	return nil
}
