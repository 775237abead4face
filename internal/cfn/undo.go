package cfn

import (
	"errors"
	"slices"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/cfn/resource"
	"github.com/rockpoolhq/rockpool/internal/store"
)

// rollback undoes what forward did.
func (r *run) rollback(kind string) error {
	if kind == "create" {
		if err := r.remove(r.everything(), false); err != nil {
			if interrupted(r.ctx, err) {
				return err
			}
			return r.stackStatus("ROLLBACK_FAILED", err.Error(), phase(""))
		}
		return r.stackStatus("ROLLBACK_COMPLETE", "", func(st *Stack) { st.Operation.Phase, st.Operation.Imports = "", nil })
	}
	err := r.restore()
	if err == nil {
		err = r.remove(r.surplus(), false)
	}
	switch {
	case err == nil:
		return r.stackStatus("UPDATE_ROLLBACK_COMPLETE", "", func(st *Stack) {
			st.Operation.Replaced, st.Operation.Phase, st.Operation.Imports = nil, "", nil
		})
	case interrupted(r.ctx, err):
		return err
	}
	return r.stackStatus("UPDATE_ROLLBACK_FAILED", err.Error(), func(st *Stack) {
		// The phase stays: ContinueUpdateRollback goes on from here.
		st.Operation.Failed = err.Error()
	})
}

// restore changes back what was updated and puts back what was replaced, in
// dependency order. What replaced it is kept among Replaced, to be deleted.
func (r *run) restore() error {
	var before map[string]*Resource
	r.look(func(st *Stack) { before = clone(st.Operation.Before) })
	fail := failures{log: r.s.log()}
	inOrder(r.ctx, sortedIDs(before), func(id string) []string { return before[id].DependsOn }, func(id string) error {
		err := r.restoreOne(before[id])
		if err != nil {
			fail.add(id, err, "update")
		}
		return err
	}, &fail, never)
	return fail.err(r.ctx)
}

// skips reports whether a rollback leaves a resource as it is.
func (r *run) skips(x *Resource) (skip bool) {
	r.look(func(st *Stack) { skip = slices.Contains(st.Operation.Skip, x.ID) })
	return skip
}

func (r *run) restoreOne(was *Resource) error {
	var now *Resource
	touched := false
	r.look(func(st *Stack) {
		touched = st.Operation.Touched[was.ID]
		if c := st.Resources[was.ID]; c != nil {
			copied := *c
			now = &copied
		}
	})
	if now == nil || now.PhysicalID != was.PhysicalID {
		return r.note(func(st *Stack) {
			if now != nil && now.PhysicalID != "" {
				st.Operation.Replaced = append(st.Operation.Replaced, now)
			}
			old := *was
			st.Resources[was.ID] = &old
			st.Operation.Replaced = slices.DeleteFunc(st.Operation.Replaced, func(x *Resource) bool { return x.ID == was.ID && x.PhysicalID == was.PhysicalID })
		})
	}
	if r.skips(now) {
		// It is taken for what it was; the next update may find out otherwise.
		old := *was
		return r.note(func(st *Stack) { st.Resources[was.ID] = &old }, resourceEvent(&old, "UPDATE_COMPLETE", "Skipped, as ContinueUpdateRollback asked for."))
	}
	if now.Status == was.Status && now.Updated.Equal(was.Updated) {
		return nil
	}
	if !touched { // what failed is the creation of its replacement
		old := *was
		return r.note(func(st *Stack) { st.Resources[was.ID] = &old }, resourceEvent(&old, "UPDATE_COMPLETE", ""))
	}
	if err := r.note(func(*Stack) {}, resourceEvent(now, "UPDATE_IN_PROGRESS", "")); err != nil {
		return err
	}
	t, _ := resource.Lookup(was.Type)
	in := r.request(was)
	in.Old, in.Restore = now.Properties, true
	got, err := t.Update(r.ctx, in)
	if err != nil {
		if interrupted(r.ctx, err) {
			return errLost
		}
		return r.ended(now, was, "UPDATE_FAILED", err)
	}
	back := *was
	back.take(got)
	return r.note(func(st *Stack) { st.Resources[was.ID] = &back }, resourceEvent(&back, "UPDATE_COMPLETE", ""))
}

// everything is all resources of the stack.
func (r *run) everything() (list []*Resource) {
	r.look(func(st *Stack) {
		for _, id := range sortedIDs(st.Resources) {
			c := *st.Resources[id]
			list = append(list, &c)
		}
	})
	return list
}

// surplus is what a rolled back update has made and nobody needs: what
// replaced something, and what was new.
func (r *run) surplus() (list []*Resource) {
	r.look(func(st *Stack) {
		for _, x := range st.Operation.Replaced {
			c := *x
			list = append(list, &c)
		}
		for _, id := range sortedIDs(st.Resources) {
			if st.Operation.Before[id] == nil {
				c := *st.Resources[id]
				list = append(list, &c)
			}
		}
	})
	return list
}

