//lint:file-ignore ST1005 The texts are CloudFormation's.

package cfn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/cfn/resource"
	"github.com/rockpoolhq/rockpool/internal/cfn/template"
	"github.com/rockpoolhq/rockpool/internal/store"
)

// execute carries the operation on from wherever it is, to its end. An error
// means that it was interrupted.
func (r *run) execute() error {
	for {
		var op Operation
		var over bool
		r.look(func(st *Stack) { op, over = *st.Operation, terminal(st.Status) })
		if over {
			return r.finish()
		}
		var err error
		switch op.Phase {
		case "forward":
			err = r.forward(op.Kind)
		case "rollback":
			err = r.rollback(op.Kind)
		case "cleanup":
			err = r.cleanup()
		case "delete":
			err = r.deleteAll(op)
		default:
			return fmt.Errorf("cfn: stack %s has an operation in the phase %q", r.st.ID, op.Phase)
		}
		if err != nil {
			return err
		}
	}
}

// finish takes the operation off the list of what is going on, unless the next
// one has begun.
func (r *run) finish() error {
	return r.s.Store.Update(context.WithoutCancel(r.ctx), func(tx store.Tx) error {
		st, err := r.s.load(tx, r.st.ID)
		if err == nil && !terminal(st.Status) {
			return nil
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return forget(tx, kindRunning, "", r.st.ID)
	})
}

// phase sets the phase that comes next; "" is the end.
func phase(name string) func(*Stack) {
	return func(st *Stack) { st.Operation.Phase = name }
}

// forward makes the stack what it is to be.
func (r *run) forward(kind string) error {
	d, err := r.definition()
	if err == nil {
		err = r.eachResource(d)
	}
	var outputs []OutputValue
	if err == nil {
		var now references
		r.look(func(st *Stack) { now = clone(st.Resources) })
		outputs, err = d.outputs(now)
	}
	if err == nil {
		err = r.succeeded(kind, d, outputs)
	}
	switch {
	case err == nil:
		return nil
	case interrupted(r.ctx, err):
		return err
	}
	return r.failed(kind, err)
}

// interrupted reports whether an error says nothing about the operation.
func interrupted(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, errLost)
}

// definition reads again what the operation was begun with. It was checked then.
func (r *run) definition() (*definition, error) {
	var op Operation
	var id, name, region string
	r.look(func(st *Stack) { op, id, name, region = *st.Operation, st.ID, st.Name, st.Region })
	d, err := r.s.redefine(r.ctx, op.Template, op.Resolved, region, name, id)
	if err != nil {
		return nil, err
	}
	d.given, d.hidden = op.Parameters, op.Hidden
	return d, d.sort()
}

// succeeded ends forward, unless somebody has cancelled it or its exports are
// refused.
func (r *run) succeeded(kind string, d *definition, outputs []OutputValue) error {
	become := func(st *Stack) {
		op := st.Operation
		st.Template, st.Parameters, st.Resolved, st.Hidden = op.Template, op.Parameters, op.Resolved, op.Hidden
		st.Tags, st.Capabilities, st.Outputs, st.Imports = op.Tags, op.Capabilities, outputs, d.imports
		st.Description = d.template.Description
		for id, res := range st.Resources {
			if !d.wanted(id) {
				op.Replaced = append(op.Replaced, res)
				delete(st.Resources, id)
			}
		}
		op.Phase = "cleanup"
		if kind == "create" {
			op.Phase = ""
		}
	}
	status := "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
	if kind == "create" {
		status = "CREATE_COMPLETE"
	}
	var before []OutputValue
	r.look(func(st *Stack) { before = st.Outputs })
	return r.stackStatusIf(func(tx store.Tx) error {
		if err := r.cancelledIn(tx); err != nil {
			return err
		}
		return r.export(tx, before, outputs)
	}, status, "", become)
}

// failed decides what follows a failure of forward.
func (r *run) failed(kind string, cause error) error {
	var op Operation
	r.look(func(st *Stack) { op = *st.Operation })
	reason := r.redact(cause.Error())
	note := func(next string) func(*Stack) {
		return func(st *Stack) { st.Operation.Failed, st.Operation.Phase = reason, next }
	}
	switch {
	case op.RollbackDisabled && kind == "create":
		return r.stackStatus("CREATE_FAILED", reason, note(""))
	case op.RollbackDisabled:
		return r.stackStatus("UPDATE_FAILED", reason, note(""))
	case op.DeleteAll:
		return r.stackStatus("DELETE_IN_PROGRESS", reason, note("delete"))
	case kind == "create":
		return r.stackStatus("ROLLBACK_IN_PROGRESS", reason+" Rollback requested by user.", note("rollback"))
	}
	return r.stackStatus("UPDATE_ROLLBACK_IN_PROGRESS", reason, note("rollback"))
}

func clone(m map[string]*Resource) references {
	out := references{}
	for id, r := range m {
		c := *r
		out[id] = &c
	}
	return out
}

