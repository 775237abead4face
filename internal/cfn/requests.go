package cfn

import (
	"context"
	"errors"
	"regexp"
	"slices"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store"
)

var stackName = regexp.MustCompile(`^[a-zA-Z][-a-zA-Z0-9]{0,127}$`)

func checkName(name string) error {
	if stackName.MatchString(name) {
		return nil
	}
	return invalid("1 validation error detected: Value '%.150s' at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*", name)
}

// Change is a request to create or update a stack.
type Change struct {
	Definition
	Name             string
	Token            string
	OnFailure        string // ROLLBACK (""), DO_NOTHING, DELETE
	DisableRollback  bool
	Protected        bool
	ExpectsNoChanges bool
}

func (s *Service) newStackID(region, name string) string {
	return "arn:aws:cloudformation:" + region + ":" + s.Account + ":stack/" + name + "/" + secret.UUID()
}

// Create begins the creation of a stack and returns its id.
func (s *Service) Create(ctx context.Context, a Actor, region string, in Change) (string, error) {
	if err := checkName(in.Name); err != nil {
		return "", err
	}
	if in.DisableRollback && in.OnFailure != "" {
		return "", invalid("You can specify either DisableRollback or OnFailure, but not both.")
	}
	id := s.newStackID(region, in.Name)
	d, err := s.define(ctx, in.Definition, region, in.Name, id, nil)
	if err != nil {
		return "", err
	}
	if err := d.capable(in.Capabilities); err != nil {
		return "", err
	}
	st := &Stack{
		ID: id, Name: in.Name, Region: region, Created: s.now(), Resources: map[string]*Resource{},
		DisableRollback: in.DisableRollback || in.OnFailure == "DO_NOTHING", OnFailure: in.OnFailure, Protected: in.Protected, Actor: a,
	}
	err = s.Store.Update(ctx, func(tx store.Tx) error {
		old, err := s.find(tx, region, in.Name)
		if err == nil {
			if again, err := s.spent(tx, old.ID, in.Token, "CreateStack"); err != nil || again {
				id = old.ID
				return err
			}
			return apierr.Newf(codeExists, "Stack [%s] already exists", in.Name)
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		fresh := *st
		if err := tx.CreateDocument(store.Document{Kind: kindName, Scope: region, Name: in.Name, Data: []byte(id), UpdatedAt: s.now()}); err != nil {
			return err
		}
		if err := s.spend(tx, id, in.Token, "CreateStack"); err != nil {
			return err
		}
		return s.begin(tx, &fresh, "CREATE_IN_PROGRESS", d.operation("create", in))
	})
	if err == nil {
		s.driveAndLinger(ctx, id)
	}
	return id, err
}

// operation is what begins with a definition.
func (d *definition) operation(kind string, in Change) *Operation {
	return &Operation{
		Kind: kind, Phase: "forward", Token: in.Token, Template: d.text, Parameters: d.given, Resolved: d.resolved, Hidden: d.hidden,
		Tags: in.Tags, Capabilities: in.Capabilities, Imports: d.imports, Done: map[string]bool{}, RollbackDisabled: in.DisableRollback || in.OnFailure == "DO_NOTHING",
		DeleteAll: in.OnFailure == "DELETE",
	}
}

// begin puts an operation into a stack, in the transaction that checked that it
// may begin.
func (s *Service) begin(tx store.Tx, st *Stack, status string, op *Operation) error {
	if err := s.bind(tx, st.Region, op.Imports); err != nil {
		return err
	}
	st.Operation, st.Lease = op, Lease{}
	if err := s.event(tx, st, Event{LogicalID: st.Name, PhysicalID: st.ID, Type: stackType, Status: status, Reason: "User Initiated", Token: op.Token}); err != nil {
		return err
	}
	st.Status, st.Reason = status, "User Initiated"
	if err := tx.CreateDocument(store.Document{Kind: kindRunning, Name: st.ID, UpdatedAt: s.now()}); err != nil && !errors.Is(err, store.ErrExists) {
		return err
	}
	if err := forget(tx, kindCancel, "", st.ID); err != nil {
		return err
	}
	return s.save(tx, st)
}

// updatable are the statuses in which a stack can be updated.
var updatable = []string{"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "UPDATE_FAILED", "CREATE_FAILED"}

// Update begins the update of a stack and returns its id.
func (s *Service) Update(ctx context.Context, a Actor, region string, in Change) (string, error) {
	st, err := s.stack(ctx, region, in.Name)
	if err != nil {
		return "", err
	}
	if again, err := s.alreadySpent(ctx, st.ID, in.Token, "UpdateStack"); err != nil || again {
		return st.ID, err
	}
	if !slices.Contains(updatable, st.Status) {
		return "", invalid("Stack:%s is in %s state and can not be updated.", st.ID, st.Status)
	}
	d, err := s.define(ctx, in.Definition, region, st.Name, st.ID, st)
	if err != nil {
		return "", err
	}
	if err := d.capable(in.Capabilities); err != nil {
		return "", err
	}
	if in.KeepTags {
		in.Tags = st.Tags
	}
	same, err := d.same(st, in.Tags)
	if err != nil {
		return "", err
	}
	if same {
		return "", invalid("No updates are to be performed.")
	}
	return st.ID, s.beginUpdate(ctx, a, st.ID, d.operation("update", in))
}

// same reports whether a definition changes nothing in a stack.
func (d *definition) same(st *Stack, tags []Tag) (bool, error) {
	plan, err := d.plan(st.Resources)
	if err != nil || len(plan) > 0 || !slices.Equal(tags, st.Tags) {
		return false, err
	}
	outputs, err := d.outputs(references(st.Resources))
	return err == nil && slices.Equal(outputs, st.Outputs), err
}

func (s *Service) beginUpdate(ctx context.Context, a Actor, id string, op *Operation) error {
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		st, err := s.load(tx, id)
		if err != nil {
			return err
		}
		if again, err := s.spent(tx, id, op.Token, "UpdateStack"); err != nil || again {
			return err
		}
		if !slices.Contains(updatable, st.Status) {
			return invalid("Stack:%s is in %s state and can not be updated.", st.ID, st.Status)
		}
		fresh := *op
		fresh.Before, fresh.Done = map[string]*Resource{}, map[string]bool{}
		for id, r := range st.Resources {
			c := *r
			fresh.Before[id] = &c
		}
		st.Actor, st.Updated = a, s.now()
		if err := s.spend(tx, id, op.Token, "UpdateStack"); err != nil {
			return err
		}
		return s.begin(tx, st, "UPDATE_IN_PROGRESS", &fresh)
	})
	if err == nil {
		s.driveAndLinger(ctx, id)
	}
	return err
}

