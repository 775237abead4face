package cfn

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/secret"
	"github.com/rockpoolhq/rockpool/internal/store"
)

// ChangeSet is a plan that is kept.
type ChangeSet struct {
	ID, Name, StackID, StackName string
	Description                  string
	Type                         string // CREATE or UPDATE
	Status, Reason               string // CREATE_COMPLETE or FAILED
	Execution                    string // AVAILABLE, UNAVAILABLE, EXECUTE_COMPLETE, OBSOLETE
	Created                      time.Time
	Template                     string
	Parameters, Resolved         map[string]string
	Hidden                       []string
	Tags                         []Tag
	Capabilities                 []string
	Imports                      []string
	OnFailure                    string
	ImportExisting               bool
	Changes                      []Planned
	StackVersion                 int64 // of events: a change since makes it obsolete
}

// NewChangeSet is a request for a change set.
type NewChangeSet struct {
	Change
	ChangeSet   string
	Description string
	Type        string // "", CREATE or UPDATE
	// ImportExisting says that what exists by a name in the template becomes
	// the stack's, where the type can do that.
	ImportExisting bool
}

const noChanges = "The submitted information didn't contain changes. Submit different information to create a change set."

// CreateChangeSet plans a change and keeps the plan. It returns the ids of the
// change set and of the stack.
func (s *Service) CreateChangeSet(ctx context.Context, a Actor, region string, in NewChangeSet) (id, stackID string, err error) {
	if !stackName.MatchString(in.ChangeSet) {
		return "", "", invalid("1 validation error detected: Value '%.150s' at 'changeSetName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*", in.ChangeSet)
	}
	if old, err := s.sameChangeSet(ctx, region, in); err != nil || old != nil {
		return old.ids(err)
	}
	st, err := s.forChangeSet(ctx, a, region, in)
	if err != nil {
		return "", "", err
	}
	var old *Stack
	if in.Type != "CREATE" {
		old = st
	}
	cs := &ChangeSet{
		Name: in.ChangeSet, StackID: st.ID, StackName: st.Name, Description: in.Description, Type: cmp.Or(in.Type, "UPDATE"),
		ID:     "arn:aws:cloudformation:" + region + ":" + s.Account + ":changeSet/" + in.ChangeSet + "/" + secret.UUID(),
		Status: "CREATE_COMPLETE", Execution: "AVAILABLE", Created: s.now(), Tags: in.Tags, Capabilities: in.Capabilities, OnFailure: in.OnFailure,
		ImportExisting: in.ImportExisting, StackVersion: st.Events,
	}
	d, err := s.define(ctx, in.Definition, region, st.Name, st.ID, old)
	if err == nil {
		err = d.capable(append(slices.Clone(in.Capabilities), autoExpand))
	}
	if err != nil {
		return "", "", errors.Join(err, s.dropReview(ctx, st, in))
	}
	cs.Template, cs.Parameters, cs.Resolved, cs.Hidden = d.text, d.given, d.resolved, d.hidden
	cs.Imports = d.imports
	if cs.Changes, err = d.plan(st.Resources); err != nil {
		return "", "", err
	}
	if old != nil {
		same, err := d.same(old, cs.Tags)
		if err != nil {
			return "", "", err
		}
		if same {
			cs.Status, cs.Reason, cs.Execution = "FAILED", noChanges, "UNAVAILABLE"
		}
	}
	err = s.Store.Update(ctx, func(tx store.Tx) error {
		if err := s.spend(tx, st.ID, in.Token, "CreateChangeSet "+cs.Name); err != nil {
			return err
		}
		doc, err := s.seal(store.Document{Kind: kindChangeSet, Scope: st.ID, Name: cs.Name}, cs)
		if err != nil {
			return err
		}
		// The name of one that was executed is free again.
		if old, was, err := s.findChangeSet(tx, region, st.ID, cs.Name); err == nil && old.Execution == "EXECUTE_COMPLETE" {
			if err := tx.DeleteDocument(was.Kind, was.Scope, was.Name); err != nil {
				return err
			}
		}
		if err = tx.CreateDocument(doc); errors.Is(err, store.ErrExists) {
			return apierr.Newf(codeExists, "ChangeSet %s cannot be created due to a mismatch with existing attribute Template", cs.ID)
		}
		return err
	})
	return cs.ID, st.ID, err
}

