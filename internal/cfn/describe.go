package cfn

import (
	"context"
	"slices"

	"github.com/rockpoolhq/rockpool/internal/cfn/resource"
	"github.com/rockpoolhq/rockpool/internal/cfn/template"
	"github.com/rockpoolhq/rockpool/internal/store"
)

// Describe returns the stack with a name or id or, without one, all that are
// not deleted, the newest first.
func (s *Service) Describe(ctx context.Context, region, nameOrID string) (list []*Stack, err error) {
	if nameOrID != "" {
		st, err := s.stack(ctx, region, nameOrID)
		return []*Stack{st}, err
	}
	all, err := s.List(ctx, region)
	for _, st := range all {
		if st.Status != "DELETE_COMPLETE" {
			list = append(list, st)
		}
	}
	return list, err
}

// List returns all stacks of a region, the newest first; deleted ones too.
func (s *Service) List(ctx context.Context, region string) (list []*Stack, err error) {
	err = s.Store.View(ctx, func(tx store.Tx) error {
		list, err = s.all(tx, region)
		return err
	})
	slices.SortStableFunc(list, func(a, b *Stack) int { return b.Created.Compare(a.Created) })
	return list, err
}

// Events returns the events of a stack, the newest first: a page that begins
// after the event with the cursor, and the cursor of the next.
func (s *Service) Events(ctx context.Context, region, nameOrID, after string, limit int) (list []Event, next string, err error) {
	err = s.Store.View(ctx, func(tx store.Tx) error {
		list = nil
		st, err := s.mustFind(tx, region, nameOrID)
		if err != nil {
			return err
		}
		var docs []store.Document
		docs, next, err = tx.ListDocuments(kindEvent, st.ID, store.Page{After: after, Limit: limit})
		for _, d := range docs {
			var e Event
			if err := s.open(d, &e); err != nil {
				return err
			}
			list = append(list, e)
		}
		return err
	})
	return list, next, err
}

// Export is an export of a stack.
type Export struct{ Name, Value, StackID string }

// Exports lists the exports of a region by name.
func (s *Service) Exports(ctx context.Context, region string) (list []Export, err error) {
	err = s.Store.View(ctx, func(tx store.Tx) error {
		list = nil
		return each(tx, kindExport, region, func(d store.Document) error {
			var e Export
			err := s.open(d, &e)
			list = append(list, e)
			return err
		})
	})
	return list, err
}

// Imports lists the names of the stacks that use an export.
func (s *Service) Imports(ctx context.Context, region, name string) (list []string, err error) {
	err = s.Store.View(ctx, func(tx store.Tx) error {
		list, err = s.importers(tx, region, name)
		return err
	})
	if err == nil && list == nil {
		return nil, invalid("Export '%s' is not imported by any stack.", name)
	}
	return list, err
}

// Summary is what can be said of a template without a stack.
type Summary struct {
	Description        string
	Parameters         []*template.Parameter
	Types              []string
	Transforms         []string
	Capabilities       []string
	CapabilitiesReason string
	Metadata           any
}

// Summarize reads a template, or that of a stack.
func (s *Service) Summarize(ctx context.Context, in Definition, region, nameOrID string) (*Summary, error) {
	text := ""
	if nameOrID != "" {
		st, err := s.stack(ctx, region, nameOrID)
		if err != nil {
			return nil, err
		}
		text = st.Template
	} else {
		var err error
		if text, err = s.body(ctx, in, nil); err != nil {
			return nil, err
		}
	}
	root, t, err := read(text)
	if err != nil {
		return nil, err
	}
	d := &definition{template: t}
	if err := d.supported(); err != nil {
		return nil, err
	}
	if _, err := t.Order(resource.Late); err != nil {
		return nil, asInvalid(err)
	}
	sum := &Summary{Description: t.Description, Parameters: t.Parameters, Transforms: t.Transforms, Capabilities: d.needCapabilities}
	if len(d.needCapabilities) > 0 {
		sum.CapabilitiesReason = "The following resource(s) require capabilities: [" + d.capabilityReason + "]"
	}
	sum.Types = typesOf(root)
	return sum, nil
}

// typesOf lists the types of resources that a text names, before its transforms.
func typesOf(root *template.Map) (types []string) {
	v, _ := root.Get("Resources")
	resources, _ := v.(*template.Map)
	for _, id := range resources.Keys() {
		v, _ := resources.Get(id)
		r, _ := v.(*template.Map)
		t, _ := r.Get("Type")
		if name, ok := t.(string); ok && !slices.Contains(types, name) {
			types = append(types, name)
		}
	}
	slices.Sort(types)
	return types
}
