package template

import (
	"slices"
	"strings"
)

// check looks at what can be known without an environment: that references go
// somewhere and resources not in a circle.
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
	for _, o := range t.Outputs {
		for _, id := range refs(o.Value, nil) {
			if _, ok := t.resources[id]; !ok && !params[id] && !strings.HasPrefix(id, "AWS::") {
				return formatError("Unresolved dependencies [%.100s]. Cannot reference resources in the Conditions block of the template", id)
			}
		}
	}
	_, err := t.Order()
	return err
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
		for _, k := range v.keys {
			to = refs(v.values[k], to)
		}
	}
	return to
}

// Dependencies returns the ids of the resources that r needs, sorted.
func (t *Template) Dependencies(r *Resource) []string {
	var ids []string
	for _, id := range append(refs(r.Properties, nil), r.DependsOn...) {
		if _, ok := t.resources[id]; ok {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Order returns the resources so that each comes after what it needs.
func (t *Template) Order() ([]*Resource, error) {
	var order []*Resource
	state := map[string]int{} // 1: being visited, 2: done
	var path []string
	var visit func(r *Resource) error
	visit = func(r *Resource) error {
		switch state[r.ID] {
		case 1:
			circle := append(slices.Clone(path[slices.Index(path, r.ID):]), r.ID)
			slices.Sort(circle)
			return errorf("Circular dependency between resources: [%s]", strings.Join(slices.Compact(circle), ", "))
		case 2:
			return nil
		}
		state[r.ID] = 1
		path = append(path, r.ID)
		for _, id := range t.Dependencies(r) {
			if err := visit(t.resources[id]); err != nil {
				return err
			}
		}
		path = path[:len(path)-1]
		state[r.ID] = 2
		order = append(order, r)
		return nil
	}
	for _, r := range t.Resources {
		if err := visit(r); err != nil {
			return nil, err
		}
	}
	return order, nil
}
