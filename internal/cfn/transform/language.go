package transform

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/rockpoolhq/rockpool/internal/cfn/template"
)

const loopPrefix = "Fn::ForEach::"

// language expands AWS::LanguageExtensions.
type language struct {
	env          *template.Environment
	nodes, loops int
	text         int // bytes
}

func languageError(format string, args ...any) error {
	return &template.Error{Message: "Transform " + template.LanguageExtensions + " failed with: " + fmt.Sprintf(format, args...)}
}

// bindings are the identifiers of the loops around a value, and what they stand
// for at the moment.
type bindings map[string]string

func expandLanguage(root *template.Map, env *template.Environment) (*template.Map, error) {
	x := &language{env: env}
	if err := uniqueLoops(root); err != nil {
		return nil, err
	}
	expanded := map[string]*template.Map{}
	// Conditions first: what the other sections say may depend on them.
	for _, name := range []string{"Conditions", "Resources", "Outputs"} {
		v, ok := root.Get(name)
		section, isMap := v.(*template.Map)
		if !ok || !isMap {
			continue // what is no map is refused when the template is built
		}
		m, err := x.entries(section, nil)
		if err != nil {
			return nil, err
		}
		expanded[name] = m
		if name == "Conditions" {
			env.Template.Conditions = m
		}
	}
	if err := x.policies(expanded["Resources"]); err != nil {
		return nil, err
	}
	out := template.NewMap()
	for _, k := range root.Keys() {
		v, _ := root.Get(k)
		if m := expanded[k]; m != nil {
			v = m
		}
		out.Set(k, v)
	}
	return out, nil
}

