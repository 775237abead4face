package cfn

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/cfn/resource"
	"github.com/rockpoolhq/rockpool/internal/cfn/template"
)

// request is what providers are told about a resource.
func (r *run) request(res *Resource) resource.Request {
	return resource.Request{
		Caller: r.s.Caller, Region: r.st.Region, Account: r.s.Account, StackID: r.st.ID, StackName: r.st.Name,
		LogicalID: res.ID, Generation: res.Generation, PhysicalID: res.PhysicalID, Properties: res.Properties,
		Signals: signals{r},
	}
}

// create makes a resource, in place of old if that is not nil.
func (r *run) create(d *definition, res *template.Resource, t *resource.Type, props map[string]any, old *Resource, began time.Time) error {
	fresh := &Resource{ID: res.ID, Type: res.Type, Properties: props, Status: "CREATE_IN_PROGRESS", Updated: r.s.now()}
	fresh.govern(d, res)
	reason := ""
	if old != nil {
		fresh.Generation, reason = old.Generation+1, "Requested update requires the creation of a new physical resource; hence creating one."
		fresh.Status = "UPDATE_IN_PROGRESS"
	}
	in := r.request(fresh)
	in.Resume, in.Since, in.Claim = !began.IsZero(), began, r.claim
	ctx := r.ctx
	switch {
	case t.Waits:
		// Not for what will be undone, and in nobody's way.
		ctx = r.halted
	case in.Resume:
		r.creating.Lock()
		defer r.creating.Unlock()
	default:
		r.creating.RLock()
		defer r.creating.RUnlock()
	}
	r.look(func(st *Stack) { in.Import = st.Operation.ImportExisting && old == nil })
	if began.IsZero() {
		in.Since = fresh.Updated
		err := r.note(func(st *Stack) {
			if st.Operation.Began == nil {
				st.Operation.Began = map[string]time.Time{}
			}
			st.Operation.Began[res.ID] = fresh.Updated
			if old == nil {
				st.Resources[res.ID] = fresh
			}
		}, resourceEvent(fresh, fresh.Status, reason))
		if err != nil {
			return err
		}
	}
	in.Owner = func(ctx context.Context, physicalID string) (string, error) {
		return r.s.owner(ctx, r.st.Region, res.Type, physicalID)
	}
	got, err := t.Create(ctx, in)
	if err != nil {
		if interrupted(r.ctx, err) {
			return errLost
		}
		if ctx.Err() != nil {
			err = errHalted
		}
		return r.ended(fresh, old, strings.Replace(fresh.Status, "_IN_PROGRESS", "_FAILED", 1), err)
	}
	made := *fresh
	made.PhysicalID, made.Ref, made.Attributes, made.Imported = got.PhysicalID, got.Ref, got.Attributes, got.Imported
	reason = t.Effect
	if made.Imported {
		reason = strings.TrimSpace("It was there already and is now the stack's. " + reason)
	}
	made.Status, made.Updated = strings.Replace(fresh.Status, "_IN_PROGRESS", "_COMPLETE", 1), r.s.now()
	return r.note(func(st *Stack) {
		if old != nil {
			st.Operation.Replaced = append(st.Operation.Replaced, old)
		}
		st.Resources[res.ID] = &made
		st.Operation.Done[res.ID] = true
		delete(st.Operation.Began, res.ID)
	}, resourceEvent(&made, made.Status, reason))
}

// claim reports whether something may be what an interrupted creation has left
// behind: the stack does not know it as another resource.
func (r *run) claim(physicalID string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := false
	for _, m := range []map[string]*Resource{r.st.Resources, r.st.Operation.Before} {
		for _, x := range m {
			taken = taken || x.PhysicalID == physicalID
		}
	}
	for _, x := range r.st.Operation.Replaced {
		taken = taken || x.PhysicalID == physicalID
	}
	return !taken
}

// ended notes a failure of a resource.
func (r *run) ended(res, old *Resource, status string, cause error) error {
	reason := r.redact(reasonOf(cause))
	err := r.note(func(st *Stack) {
		delete(st.Operation.Began, res.ID)
		// What an update has replaced is no longer the stack's resource.
		if cur := st.Resources[res.ID]; cur != nil && (res.PhysicalID == "" || res.PhysicalID == cur.PhysicalID) {
			c := *cur
			c.Status, c.Reason, c.Updated = status, reason, r.s.now()
			st.Resources[res.ID] = &c
		}
	}, resourceEvent(res, status, reason))
	return cmp.Or(err, cause)
}

// update changes a resource in place.
func (r *run) update(d *definition, res *template.Resource, t *resource.Type, props map[string]any, old *Resource, step string) error {
	touched := false // by an earlier step, or by a process that died
	err := r.note(func(st *Stack) {
		touched = st.Operation.Touched[res.ID]
		c := *st.Resources[res.ID]
		c.Status, c.Updated = "UPDATE_IN_PROGRESS", r.s.now()
		st.Resources[res.ID] = &c
		if st.Operation.Touched == nil {
			st.Operation.Touched = map[string]bool{}
		}
		st.Operation.Touched[res.ID] = true
	}, resourceEvent(old, "UPDATE_IN_PROGRESS", ""))
	if err != nil {
		return err
	}
	next := *old
	next.Properties = props
	next.govern(d, res)
	in := r.request(&next)
	calls := &counter{Caller: in.Caller}
	in.Old, in.Caller = old.Properties, calls
	got, err := t.Update(r.ctx, in)
	if err != nil {
		if interrupted(r.ctx, err) {
			return errLost
		}
		// Who may not change a resource may not change it back either.
		if e, ok := errors.AsType[*apierr.Error](err); ok && e.Code == apierr.AccessDenied && calls.changes == 0 && !touched {
			if err := r.note(func(st *Stack) { delete(st.Operation.Touched, res.ID) }); err != nil {
				return err
			}
		}
		return r.ended(&next, old, "UPDATE_FAILED", err)
	}
	next.Status, next.Reason, next.Updated = "UPDATE_COMPLETE", "", r.s.now()
	next.take(got)
	return r.note(func(st *Stack) {
		st.Resources[res.ID] = &next
		st.Operation.Done[step] = true
	}, resourceEvent(&next, "UPDATE_COMPLETE", ""))
}

// counter counts the operations that have changed something.
type counter struct {
	resource.Caller
	changes int
}

func (c *counter) Call(ctx context.Context, service, operation string, input any) (jsontext.Value, error) {
	out, err := c.Caller.Call(ctx, service, operation, input)
	reads := slices.ContainsFunc([]string{"Describe", "Get", "List"}, func(p string) bool { return strings.HasPrefix(operation, p) })
	if !reads && err == nil {
		c.changes++
	}
	return out, err
}

// take takes what a provider answered.
func (r *Resource) take(got resource.Result) {
	if got.PhysicalID != "" {
		r.PhysicalID, r.Ref = got.PhysicalID, got.Ref
	}
	if got.Attributes != nil {
		r.Attributes = got.Attributes
	}
}