// Delete begins the deletion of a stack. One that does not exist is deleted.
func (s *Service) Delete(ctx context.Context, a Actor, region, nameOrID string, retain []string, token string) error {
	var id string
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		id = ""
		st, err := s.find(tx, region, nameOrID)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return nil
		case err != nil:
			return err
		}
		if again, err := s.spent(tx, st.ID, token, "DeleteStack"); err != nil || again {
			return err
		}
		switch {
		case st.Status == "DELETE_COMPLETE" || st.Status == "DELETE_IN_PROGRESS":
			return nil
		case st.Protected:
			return invalid("Stack [%s] cannot be deleted while TerminationProtection is enabled", st.Name)
		case st.Operation != nil && !terminal(st.Status) && st.Status != "REVIEW_IN_PROGRESS":
			return invalid("Stack:%s is in %s state and can not be deleted: wait until it has finished.", st.ID, st.Status)
		case len(retain) > 0 && st.Status != "DELETE_FAILED":
			return invalid("Invalid operation on stack [%s]. RetainResources can only be given for a stack in DELETE_FAILED.", st.ID)
		}
		if user, err := s.exportUser(tx, st, nil); err != nil || user != "" {
			return errors.Join(err, ifUsed(user))
		}
		if err := s.spend(tx, st.ID, token, "DeleteStack"); err != nil {
			return err
		}
		st.Actor = a
		id = st.ID
		return s.begin(tx, st, "DELETE_IN_PROGRESS", &Operation{Kind: "delete", Phase: "delete", Token: token, Retain: retain})
	})
	if err == nil && id != "" {
		s.driveAndLinger(ctx, id)
	}
	return err
}

func ifUsed(what string) error {
	if what == "" {
		return nil
	}
	return invalid("%s", what)
}

// Cancel asks an update to stop and roll back.
func (s *Service) Cancel(ctx context.Context, region, nameOrID, token string) error {
	return s.Store.Update(ctx, func(tx store.Tx) error {
		st, err := s.mustFind(tx, region, nameOrID)
		if err != nil {
			return err
		}
		if again, err := s.spent(tx, st.ID, token, "CancelUpdateStack"); err != nil || again {
			return err
		}
		if st.Status != "UPDATE_IN_PROGRESS" {
			return invalid("CancelUpdateStack cannot be called from current stack status")
		}
		if err := s.spend(tx, st.ID, token, "CancelUpdateStack"); err != nil {
			return err
		}
		err = tx.CreateDocument(store.Document{Kind: kindCancel, Name: st.ID, UpdatedAt: s.now()})
		if errors.Is(err, store.ErrExists) {
			return nil
		}
		return err
	})
}

// ContinueRollback tries a rollback again that failed; resources in skip are
// left as they are.
func (s *Service) ContinueRollback(ctx context.Context, a Actor, region, nameOrID string, skip []string, token string) error {
	var id string
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		id = ""
		st, err := s.mustFind(tx, region, nameOrID)
		if err != nil {
			return err
		}
		if again, err := s.spent(tx, st.ID, token, "ContinueUpdateRollback"); err != nil || again {
			return err
		}
		if st.Status != "UPDATE_ROLLBACK_FAILED" || st.Operation == nil {
			return invalid("Stack:%s is in %s state and can not continue an update rollback.", st.ID, st.Status)
		}
		for _, name := range skip {
			if r := st.Resources[name]; r == nil || r.Status != "UPDATE_FAILED" && r.Status != "DELETE_FAILED" {
				return invalid("ResourcesToSkip: %.255s is not a resource of stack %s whose rollback failed.", name, st.Name)
			}
		}
		if err := s.spend(tx, st.ID, token, "ContinueUpdateRollback"); err != nil {
			return err
		}
		id, st.Actor, st.Operation.Skip, st.Operation.Token = st.ID, a, skip, token
		return s.begin(tx, st, "UPDATE_ROLLBACK_IN_PROGRESS", st.Operation)
	})
	if err == nil && id != "" {
		s.driveAndLinger(ctx, id)
	}
	return err
}

// Protect sets the termination protection and returns the stack's id.
func (s *Service) Protect(ctx context.Context, region, nameOrID string, on bool) (string, error) {
	id := ""
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		st, err := s.mustFind(tx, region, nameOrID)
		if err != nil {
			return err
		}
		id, st.Protected = st.ID, on
		return s.save(tx, st)
	})
	return id, err
}

// stack reads a stack for a request.
func (s *Service) stack(ctx context.Context, region, nameOrID string) (*Stack, error) {
	var st *Stack
	err := s.Store.View(ctx, func(tx store.Tx) (err error) {
		st, err = s.mustFind(tx, region, nameOrID)
		return err
	})
	return st, err
}
