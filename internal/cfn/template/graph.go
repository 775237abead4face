package template

import (
	"slices"
	"strings"
)

// check looks at what can be known without an environment and without the types
// of resources: that references go somewhere.
func (t *Template) check() error {
	params := map[string]bool{}
	for _, p := range t.Parameters {
		if _, clash := t.resources[p.ID]; clash {
			return formatError("%s is both a parameter and a resource", p.ID)
		}
		params[p.ID] = true
	}
	for _, r := range t.Resources {
		if r.Condition != "" {
			if _, ok := t.Conditions.Get(r.Condition); !ok {
				return formatError("Unresolved condition %.100s of resource %s", r.Condition, r.ID)
			}
		}
		for _, d := range r.DependsOn {
			if _, ok := t.resources[d]; !ok {
				return unresolved(d)
			}
		}
		for _, id := range refs(r.Properties, nil) {
			if _, ok := t.resources[id]; !ok && !params[id] && !strings.HasPrefix(id, "AWS::") {
				return unresolved(id)
			}
		}
	}
	for _, id := range refs(t.Conditions, nil) {
		if !params[id] && !strings.HasPrefix(id, "AWS::") {
			return formatError("Unresolved dependencies [%.100s]. Cannot reference resources in the Conditions block of the template", id)
		}
	}
	for _, o := range t.Outputs {
		for _, id := range refs(o.Export, refs(o.Value, nil)) {
			if _, ok := t.resources[id]; !ok && !params[id] && !strings.HasPrefix(id, "AWS::") {
				return formatError("Unresolved resource dependencies [%.100s] in the Outputs block of the template", id)
			}
		}
		if _, ok := t.Conditions.Get(o.Condition); o.Condition != "" && !ok {
			return formatError("Unresolved condition %.100s of output %s", o.Condition, o.ID)
		}
	}
	return nil
}

// refs appends the names that v refers to. Names that Fn::Sub brings itself are
// among them only if something else has them.
func refs(v any, to []string) []string {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			to = refs(x, to)
		}
	case *Map:
		name, arg, ok := function(v)
		switch {
		case ok && name == "Ref":
			if id, isText := arg.(string); isText {
				return append(to, id)
			}
		case ok && name == "Fn::GetAtt":
			if id, attribute, good := getAttArg(arg); good {
				return refs(attribute, append(to, id))
			}
		case ok && name == "Fn::Sub":
			s, own := arg, NewMap()
			if list, isList := arg.([]any); isList && len(list) == 2 {
				s = list[0]
				own, _ = list[1].(*Map)
				to = refs(list[1], to)
			}
			for _, n := range subRefs(text(s)) {
				if _, mine := own.Get(n); !mine {
					id, _, _ := strings.Cut(n, ".")
					to = append(to, id)
				}
			}
			return to
		}
		for _, k := range v.Keys() {
			to = refs(v.values[k], to)
		}
	}
	return to
}

// Dependencies returns the ids of the resources that r needs, sorted; once the
// order is known, without those that its late properties need.
func (t *Template) Dependencies(r *Resource) []string { return t.dependencies(r, t.late[r.ID]) }

func (t *Template) dependencies(r *Resource, late []string) []string {
	props := NewMap()
	for _, k := range r.Properties.keys {
		if !slices.Contains(late, k) {
			props.Set(k, r.Properties.values[k])
		}
	}
	needs := refs(props, slices.Clone(r.DependsOn))
	needs = slices.DeleteFunc(needs, func(id string) bool { return t.resources[id] == nil })
	slices.Sort(needs)
	return slices.Compact(needs)
}

// Late returns the properties of a resource that are set only when all others
// are there. It is known once Order has been called.
func (t *Template) Late(id string) []string { return t.late[id] }

// Order returns the resources so that each comes after what it needs. Where they
// go in a circle, a property that can be set later opens it: canWait names those
// of a type, and may be nil.
func (t *Template) Order(canWait func(typ string) []string) ([]*Resource, error) {
	t.late = map[string][]string{}
	for {
		order, circle := t.sorted()
		if circle == nil {
			return order, nil
		}
		if canWait == nil || !t.open(circle, canWait) {
			slices.Sort(circle)
			return nil, errorf("Circular dependency between resources: [%s]", strings.Join(circle, ", "))
		}
	}
}

// open makes the properties late through which alone one resource of a circle
// needs the next.
func (t *Template) open(circle []string, canWait func(string) []string) bool {
	for i, id := range circle {
		r, next := t.resources[id], circle[(i+1)%len(circle)]
		late := slices.DeleteFunc(slices.Clone(canWait(r.Type)), func(name string) bool {
			v, _ := r.Properties.Get(name)
			return len(refs(v, nil)) == 0
		})
		if t.late[id] == nil && len(late) > 0 && !slices.Contains(t.dependencies(r, late), next) {
			t.late[id] = late
			return true
		}
	}
	return false
}

// sorted returns the resources in order or, if there is none, a circle: each of
// it needs the next, and the last the first.
func (t *Template) sorted() (order []*Resource, circle []string) {
	state := map[string]int{} // 1: being visited, 2: done
	var path []string
	var visit func(r *Resource) bool
	visit = func(r *Resource) bool {
		switch state[r.ID] {
		case 1:
			circle = slices.Clone(path[slices.Index(path, r.ID):])
			return false
		case 2:
			return true
		}
		state[r.ID] = 1
		path = append(path, r.ID)
		for _, id := range t.Dependencies(r) {
			if !visit(t.resources[id]) {
				return false
			}
		}
		path = path[:len(path)-1]
		state[r.ID] = 2
		order = append(order, r)
		return true
	}
	for _, r := range t.Resources {
		if !visit(r) {
			return nil, circle
		}
	}
	return order, nil
}