// cleanup deletes what an update has replaced or is no longer wanted. That it
// fails does not fail the update, as in CloudFormation.
func (r *run) cleanup() error {
	var list []*Resource
	r.look(func(st *Stack) {
		for _, x := range st.Operation.Replaced {
			c := *x
			list = append(list, &c)
		}
	})
	reason := ""
	if err := r.remove(list, true); err != nil {
		if interrupted(r.ctx, err) {
			return err
		}
		reason = "Update successful. One or more resources could not be deleted."
	}
	return r.stackStatus("UPDATE_COMPLETE", reason, func(st *Stack) { st.Operation.Replaced, st.Operation.Phase = nil, "" })
}

// deleteAll deletes a stack.
func (r *run) deleteAll(op Operation) error {
	list := slices.DeleteFunc(r.everything(), func(x *Resource) bool { return slices.Contains(op.Retain, x.ID) })
	if err := r.remove(list, true); err != nil {
		if interrupted(r.ctx, err) {
			return err
		}
		return r.stackStatus("DELETE_FAILED", err.Error(), phase(""))
	}
	err := r.stackStatusIf(func(tx store.Tx) error {
		if err := r.export(tx, r.st.Outputs, nil); err != nil {
			return err
		}
		err := each(tx, kindChangeSet, r.st.ID, func(d store.Document) error { return tx.DeleteDocument(d.Kind, d.Scope, d.Name) })
		if err != nil {
			return err
		}
		return forget(tx, kindName, r.st.Region, r.st.Name)
	}, "DELETE_COMPLETE", "", func(st *Stack) { st.Deleted, st.Operation.Phase = r.s.now(), "" })
	if _, refused := errors.AsType[*apierr.Error](err); refused {
		// Another stack has begun to use an export meanwhile.
		return r.stackStatus("DELETE_FAILED", err.Error(), phase(""))
	}
	return err
}

// remove deletes resources, each after those that need it. policies says that
// what is to be retained is.
func (r *run) remove(list []*Resource, policies bool) error {
	byKey := map[string]*Resource{}
	var keys []string
	neededBy := map[string][]string{}
	for _, x := range list {
		k := x.ID + "\x00" + x.PhysicalID
		byKey[k] = x
		keys = append(keys, k)
	}
	for _, k := range keys {
		for _, other := range keys {
			if slices.Contains(byKey[other].DependsOn, byKey[k].ID) {
				neededBy[k] = append(neededBy[k], other)
			}
		}
	}
	fail := failures{log: r.s.log()}
	inOrder(r.ctx, keys, func(k string) []string { return neededBy[k] }, func(k string) error {
		err := r.removeOne(byKey[k], policies)
		if err != nil {
			fail.add(byKey[k].ID, err, "delete")
		}
		return err
	}, &fail, never)
	return fail.err(r.ctx)
}

func (r *run) removeOne(x *Resource, policies bool) error {
	gone := func(st *Stack) {
		if cur := st.Resources[x.ID]; cur != nil && cur.PhysicalID == x.PhysicalID {
			delete(st.Resources, x.ID)
		}
		if st.Operation != nil {
			st.Operation.Replaced = slices.DeleteFunc(st.Operation.Replaced, func(o *Resource) bool { return o.ID == x.ID && o.PhysicalID == x.PhysicalID })
		}
	}
	// Of an update, what is deleted was replaced or is no longer wanted.
	replaced := false
	r.look(func(st *Stack) { cur := st.Resources[x.ID]; replaced = cur != nil && cur.PhysicalID != x.PhysicalID })
	keep := !replaced && x.RetainOnRollback || x.Imported || r.skips(x)
	if policies {
		keep = replaced && x.RetainOnReplace || !replaced && x.Retain
	}
	if keep && x.PhysicalID != "" {
		return r.note(gone, resourceEvent(x, "DELETE_SKIPPED", ""))
	}
	if x.PhysicalID == "" {
		// Its creation failed, so there is nothing.
		return r.note(gone, resourceEvent(x, "DELETE_COMPLETE", ""))
	}
	if err := r.note(func(*Stack) {}, resourceEvent(x, "DELETE_IN_PROGRESS", "")); err != nil {
		return err
	}
	t, ok := resource.Lookup(x.Type)
	if !ok {
		return r.note(gone, resourceEvent(x, "DELETE_SKIPPED", "this version of Rockpool has no such type"))
	}
	if err := t.Delete(r.ctx, r.request(x)); err != nil {
		if interrupted(r.ctx, err) {
			return errLost
		}
		return r.ended(x, nil, "DELETE_FAILED", err)
	}
	return r.note(gone, resourceEvent(x, "DELETE_COMPLETE", ""))
}
