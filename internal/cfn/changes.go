package cfn

import (
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/rockpoolhq/rockpool/internal/cfn/resource"
	"github.com/rockpoolhq/rockpool/internal/cfn/template"
)

// Planned is one line of a change set.
type Planned struct {
	Action      string // Add, Modify, Remove
	LogicalID   string
	PhysicalID  string
	Type        string
	Replacement string // True, False or Conditional; "" unless Modify
	Properties  []PlannedProperty
	// Before and After are the properties as JSON; "" where there are none.
	Before, After string
}

// PlannedProperty is a property that differs.
type PlannedProperty struct {
	Name     string
	Recreate string // Always, Never or Conditionally
	// Before and After are the values; nil where there is none.
	Before, After *string
}

// knownAfter stands for what only the execution of a change set will tell.
const knownAfter = "{{changeSet:KNOWN_AFTER_APPLY}}"

// show makes a text of a property's value, without what NoEcho hides.
func (d *definition) show(v any) *string {
	if v == nil {
		return nil
	}
	v = d.shown(v)
	text, isText := v.(string)
	if !isText {
		b, err := json.Marshal(v, json.Deterministic(true))
		if err != nil {
			return nil
		}
		text = string(b)
	}
	return &text
}

func (d *definition) shown(v any) any {
	switch v := v.(type) {
	case template.Unknown:
		return knownAfter
	case string:
		return d.mask(v)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = d.shown(e)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[d.mask(k)] = d.shown(e)
		}
		return out
	}
	return d.maskScalar(v)
}

// context is the properties of a resource as a change set shows them.
func (d *definition) context(properties map[string]any) string {
	text := d.show(map[string]any{"Properties": properties})
	if text == nil {
		return ""
	}
	return *text
}

// plan compares what a stack is with what it is to be.
func (d *definition) plan(now map[string]*Resource) ([]Planned, error) {
	known := references{}
	for id, r := range now {
		known[id] = r
	}
	var list []Planned
	for _, r := range d.lateLast(known) {
		t, _ := resource.Lookup(r.Type)
		old := now[r.ID]
		if old == nil {
			p, err := d.properties(r, d.environment(known))
			if err != nil {
				return nil, err
			}
			list = append(list, Planned{Action: "Add", LogicalID: r.ID, Type: r.Type, After: d.context(p)})
			continue
		}
		p, err := d.properties(r, d.environment(known))
		if err != nil {
			return nil, err
		}
		if old.Type != r.Type {
			delete(known, r.ID)
			list = append(list, Planned{Action: "Modify", LogicalID: r.ID, PhysicalID: old.PhysicalID, Type: r.Type, Replacement: "True", Before: d.context(old.Properties), After: d.context(p)})
			continue
		}
		c := t.Change(old.Properties, p)
		if len(c.Properties) == 0 {
			continue
		}
		line := Planned{Action: "Modify", LogicalID: r.ID, PhysicalID: old.PhysicalID, Type: r.Type, Replacement: "False", Before: d.context(old.Properties), After: d.context(p)}
		if c.Replaces {
			line.Replacement = "True"
			if c.Unsure {
				line.Replacement = "Conditional"
			}
			delete(known, r.ID) // what refers to it changes as well
		}
		for _, name := range c.Properties {
			recreate := "Never"
			if slices.Contains(c.ReplacedBy, name) {
				recreate = "Always"
				if c.Unsure {
					recreate = "Conditionally"
				}
			}
			line.Properties = append(line.Properties, PlannedProperty{name, recreate, d.show(old.Properties[name]), d.show(p[name])})
		}
		list = append(list, line)
	}
	for _, id := range sortedIDs(now) {
		if !d.wanted(id) {
			list = append(list, Planned{Action: "Remove", LogicalID: id, PhysicalID: now[id].PhysicalID, Type: now[id].Type, Before: d.context(now[id].Properties)})
		}
	}
	return list, nil
}

func sortedIDs(m map[string]*Resource) []string {
	var ids []string
	for id := range m {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// lateLast is the order in which resources are compared: one that has late
// properties comes last, unless it is replaced, which others have to know.
func (d *definition) lateLast(now references) []*template.Resource {
	var first, last []*template.Resource
	for _, r := range d.order {
		t, _ := resource.Lookup(r.Type)
		old := now[r.ID]
		if len(d.template.Late(r.ID)) > 0 && old != nil && old.Type == r.Type {
			if p, err := d.properties(r, d.environment(now)); err == nil && !t.Change(old.Properties, p).Replaces {
				last = append(last, r)
				continue
			}
		}
		first = append(first, r)
	}
	return append(first, last...)
}
