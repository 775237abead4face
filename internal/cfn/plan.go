package cfn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/cfn/resource"
	"github.com/rockpoolhq/rockpool/internal/cfn/template"
	"github.com/rockpoolhq/rockpool/internal/cfn/transform"
	"github.com/rockpoolhq/rockpool/internal/store"
)

// Definition is what a caller says a stack is to be.
type Definition struct {
	Body, URL    string
	UsePrevious  bool
	Parameters   []Parameter
	Tags         []Tag
	KeepTags     bool // leave them as they are
	Capabilities []string
}

// Parameter is a parameter that a caller gives.
type Parameter struct {
	Key         string
	Value       *string
	UsePrevious bool
}

// definition is a Definition that was read and checked.
type definition struct {
	text             string
	template         *template.Template // with its transforms applied, once define has returned
	processed        string             // the text of that; "" if there are no transforms
	given            map[string]string
	resolved         map[string]string
	hidden           []string
	secrets          []string             // values that NoEcho hides, of what was before too
	order            []*template.Resource // those whose condition holds
	env              *template.Environment
	imports          []string
	needCapabilities []string
	capabilityReason string
}

// asInvalid makes the error of a template one for the caller.
func asInvalid(err error) error {
	if e, ok := errors.AsType[*template.Error](err); ok {
		return invalid("%s", e.Message)
	}
	return err
}

// body returns the text of the template.
func (s *Service) body(ctx context.Context, d Definition, old *Stack) (string, error) {
	n := 0
	for _, given := range []bool{d.Body != "", d.URL != "", d.UsePrevious} {
		if given {
			n++
		}
	}
	switch {
	case n != 1:
		return "", invalid("Exactly one of TemplateBody, TemplateURL and UsePreviousTemplate must be specified.")
	case d.UsePrevious && (old == nil || old.Template == ""):
		return "", invalid("There is no previous template to use.")
	case d.UsePrevious:
		return old.Template, nil
	case d.Body != "":
		return d.Body, nil
	case s.Fetch == nil:
		return "", invalid("TemplateURL must reference a template in a bucket of this server, and it keeps none. Send the text as TemplateBody.")
	}
	return s.Fetch(ctx, d.URL)
}

// define reads a definition for a stack, of which old is what it is now (nil
// for a new one).
func (s *Service) define(ctx context.Context, in Definition, region, name, id string, old *Stack) (*definition, error) {
	text, err := s.body(ctx, in, old)
	if err != nil {
		return nil, err
	}
	root, t, err := read(text)
	if err != nil {
		return nil, err
	}
	d := &definition{text: text, template: t}
	if err := d.supported(); err != nil {
		return nil, err
	}
	values := map[string]string{}
	for _, p := range in.Parameters {
		if _, twice := values[p.Key]; twice {
			return nil, invalid("Parameter %s is given twice", p.Key)
		}
		switch {
		case p.UsePrevious:
			if old == nil {
				return nil, invalid("UsePreviousValue of parameter %s: there is no previous stack", p.Key)
			}
			v, ok := old.Parameters[p.Key]
			if !ok {
				return nil, invalid("Invalid input for parameter key %s. Cannot specify usePreviousValue as true for a parameter key not in the previous template", p.Key)
			}
			values[p.Key] = v
		case p.Value == nil:
			return nil, invalid("Parameter %s has no value", p.Key)
		default:
			values[p.Key] = *p.Value
		}
	}
	if d.given, err = t.Given(values); err != nil {
		return nil, asInvalid(err)
	}
	for _, p := range t.Parameters {
		if p.NoEcho {
			d.hidden = append(d.hidden, p.ID)
		}
	}
	if d.resolved, err = s.resolveSSM(ctx, t, d.given); err != nil {
		return nil, err
	}
	d.hide(d.hidden, d.resolved)
	if old != nil {
		d.hide(old.Hidden, old.Resolved)
	}
	d.env = &template.Environment{
		Template: t, Parameters: d.resolved, Account: s.Account, Region: region, StackName: name, StackID: id,
		Resources: references{}, Import: s.importer(ctx, region, &d.imports),
	}
	if err := d.env.CheckRules(); err != nil {
		return nil, asInvalid(err)
	}
	if err := d.expand(root); err != nil {
		return nil, err
	}
	return d, d.sort()
}

// resolveSSM looks up what parameters of SSM types name.
func (s *Service) resolveSSM(ctx context.Context, t *template.Template, given map[string]string) (map[string]string, error) {
	out := map[string]string{}
	for _, p := range t.Parameters {
		v := given[p.ID]
		if p.SSM() {
			var err error
			if v, err = s.ssmParameter(ctx, p.ID, v); err != nil {
				return nil, err
			}
		}
		out[p.ID] = v
	}
	return out, nil
}

func (s *Service) ssmParameter(ctx context.Context, id, name string) (string, error) {
	var out struct{ Parameter struct{ Value string } }
	answer, err := s.Caller.Call(ctx, "ssm", "GetParameter", map[string]any{"Name": name})
	if err == nil {
		err = json.Unmarshal(answer, &out)
	}
	if err != nil {
		return "", invalid("Unable to fetch parameters [%s] from parameter store for this account (parameter %s).", name, id)
	}
	return out.Parameter.Value, nil
}

// supported refuses what this version cannot do, by name and before anything
// is made.
func (d *definition) supported() error {
	for _, name := range d.template.Transforms {
		if !transform.Known(name) {
			return invalid("The transform %.100s is not supported by this version of Rockpool.", name)
		}
		d.need(autoExpand, name)
	}
	for _, r := range d.template.Resources {
		if strings.HasPrefix(r.Type, "AWS::IAM::") {
			d.need("CAPABILITY_IAM", r.Type)
			for _, n := range []string{"RoleName", "ManagedPolicyName", "UserName", "GroupName"} {
				if _, named := r.Properties.Get(n); named {
					d.need("CAPABILITY_NAMED_IAM", r.Type)
				}
			}
		}
	}
	return nil
}

