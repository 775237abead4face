package cfn

import (
	"context"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/rockpoolhq/rockpool/internal/cfn/template"
	"github.com/rockpoolhq/rockpool/internal/cfn/transform"
)

// autoExpand is what a caller acknowledges who has a template transformed
// without having looked at what comes of it. A change set is that look.
const autoExpand = "CAPABILITY_AUTO_EXPAND"

// read reads a template: all of it or, if there are transforms, what there is to
// know before those are applied.
func read(text string) (*template.Map, *template.Template, error) {
	root, err := template.Read(text)
	if err != nil {
		return nil, nil, asInvalid(err)
	}
	build := template.Build
	if _, ok := root.Get("Transform"); ok {
		build = template.Head
	}
	t, err := build(root)
	return root, t, asInvalid(err)
}

// expand applies the transforms of the template, which depend on its parameters.
func (d *definition) expand(root *template.Map) error {
	out, err := transform.Expand(root, d.env)
	if err != nil {
		return asInvalid(err)
	}
	if len(d.template.Transforms) == 0 {
		return nil
	}
	t, err := template.Build(out)
	if err != nil {
		return asInvalid(err)
	}
	text, err := json.Marshal(out, jsontext.WithIndent("  "))
	if err != nil {
		return err
	}
	if len(text) > template.MaxBody {
		return invalid("The template that the transforms make may not exceed %d bytes in size.", template.MaxBody)
	}
	t.Transforms = d.template.Transforms
	d.template, d.env.Template, d.processed = t, t, string(text)
	return d.supported()
}

// Stages of a template.
const (
	Original  = "Original"
	Processed = "Processed"
)

// Template returns the template of a stack, or of a change set of it: as it was
// sent, or as its transforms make it.
func (s *Service) Template(ctx context.Context, region, nameOrID, changeSet, stage string) (string, error) {
	var text, stack, id string
	var resolved map[string]string
	if changeSet != "" {
		cs, err := s.DescribeChangeSet(ctx, region, nameOrID, changeSet)
		if err != nil {
			return "", err
		}
		text, resolved, stack, id = cs.Template, cs.Resolved, cs.StackName, cs.StackID
	} else {
		st, err := s.stack(ctx, region, nameOrID)
		if err != nil {
			return "", err
		}
		text, resolved, stack, id = st.Template, st.Resolved, st.Name, st.ID
		if text == "" && st.Operation != nil {
			text, resolved = st.Operation.Template, st.Operation.Resolved
		}
	}
	if stage != Processed || text == "" {
		return text, nil
	}
	d, err := s.redefine(ctx, text, resolved, region, stack, id)
	if err != nil || d.processed == "" {
		return text, err
	}
	return d.processed, nil
}

// redefine reads a definition again that was checked when it was given.
func (s *Service) redefine(ctx context.Context, text string, resolved map[string]string, region, name, id string) (*definition, error) {
	root, t, err := read(text)
	if err != nil {
		return nil, err
	}
	d := &definition{text: text, template: t, resolved: resolved}
	d.env = &template.Environment{
		Template: t, Parameters: resolved, Account: s.Account, Region: region, StackName: name, StackID: id,
		Resources: references{}, Import: s.importer(ctx, region, &d.imports),
	}
	return d, d.expand(root)
}

// Metadata is what the template of a stack says about one of its resources, as
// JSON; "" if it says nothing.
func (s *Service) Metadata(ctx context.Context, st *Stack, id string) (string, error) {
	text, resolved := st.Template, st.Resolved
	if text == "" && st.Operation != nil {
		text, resolved = st.Operation.Template, st.Operation.Resolved
	}
	if text == "" {
		return "", nil
	}
	d, err := s.redefine(ctx, text, resolved, st.Region, st.Name, st.ID)
	if err != nil {
		return "", err
	}
	for _, r := range d.template.Resources {
		if r.ID != id || r.Metadata == nil {
			continue
		}
		v, err := d.environment(references(st.Resources)).Evaluate(r.Metadata)
		if err != nil {
			return "", asInvalid(err)
		}
		b, err := json.Marshal(v)
		if err != nil {
			return "", err
		}
		return st.secrets().mask(string(b)), nil
	}
	return "", nil
}