// uniqueLoops checks that no two loops of the text have one name, and none that
// of a resource.
func uniqueLoops(root *template.Map) error {
	v, _ := root.Get("Resources")
	resources, _ := v.(*template.Map)
	seen := map[string]bool{}
	var walk func(v any) error
	walk = func(v any) error {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				if err := walk(e); err != nil {
					return err
				}
			}
		case *template.Map:
			for _, k := range v.Keys() {
				if name, ok := strings.CutPrefix(k, loopPrefix); ok {
					if _, clash := resources.Get(name); clash || seen[name] || name == "" {
						return languageError("the name of %s must be there, and be that of no other loop and no resource", clip(k))
					}
					seen[name] = true
				}
				e, _ := v.Get(k)
				if err := walk(e); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return walk(root)
}

// spend counts a value of so many bytes.
func (x *language) spend(bytes int) error {
	x.nodes++
	x.text += bytes
	if x.nodes > maxNodes || x.text > template.MaxBody {
		return languageError("the loops make more than a template may have")
	}
	return nil
}

func (x *language) value(v any, b bindings) (any, error) {
	switch v := v.(type) {
	case string:
		s := b.replace(v)
		return s, x.spend(len(s))
	case []any:
		if err := x.spend(0); err != nil {
			return nil, err
		}
		list := make([]any, len(v))
		for i, e := range v {
			var err error
			if list[i], err = x.value(e, b); err != nil {
				return nil, err
			}
		}
		return list, nil
	case *template.Map:
		if name, arg, ok := template.Function(v); ok && name == "Ref" {
			if id, isText := arg.(string); isText {
				if s, bound := b[id]; bound {
					return s, x.spend(len(s))
				}
			}
		}
		m, err := x.entries(v, b)
		if err != nil {
			return nil, err
		}
		return x.simplify(m), nil
	}
	return v, x.spend(0)
}

// entries expands the entries of a map; a loop becomes those that it makes.
func (x *language) entries(m *template.Map, b bindings) (*template.Map, error) {
	if err := x.spend(0); err != nil {
		return nil, err
	}
	out := template.NewMap()
	add := func(k string, v any) error {
		if _, twice := out.Get(k); twice {
			return languageError("%s is there twice: a key in a loop must have ${Identifier} or &{Identifier} in it", clip(k))
		}
		out.Set(k, v)
		return x.spend(len(k))
	}
	for _, k := range m.Keys() {
		v, _ := m.Get(k)
		if strings.HasPrefix(k, loopPrefix) {
			if err := x.loop(k, v, b, add); err != nil {
				return nil, err
			}
			continue
		}
		e, err := x.value(v, b)
		if err == nil {
			err = add(b.replace(k), e)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

var identifier = regexp.MustCompile(`^[A-Za-z0-9]{1,255}$`)

// loop adds what a loop makes.
func (x *language) loop(name string, arg any, b bindings, add func(string, any) error) error {
	if x.loops++; x.loops > maxLoops {
		return languageError("there are too many loops")
	}
	a, ok := arg.([]any)
	if !ok || len(a) != 3 {
		return languageError("%s must be a list of an identifier, a collection and a map", clip(name))
	}
	id, isText := a[0].(string)
	body, isMap := a[2].(*template.Map)
	if _, taken := b[id]; !isText || !isMap || taken || !identifier.MatchString(id) {
		return languageError("%s must be a list of an identifier of its own (letters and digits), a collection and a map", clip(name))
	}
	collection, err := x.collection(name, a[1], b)
	if err != nil {
		return err
	}
	inner := bindings{}
	for k, v := range b {
		inner[k] = v
	}
	for _, inner[id] = range collection {
		m, err := x.entries(body, inner)
		if err != nil {
			return err
		}
		for _, k := range m.Keys() {
			v, _ := m.Get(k)
			if err := add(k, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// collection evaluates what a loop goes through: texts that depend on
// parameters at most.
func (x *language) collection(name string, v any, b bindings) ([]string, error) {
	v, err := x.value(v, b)
	if err != nil {
		return nil, err
	}
	if x.hidden(v) {
		return nil, languageError("the collection of %s must not depend on a parameter with NoEcho, which would be shown", clip(name))
	}
	if v, err = x.env.Evaluate(v); err != nil {
		return nil, languageError("the collection of %s: %v", clip(name), err)
	}
	list, ok := v.([]any)
	if !ok {
		return nil, languageError("the collection of %s must be a list", clip(name))
	}
	texts := make([]string, len(list))
	for i, e := range list {
		if texts[i], ok = template.Text(e); !ok {
			return nil, languageError("the collection of %s must be a list of texts that are known before anything is made", clip(name))
		}
	}
	return texts, nil
}

var (
	placeholder     = regexp.MustCompile(`[$&]\{([A-Za-z0-9]+)\}`)
	notAlphanumeric = regexp.MustCompile(`[^A-Za-z0-9]`)
)

// replace puts the values in for ${Identifier} and, letters and digits only,
// for &{Identifier}.
func (b bindings) replace(s string) string {
	if len(b) == 0 {
		return s
	}
	return placeholder.ReplaceAllStringFunc(s, func(p string) string {
		v, bound := b[p[2:len(p)-1]]
		switch {
		case !bound:
			return p
		case p[0] == '&':
			return notAlphanumeric.ReplaceAllString(v, "")
		}
		return v
	})
}

// simplify replaces the functions of the extensions by their result if that can
// be known already. If not, it is known when the stack is made.
func (x *language) simplify(m *template.Map) any {
	switch name, _, _ := template.Function(m); name {
	case "Fn::Length", "Fn::ToJsonString", "Fn::FindInMap":
		if x.hidden(m) {
			return m
		}
		if v, err := x.env.Evaluate(m); err == nil && v != nil && template.Known(v) {
			return v
		}
	}
	return m
}

// hidden reports whether a value refers to a parameter that is not to be shown:
// the template that comes of this can be read.
func (x *language) hidden(v any) bool {
	switch v := v.(type) {
	case string:
		for _, p := range x.env.Template.Parameters {
			if p.NoEcho && (v == p.ID || strings.Contains(v, "${"+p.ID+"}")) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, x.hidden)
	case *template.Map:
		return slices.ContainsFunc(v.Keys(), func(k string) bool { return x.hidden(get(v, k)) })
	}
	return false
}

// policies evaluates the attributes of resources that have to be plain texts.
func (x *language) policies(resources *template.Map) error {
	for _, id := range resources.Keys() {
		v, _ := resources.Get(id)
		r, ok := v.(*template.Map)
		if !ok {
			continue
		}
		for _, name := range []string{"DeletionPolicy", "UpdateReplacePolicy"} {
			p, there := r.Get(name)
			if _, isMap := p.(*template.Map); !there || !isMap {
				continue
			}
			p, err := x.env.Evaluate(p)
			if err != nil {
				return languageError("%s of resource %s: %v", name, clip(id), err)
			}
			s, known := template.Text(p)
			switch {
			case p == nil: // AWS::NoValue
				r.Delete(name)
				continue
			case !known:
				return languageError("%s of resource %s must be known before anything is made", name, clip(id))
			}
			r.Set(name, s)
		}
	}
	return nil
}