// sameChangeSet finds what the same request has made before; nil if it has not.
func (s *Service) sameChangeSet(ctx context.Context, region string, in NewChangeSet) (cs *ChangeSet, err error) {
	err = s.Store.View(ctx, func(tx store.Tx) error {
		cs = nil
		st, err := s.find(tx, region, in.Name)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if again, err := s.spent(tx, st.ID, in.Token, "CreateChangeSet "+in.ChangeSet); err != nil || !again {
			return err
		}
		cs, _, err = s.findChangeSet(tx, region, st.ID, in.ChangeSet)
		return err
	})
	return cs, err
}

func (cs *ChangeSet) ids(err error) (id, stackID string, _ error) {
	if err != nil {
		return "", "", err
	}
	return cs.ID, cs.StackID, nil
}

// forChangeSet finds the stack of a change set, or makes one that waits for it.
func (s *Service) forChangeSet(ctx context.Context, a Actor, region string, in NewChangeSet) (st *Stack, err error) {
	if in.Type != "CREATE" {
		if st, err = s.stack(ctx, region, in.Name); err != nil {
			return nil, err
		}
		if !slices.Contains(updatable, st.Status) {
			return nil, invalid("Stack:%s is in %s state and can not be updated.", st.ID, st.Status)
		}
		return st, nil
	}
	if err := checkName(in.Name); err != nil {
		return nil, err
	}
	err = s.Store.Update(ctx, func(tx store.Tx) error {
		st, err = s.find(tx, region, in.Name)
		switch {
		case err == nil && st.Status == "REVIEW_IN_PROGRESS":
			return nil
		case err == nil:
			return invalid("Stack [%s] already exists and cannot be created again with the changeSet [%s].", in.Name, in.ChangeSet)
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
		st = &Stack{ID: s.newStackID(region, in.Name), Name: in.Name, Region: region, Created: s.now(), Resources: map[string]*Resource{}, Status: "REVIEW_IN_PROGRESS", Reason: "User Initiated", Actor: a}
		if err := tx.CreateDocument(store.Document{Kind: kindName, Scope: region, Name: in.Name, Data: []byte(st.ID), UpdatedAt: s.now()}); err != nil {
			return err
		}
		if err := s.event(tx, st, Event{LogicalID: st.Name, PhysicalID: st.ID, Type: stackType, Status: st.Status, Reason: st.Reason}); err != nil {
			return err
		}
		return s.save(tx, st)
	})
	return st, err
}

// dropReview takes a stack away that was made for a change set that came to
// nothing.
func (s *Service) dropReview(ctx context.Context, st *Stack, in NewChangeSet) error {
	if in.Type != "CREATE" {
		return nil
	}
	return s.Store.Update(ctx, func(tx store.Tx) error {
		list, _, err := tx.ListDocuments(kindChangeSet, st.ID, store.Page{Limit: 1})
		if err != nil || len(list) > 0 {
			return err
		}
		now, err := s.load(tx, st.ID)
		if err != nil || now.Status != "REVIEW_IN_PROGRESS" {
			return err
		}
		if err := tx.DeleteDocument(kindName, st.Region, st.Name); err != nil {
			return err
		}
		return tx.DeleteDocument(kindStack, st.Region, uuidOf(st.ID))
	})
}

// findChangeSet reads a change set by its name in a stack, or by its id.
func (s *Service) findChangeSet(tx store.Tx, region, stack, nameOrID string) (*ChangeSet, store.Document, error) {
	name := nameOrID
	if strings.HasPrefix(nameOrID, "arn:") {
		name = nameIn(nameOrID)
	}
	missing := apierr.Newf(codeNoChangeSet, "ChangeSet [%s] does not exist", nameOrID)
	var stacks []string
	if stack != "" {
		st, err := s.find(tx, region, stack)
		if errors.Is(err, store.ErrNotFound) {
			return nil, store.Document{}, missing
		}
		if err != nil {
			return nil, store.Document{}, err
		}
		stacks = []string{st.ID}
	} else {
		list, err := s.all(tx, region)
		if err != nil {
			return nil, store.Document{}, err
		}
		for _, st := range list {
			stacks = append(stacks, st.ID)
		}
	}
	for _, id := range stacks {
		d, err := tx.Document(kindChangeSet, id, name)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, d, err
		}
		cs := &ChangeSet{}
		if err := s.open(d, cs); err != nil {
			return nil, d, err
		}
		if name == nameOrID && stack != "" || cs.ID == nameOrID {
			return cs, d, nil
		}
	}
	return nil, store.Document{}, missing
}

