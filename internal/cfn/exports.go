package cfn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rockpoolhq/rockpool/internal/cfn/template"
	"github.com/rockpoolhq/rockpool/internal/store"
)

const maxExport = 255 // bytes of a name

// outputs evaluates the outputs of a stack whose resources are there.
func (d *definition) outputs(now references) (list []OutputValue, err error) {
	env := d.environment(now)
	for _, o := range d.template.Outputs {
		if o.Condition != "" {
			holds, err := env.Condition(o.Condition)
			if err != nil {
				return nil, asInvalid(err)
			}
			if !holds {
				continue
			}
		}
		out := OutputValue{Key: o.ID, Description: o.Description}
		if out.Value, err = outputText(env, o.ID, o.Value); err != nil {
			return nil, err
		}
		if o.Export != nil {
			if out.Export, err = outputText(env, o.ID, o.Export); err != nil {
				return nil, err
			}
			// It names a document. What the store cannot take it would be asked to
			// take for ever.
			if out.Export == "" || len(out.Export) > maxExport || !utf8.ValidString(out.Export) || strings.ContainsFunc(out.Export, unicode.IsControl) {
				return nil, invalid("Export name of output %s must be a text of 1 to %d bytes without control characters.", o.ID, maxExport)
			}
		}
		list = append(list, out)
	}
	slices.SortFunc(list, func(a, b OutputValue) int { return strings.Compare(a.Key, b.Key) })
	return list, nil
}

func outputText(env *template.Environment, id string, v any) (string, error) {
	v, err := env.Evaluate(v)
	if err != nil {
		return "", asInvalid(err)
	}
	switch v := v.(type) {
	case string:
		return v, nil
	case template.Number, bool:
		return fmt.Sprint(v), nil
	case template.Unknown:
		return "", errUnknownOutput
	}
	return "", invalid("Template format error: Output %s is malformed. The Value field of every Outputs member must evaluate to a String.", id)
}

var errUnknownOutput = errors.New("cfn: an output is not known yet")

// export makes the stack's exports those of outputs, where they were those of
// before, or refuses.
func (r *run) export(tx store.Tx, before, outputs []OutputValue) error {
	keep := map[string]bool{}
	for _, o := range outputs {
		if o.Export == "" {
			continue
		}
		keep[o.Export] = true
		if err := r.s.putExport(tx, r.st.Region, Export{o.Export, o.Value, r.st.ID}); err != nil {
			return err
		}
	}
	for _, o := range before {
		if o.Export == "" || keep[o.Export] {
			continue
		}
		user, err := r.s.importerOf(tx, r.st.Region, o.Export)
		if err != nil {
			return err
		}
		if user != "" {
			return invalid("Export %s cannot be deleted as it is in use by %s", o.Export, user)
		}
		if err := forget(tx, kindExport, r.st.Region, o.Export); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) putExport(tx store.Tx, region string, e Export) error {
	d, err := tx.Document(kindExport, region, e.Name)
	if errors.Is(err, store.ErrNotFound) {
		d, err = s.seal(store.Document{Kind: kindExport, Scope: region, Name: e.Name}, e)
		if err != nil {
			return err
		}
		return tx.CreateDocument(d)
	}
	if err != nil {
		return err
	}
	var old Export
	if err := s.open(d, &old); err != nil {
		return err
	}
	if old.StackID != e.StackID {
		return invalid("Export with name %s is already exported by stack %s. Cannot export it again.", e.Name, nameIn(old.StackID))
	}
	if old == e {
		return nil
	}
	user, err := s.importerOf(tx, region, e.Name)
	if err != nil {
		return err
	}
	if user != "" {
		return invalid("Cannot update export %s as it is in use by %s", e.Name, user)
	}
	if d, err = s.seal(d, e); err != nil {
		return err
	}
	return tx.UpdateDocument(d)
}

// nameIn is the name in a stack's id.
func nameIn(id string) string {
	parts := strings.Split(id, "/")
	if len(parts) < 2 {
		return id
	}
	return parts[len(parts)-2]
}

// imports reports whether a stack uses an export, or what is being done to it
// does.
func (st *Stack) imports(name string) bool {
	return slices.Contains(st.Imports, name) || st.Operation != nil && slices.Contains(st.Operation.Imports, name)
}

// bind checks, in the transaction in which an operation begins, that what it
// imports is still exported. From then on it counts as a user of that.
func (s *Service) bind(tx store.Tx, region string, imports []string) error {
	for _, name := range imports {
		_, err := tx.Document(kindExport, region, name)
		if errors.Is(err, store.ErrNotFound) {
			return invalid("No export named %.200s found.", name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// importsOfOutputs evaluates the outputs as far as they are known before
// anything is made: what they import is the stack's from the beginning.
func (d *definition) importsOfOutputs() error {
	for _, o := range d.template.Outputs {
		if o.Condition != "" {
			holds, err := d.env.Condition(o.Condition)
			if err != nil {
				return asInvalid(err)
			}
			if !holds {
				continue
			}
		}
		for _, v := range []any{o.Value, o.Export} {
			if v == nil {
				continue
			}
			if _, err := outputText(d.env, o.ID, v); err != nil && !errors.Is(err, errUnknownOutput) {
				return err
			}
		}
	}
	return nil
}

// importers lists the stacks that use an export.
func (s *Service) importers(tx store.Tx, region, name string) ([]string, error) {
	stacks, err := s.all(tx, region)
	var users []string
	for _, st := range stacks {
		if st.Status != "DELETE_COMPLETE" && st.imports(name) {
			users = append(users, st.Name)
		}
	}
	return users, err
}

func (s *Service) importerOf(tx store.Tx, region, name string) (string, error) {
	users, err := s.importers(tx, region, name)
	return strings.Join(users, ", "), err
}

// exportUser says which export of a stack is in use, "" if none is.
func (s *Service) exportUser(tx store.Tx, st *Stack, but map[string]bool) (string, error) {
	for _, o := range st.Outputs {
		if o.Export == "" || but[o.Export] {
			continue
		}
		user, err := s.importerOf(tx, st.Region, o.Export)
		if err != nil {
			return "", err
		}
		if user != "" {
			return fmt.Sprintf("Export %s cannot be deleted as it is in use by %s", o.Export, user), nil
		}
	}
	return "", nil
}

// owner is the name of the stack of a region that has a resource; "" if none
// does.
func (s *Service) owner(ctx context.Context, region, kind, physicalID string) (name string, err error) {
	err = s.Store.View(ctx, func(tx store.Tx) error {
		name = ""
		stacks, err := s.all(tx, region)
		for _, st := range stacks {
			for _, x := range st.Resources {
				if x.Type == kind && x.PhysicalID == physicalID && st.Status != "DELETE_COMPLETE" {
					name = st.Name
				}
			}
		}
		return err
	})
	return name, err
}

// all reads every stack of a region, deleted ones included.
func (s *Service) all(tx store.Tx, region string) ([]*Stack, error) {
	var list []*Stack
	err := each(tx, kindStack, region, func(d store.Document) error {
		st := &Stack{}
		if err := s.open(d, st); err != nil {
			return err
		}
		st.version = d.Version
		list = append(list, st)
		return nil
	})
	return list, err
}