// typesKnown refuses the types that this version has not, of the resources that
// are wanted: cdk bootstrap's template has a key in it that nobody asks for.
func (d *definition) typesKnown() error {
	var names, notes []string
	for _, r := range d.order {
		if _, ok := resource.Lookup(r.Type); ok || slices.Contains(names, r.Type) {
			continue
		}
		names = append(names, r.Type)
		if why := resource.Refused(r.Type); why != "" {
			notes = append(notes, r.Type+": "+why+".")
		}
	}
	if names == nil {
		return nil
	}
	slices.Sort(names)
	slices.Sort(notes)
	notes = append(notes, "docs/cloudformation.md lists the types that Rockpool has.")
	return invalid("Template format error: Unrecognized resource types: [%s]. %s", strings.Join(names, ", "), strings.Join(notes, " "))
}

func (d *definition) need(capability, why string) {
	if !slices.Contains(d.needCapabilities, capability) {
		d.needCapabilities = append(d.needCapabilities, capability)
	}
	if !strings.Contains(d.capabilityReason, why) {
		d.capabilityReason = strings.TrimPrefix(d.capabilityReason+", "+why, ", ")
	}
}

// capable checks the capabilities that a caller acknowledges.
func (d *definition) capable(given []string) error {
	for _, c := range d.needCapabilities {
		if slices.Contains(given, c) || c == "CAPABILITY_IAM" && slices.Contains(given, "CAPABILITY_NAMED_IAM") {
			continue
		}
		return apierr.Newf(codeCapabilities, "Requires capabilities : [%s]", c)
	}
	return nil
}

// sort finds the resources whose condition holds, in dependency order, and
// checks the properties as far as they are known.
func (d *definition) sort() error {
	order, err := d.template.Order(resource.Late)
	if err != nil {
		return asInvalid(err)
	}
	d.env.Absent = map[string]bool{}
	for _, r := range order {
		if r.Condition != "" {
			holds, err := d.env.Condition(r.Condition)
			if err != nil {
				return asInvalid(err)
			}
			if !holds {
				d.env.Absent[r.ID] = true
				continue
			}
		}
		d.order = append(d.order, r)
	}
	if err := d.typesKnown(); err != nil {
		return err
	}
	d.env = d.env.With(unmade{d.template})
	for _, r := range d.order {
		if _, err := d.properties(r, d.env); err != nil {
			return err
		}
	}
	return d.importsOfOutputs()
}

// wanted reports whether a resource is to be there.
func (d *definition) wanted(id string) bool {
	return slices.ContainsFunc(d.order, func(r *template.Resource) bool { return r.ID == id })
}

// properties evaluates and checks the properties of a resource.
func (d *definition) properties(r *template.Resource, env *template.Environment) (map[string]any, error) {
	m, err := env.Properties(r)
	if err != nil {
		return nil, asInvalid(err)
	}
	t, _ := resource.Lookup(r.Type)
	p, err := t.Check(m)
	if err != nil {
		return nil, invalid("Properties validation failed for resource %s: %s", r.ID, err)
	}
	return p, nil
}

// environment is that of an operation under way, in which what is there
// answers for itself.
func (d *definition) environment(now references) *template.Environment {
	return d.env.With(now)
}

// unmade answers for resources before any is made: all that is known of them is
// which attributes their types have.
type unmade struct{ template *template.Template }

func (u unmade) Ref(string) (any, error) { return template.Unknown{}, nil }

func (u unmade) GetAtt(id, attribute string) (any, error) {
	if r, ok := u.template.Resource(id); ok {
		if t, ok := resource.Lookup(r.Type); ok && !t.HasAttribute(attribute) {
			return nil, invalid("Template error: resource %s does not support attribute type %.100s in Fn::GetAtt", id, attribute)
		}
	}
	return template.Unknown{}, nil
}

// references answers for resources by what is known of them.
type references map[string]*Resource

// exists reports whether a resource is there as it is to be.
func (r *Resource) exists() bool {
	return r != nil && r.PhysicalID != "" && strings.HasSuffix(r.Status, "_COMPLETE")
}

func (f references) Ref(id string) (any, error) {
	r := f[id]
	if !r.exists() {
		return template.Unknown{}, nil
	}
	if r.Ref != "" {
		return r.Ref, nil
	}
	return r.PhysicalID, nil
}

func (f references) GetAtt(id, attribute string) (any, error) {
	r := f[id]
	if !r.exists() {
		return template.Unknown{}, nil
	}
	v, ok := r.Attributes[attribute]
	if !ok {
		return nil, fmt.Errorf("resource %s: Attribute %.100s does not exist", id, attribute)
	}
	return v, nil
}

// importer answers Fn::ImportValue and notes what was asked for.
func (s *Service) importer(ctx context.Context, region string, used *[]string) func(string) (string, error) {
	var mu sync.Mutex // resources are evaluated side by side
	return func(name string) (string, error) {
		var e Export
		err := s.Store.View(ctx, func(tx store.Tx) error {
			d, err := tx.Document(kindExport, region, name)
			if err != nil {
				return err
			}
			return s.open(d, &e)
		})
		if errors.Is(err, store.ErrNotFound) {
			return "", invalid("No export named %.200s found.", name)
		}
		mu.Lock()
		defer mu.Unlock()
		if err == nil && !slices.Contains(*used, name) {
			*used = append(*used, name)
		}
		return e.Value, err
	}
}
