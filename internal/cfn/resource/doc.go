// Package resource knows the types of resources that a CloudFormation stack can
// have: their properties, what a change of each means, and which operations
// create, update and delete them.
//
// It acts by operations alone (but for wait conditions, which only wait), by
// name and as the caller whose stack it is: a
// resource of a stack is validated, authorized and refused exactly as the same
// call from a client would be. It keeps no state, and does not know stacks.
//
//	Lookup       the name of a type → *Type
//	Refused      the name of a type that there is not → what to do about it
//	Type.Check   evaluated properties → what operations take, or what is wrong
//	Type.Change  old and new properties → nothing, update or replacement
//	Type.Create, Update, Delete
//
// The properties and what their change means are those of the AWS resource and
// property types reference, as far as the operations behind them exist.
package resource

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/rockpoolhq/rockpool/internal/apierr"
)

// Caller performs operations by name, as awsapi.Server does.
type Caller interface {
	Call(ctx context.Context, service, operation string, input any) (jsontext.Value, error)
}

// Request is one thing to do to one resource.
type Request struct {
	Caller     Caller
	Region     string
	Account    string
	StackID    string
	StackName  string
	LogicalID  string
	Generation int // counts replacements: names that are made up differ

	PhysicalID string         // of an existing resource
	Properties map[string]any // as Check returned them
	Old        map[string]any // before an update

	// Restore says that an update is undone: it may not have come to its end,
	// so that what the resource is now is not known for sure.
	Restore bool

	// Resume says that an earlier Create may have come to its end without
	// anybody learning of it. Since is when the creation began.
	Resume bool
	Since  time.Time
	// Signals is what wait conditions hear.
	Signals Signals
	// Claim says that what an earlier Create left behind is this resource's. It
	// is false if another resource of the stack has it. Nil: no other can.
	Claim func(physicalID string) bool

	// Import says that what has the resource's name already is taken, if the
	// type can do that, instead of being in the way. Owner is the stack that has
	// it, "" if none does: of that it is not taken.
	Import bool
	Owner  func(ctx context.Context, physicalID string) (string, error)
}

// importable is an error if what has the resource's name belongs to a stack.
func (r Request) importable(ctx context.Context, id string) error {
	if r.Owner == nil {
		return nil
	}
	owner, err := r.Owner(ctx, id)
	if err == nil && owner != "" {
		err = errors.New(id + " cannot be imported: it is a resource of the stack " + owner)
	}
	return err
}

func (r Request) claim(id string) bool { return r.Claim == nil || r.Claim(id) }

// madeSince reports whether something that was made at a time may be what the
// interrupted creation made. The time may have whole seconds.
func (r Request) madeSince(seconds float64) bool {
	return time.Unix(int64(seconds)+1, 0).After(r.Since)
}

// Result is an existing resource.
type Result struct {
	PhysicalID string
	Ref        string            // what Ref answers; "" is PhysicalID
	Attributes map[string]string // what GetAtt answers
	Imported   bool              // it was there before, see Request.Import
}

// Type is a type of resources.
type Type struct {
	Name       string
	Attributes []string // of GetAtt
	schema     *shape
	create     func(context.Context, Request) (Result, error)
	update     func(context.Context, Request) (Result, error)
	remove     func(context.Context, Request) error
	// check finds what the schema cannot say; may be nil. What is not known yet
	// is a template.Unknown in properties.
	check func(properties map[string]any) error

	// Late are properties that can be set once everything else is there, where
	// the resources of a stack would need each other in a circle.
	Late []string

	// Waits says that Create makes nothing and may take hours. It ends early
	// when its context does.
	Waits bool

	// Effect says what the resource does here where that is less than at AWS;
	// it is the reason of the event that says it was made.
	Effect string
}

var types = byName(bucketTypes, cognitoTypes, lambdaTypes, parameterTypes, plainTypes, waitTypes)

func byName(lists ...[]*Type) map[string]*Type {
	all := map[string]*Type{}
	for _, t := range slices.Concat(lists...) {
		if all[t.Name] != nil {
			panic("cfn/resource: two types " + t.Name)
		}
		all[t.Name] = t
	}
	return all
}

// Lookup returns the type with that name.
func Lookup(name string) (*Type, bool) {
	t, ok := types[name]
	return t, ok
}

// Late returns the properties of a type that can be set later, see Type.Late.
func Late(name string) []string {
	if t := types[name]; t != nil {
		return t.Late
	}
	return nil
}

// Names returns the names of all types, sorted.
func Names() []string {
	var names []string
	for n := range types {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Create makes the resource.
func (t *Type) Create(ctx context.Context, r Request) (Result, error) { return t.create(ctx, r) }

// Update changes the resource in place.
func (t *Type) Update(ctx context.Context, r Request) (Result, error) {
	if t.update == nil {
		return Result{}, errors.New("resources of type " + t.Name + " cannot be updated")
	}
	return t.update(ctx, r)
}

// Delete deletes the resource. That it is not there is no error.
func (t *Type) Delete(ctx context.Context, r Request) error {
	if t.remove == nil || r.PhysicalID == "" {
		return nil
	}
	err := t.remove(ctx, r)
	if is(err, apierr.ResourceNotFound, apierr.UserNotFound, "ParameterNotFound", "NoSuchBucket") {
		return nil
	}
	return err
}

// HasAttribute reports whether GetAtt can ask for an attribute.
func (t *Type) HasAttribute(name string) bool { return slices.Contains(t.Attributes, name) }

// do calls an operation and decodes its answer into out, which may be nil.
func (r Request) do(ctx context.Context, service, operation string, in, out any) error {
	answer, err := r.Caller.Call(ctx, service, operation, in)
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal(answer, out)
}

func is(err error, codes ...apierr.Code) bool {
	e, ok := errors.AsType[*apierr.Error](err)
	return ok && slices.Contains(codes, e.Code)
}

// name is the resource's name if its properties have none: of the stack, the
// logical id and letters that no other stack has, and the same whenever the
// same creation is tried again.
func (r Request) name(limit int) string {
	sum := sha256.Sum256([]byte(r.StackID + "\x00" + r.LogicalID + "\x00" + string(rune('0'+r.Generation))))
	suffix := base32.StdEncoding.EncodeToString(sum[:])[:12]
	base := r.StackName + "-" + r.LogicalID
	return base[:min(len(base), limit-len(suffix)-1)] + "-" + suffix
}

// with returns the properties and more entries; pairs with a nil value are
// taken out.
func with(m map[string]any, pairs ...any) map[string]any {
	out := make(map[string]any, len(m)+len(pairs)/2)
	for k, v := range m {
		out[k] = v
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if k := pairs[i].(string); pairs[i+1] == nil {
			delete(out, k)
		} else {
			out[k] = pairs[i+1]
		}
	}
	return out
}

// only returns those entries that are named.
func only(m map[string]any, names ...string) map[string]any {
	out := map[string]any{}
	for _, n := range names {
		if v, ok := m[n]; ok {
			out[n] = v
		}
	}
	return out
}

func str(m map[string]any, name string) string {
	s, _ := m[name].(string)
	return s
}

// orElse is the first text that is not empty.
func orElse(texts ...string) string {
	i := slices.IndexFunc(texts, func(s string) bool { return s != "" })
	if i < 0 {
		return ""
	}
	return texts[i]
}

// afterColon is what comes after the last colon of an ARN.
func afterColon(arn string) string { return arn[strings.LastIndexByte(arn, ':')+1:] }