// DescribeChangeSet reads a change set.
func (s *Service) DescribeChangeSet(ctx context.Context, region, stack, nameOrID string) (cs *ChangeSet, err error) {
	err = s.Store.View(ctx, func(tx store.Tx) error {
		cs, _, err = s.findChangeSet(tx, region, stack, nameOrID)
		return err
	})
	return cs, err
}

// ListChangeSets lists the change sets of a stack by name.
func (s *Service) ListChangeSets(ctx context.Context, region, stack string) (list []*ChangeSet, err error) {
	err = s.Store.View(ctx, func(tx store.Tx) error {
		list = nil
		st, err := s.mustFind(tx, region, stack)
		if err != nil {
			return err
		}
		return each(tx, kindChangeSet, st.ID, func(d store.Document) error {
			cs := &ChangeSet{}
			list = append(list, cs)
			return s.open(d, cs)
		})
	})
	return list, err
}

// DeleteChangeSet forgets a change set. One that does not exist is forgotten.
func (s *Service) DeleteChangeSet(ctx context.Context, region, stack, nameOrID string) error {
	return s.Store.Update(ctx, func(tx store.Tx) error {
		_, d, err := s.findChangeSet(tx, region, stack, nameOrID)
		if e, ok := errors.AsType[*apierr.Error](err); ok && e.Code == codeNoChangeSet {
			return nil
		}
		if err != nil {
			return err
		}
		return tx.DeleteDocument(d.Kind, d.Scope, d.Name)
	})
}

// ExecuteChangeSet begins what a change set plans.
func (s *Service) ExecuteChangeSet(ctx context.Context, a Actor, region, stack, nameOrID, token string, disableRollback bool) error {
	var id string
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		cs, doc, err := s.findChangeSet(tx, region, stack, nameOrID)
		if err != nil {
			return err
		}
		st, err := s.load(tx, cs.StackID)
		if err != nil {
			return err
		}
		id = ""
		if again, err := s.spent(tx, st.ID, token, "ExecuteChangeSet "+cs.Name); err != nil || again {
			return err
		}
		if cs.Execution != "AVAILABLE" {
			return apierr.Newf(codeChangeSet, "ChangeSet [%s] cannot be executed in its current status of [%s]", cs.ID, cmp.Or(cs.Execution, cs.Status))
		}
		if st.Events != cs.StackVersion {
			return apierr.Newf(codeChangeSet, "ChangeSet [%s] cannot be executed in its current execution status of [OBSOLETE]: the stack has changed since", cs.ID)
		}
		op := &Operation{
			Kind: "update", Phase: "forward", Token: token, Template: cs.Template, Parameters: cs.Parameters, Resolved: cs.Resolved, Hidden: cs.Hidden,
			Tags: cs.Tags, Capabilities: cs.Capabilities, Imports: cs.Imports, Done: map[string]bool{}, Before: map[string]*Resource{},
			RollbackDisabled: disableRollback || cs.OnFailure == "DO_NOTHING", DeleteAll: cs.OnFailure == "DELETE",
			ImportExisting: cs.ImportExisting,
		}
		status := "UPDATE_IN_PROGRESS"
		switch {
		case cs.Type == "CREATE" && st.Status == "REVIEW_IN_PROGRESS":
			op.Kind, status = "create", "CREATE_IN_PROGRESS"
			st.Created = s.now()
		case cs.Type == "UPDATE" && slices.Contains(updatable, st.Status):
			op.Before = clone(st.Resources)
			st.Updated = s.now()
		default:
			return apierr.Newf(codeChangeSet, "ChangeSet [%s] cannot be executed: the stack is in %s", cs.ID, st.Status)
		}
		// A stack has no more use for other plans once one is executed.
		err = each(tx, kindChangeSet, st.ID, func(d store.Document) error {
			if d.Name == doc.Name {
				return nil
			}
			return tx.DeleteDocument(d.Kind, d.Scope, d.Name)
		})
		if err != nil {
			return err
		}
		cs.Execution = "EXECUTE_COMPLETE"
		if doc, err = s.seal(doc, cs); err != nil {
			return err
		}
		if err := tx.UpdateDocument(doc); err != nil {
			return err
		}
		if err := s.spend(tx, st.ID, token, "ExecuteChangeSet "+cs.Name); err != nil {
			return err
		}
		id, st.Actor, st.ChangeSetID = st.ID, a, cs.ID
		return s.begin(tx, st, status, op)
	})
	if err == nil && id != "" {
		s.driveAndLinger(ctx, id)
	}
	return err
}