// eachResource creates or updates every resource that is wanted.
func (r *run) eachResource(d *definition) error {
	byID := map[string]*template.Resource{}
	var ids []string
	for _, res := range d.order {
		byID[res.ID] = res
		ids = append(ids, res.ID)
	}
	fail := failures{log: r.s.log()}
	var halt context.CancelFunc
	r.halted, halt = context.WithCancel(r.ctx)
	defer halt()
	work := func(late bool) func(id string) error {
		return func(id string) error {
			verb, err := r.one(d, byID[id], late)
			if err != nil {
				fail.add(id, err, verb)
				halt()
			}
			return err
		}
	}
	inOrder(r.ctx, ids, func(id string) []string { return d.template.Dependencies(byID[id]) }, work(false), &fail, func(id string) bool {
		t, ok := resource.Lookup(byID[id].Type)
		return ok && t.Waits
	})
	if err := fail.err(r.ctx); err != nil {
		return err
	}
	ids = slices.DeleteFunc(ids, func(id string) bool { return len(d.template.Late(id)) == 0 })
	for _, id := range ids {
		if work(true)(id) != nil {
			break
		}
	}
	return fail.err(r.ctx)
}

// withoutLate leaves late properties what they are in old, which may be nil.
func withoutLate(props map[string]any, late []string, old *Resource) map[string]any {
	props = maps.Clone(props)
	for _, name := range late {
		delete(props, name)
		if old != nil && old.Properties[name] != nil {
			props[name] = old.Properties[name]
		}
	}
	return props
}

var (
	errCancelled = errors.New("Resource update cancelled")
	errHalted    = errors.New("Resource creation cancelled")
)

func (r *run) cancelled() error {
	return r.s.Store.View(r.ctx, r.cancelledIn)
}

func (r *run) cancelledIn(tx store.Tx) error {
	_, err := tx.Document(kindCancel, "", r.st.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err == nil {
		err = errCancelled
	}
	return err
}

// one makes one resource what it is to be, but for its late properties; they too
// if it is late. verb is what failed.
func (r *run) one(d *definition, res *template.Resource, late bool) (verb string, err error) {
	step := res.ID
	if late {
		step += " late"
	}
	var old *Resource
	var done bool
	var now references
	var began time.Time
	r.look(func(st *Stack) {
		done = st.Operation.Done[step]
		now = clone(st.Resources)
		old = now[res.ID]
		began = st.Operation.Began[res.ID]
	})
	if done {
		return "", nil
	}
	if err := r.cancelled(); err != nil {
		return "update", err
	}
	t, _ := resource.Lookup(res.Type)
	props, err := d.properties(res, d.environment(now))
	if err != nil {
		return "create", r.refuse(res, old, "CREATE_FAILED", err)
	}
	names := d.template.Late(res.ID)
	if old == nil || old.PhysicalID == "" {
		props = withoutLate(props, names, nil)
		return "create", r.create(d, res, t, props, nil, began)
	}
	if old.Type != res.Type {
		props = withoutLate(props, names, nil)
		return "update", r.create(d, res, t, props, old, began)
	}
	if !late && !t.Change(old.Properties, props).Replaces {
		props = withoutLate(props, names, old)
	}
	c := t.Change(old.Properties, props)
	switch {
	case len(c.Properties) == 0:
		return "", r.note(func(st *Stack) {
			keep := st.Resources[res.ID]
			keep.govern(d, res)
			st.Operation.Done[step] = true
		})
	case c.Replaces:
		props = withoutLate(props, names, nil)
		return "update", r.create(d, res, t, props, old, began)
	}
	return "update", r.update(d, res, t, props, old, step)
}

// govern takes from the template what is to become of a resource when it goes.
func (r *Resource) govern(d *definition, res *template.Resource) {
	r.Retain, r.RetainOnRollback = res.DeletionPolicy != "Delete", res.DeletionPolicy == "Retain"
	r.RetainOnReplace, r.DependsOn = res.UpdateReplacePolicy == "Retain", d.template.Dependencies(res)
}

// refuse notes that a resource failed before anything was done.
func (r *run) refuse(res *template.Resource, old *Resource, status string, cause error) error {
	failed := &Resource{ID: res.ID, Type: res.Type}
	if old != nil {
		failed = old
	}
	failed.Status, failed.Reason, failed.Updated = status, r.redact(reasonOf(cause)), r.s.now()
	err := r.note(func(st *Stack) {
		if old == nil {
			st.Resources[res.ID] = failed
		}
	}, resourceEvent(failed, status, failed.Reason))
	return cmp.Or(err, cause)
}

// reasonOf is what an event says of an error.
func reasonOf(err error) string {
	if e, ok := errors.AsType[*apierr.Error](err); ok {
		return fmt.Sprintf("%s (Error Code: %s)", e.Message, e.Code)
	}
	return err.Error()
}

// redact takes out of a text what NoEcho hides: an operation may name in its
// error what it was given.
func (r *run) redact(text string) string {
	r.look(func(st *Stack) { text = st.secrets().mask(text) })
	return text
}
