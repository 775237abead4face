package cfn

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rockpoolhq/rockpool/internal/cfn/template"
	"github.com/rockpoolhq/rockpool/internal/store"
)

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

// export makes the stack's exports those of outputs, or refuses.
func (r *run) export(outputs []OutputValue) error {
	var region, id string
	var before []OutputValue
	r.look(func(st *Stack) { region, id, before = st.Region, st.ID, st.Outputs })
	return r.s.Store.Update(r.ctx, func(tx store.Tx) error {
		keep := map[string]bool{}
		for _, o := range outputs {
			if o.Export == "" {
				continue
			}
			keep[o.Export] = true
			if err := r.s.putExport(tx, region, Export{o.Export, o.Value, id}); err != nil {
				return err
			}
		}
		for _, o := range before {
			if o.Export == "" || keep[o.Export] {
				continue
			}
			user, err := r.s.importerOf(tx, region, o.Export)
			if err != nil {
				return err
			}
			if user != "" {
				return invalid("Export %s cannot be deleted as it is in use by %s", o.Export, user)
			}
			if err := forget(tx, kindExport, region, o.Export); err != nil {
				return err
			}
		}
		return nil
	})
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

// importers lists the stacks that use an export.
func (s *Service) importers(tx store.Tx, region, name string) ([]string, error) {
	stacks, err := s.all(tx, region)
	var users []string
	for _, st := range stacks {
		if st.Status != "DELETE_COMPLETE" && slices.Contains(st.Imports, name) {
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
