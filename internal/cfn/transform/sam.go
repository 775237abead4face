package transform

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/rockpoolhq/rockpool/internal/cfn/template"
)

const functionType = "AWS::Serverless::Function"

// serverless expands AWS::Serverless-2016-10-31. What things are called, and
// what is made of which property, is as in the public specification of the
// Serverless Application Model and the tests of its translator.
type serverless struct {
	env       *template.Environment
	globals   *template.Map // of functions
	resources *template.Map // as they are to be
	// made says what became of Function.Version and Function.Alias.
	made map[string]string
	errs []string
}

func expandServerless(root *template.Map, env *template.Environment) (*template.Map, error) {
	root = copyOf(root).(*template.Map)
	v, _ := root.Get("Resources")
	before, ok := v.(*template.Map)
	if !ok {
		return nil, &template.Error{Message: "Template format error: Resources section must be a map"}
	}
	x := &serverless{env: env, resources: template.NewMap(), made: map[string]string{}}
	if err := x.readGlobals(root); err != nil {
		return nil, err
	}
	nodes, bytes := weigh(x.globals)
	if n := before.Len(); n > template.MaxResources || n*nodes > maxNodes || n*bytes > template.MaxBody {
		return nil, &template.Error{Message: "Transform " + Serverless + " failed with: the template would have more parts than a template may have."}
	}
	// All that stays is there before the functions: an event changes its pool.
	for _, id := range before.Keys() {
		v, _ := before.Get(id)
		if typeOf(v) != functionType {
			x.resources.Set(id, v)
		}
		switch {
		case strings.HasPrefix(id, loopPrefix):
			x.fail(id, "list "+template.LanguageExtensions+" before "+Serverless+" in Transform, or loops are not known yet")
		case typeOf(v) != functionType && strings.HasPrefix(typeOf(v), "AWS::Serverless::"):
			x.fail(id, "the type "+clip(typeOf(v))+" is not supported by this version of Rockpool: of the serverless types there is "+functionType)
		}
	}
	for _, id := range before.Keys() {
		v, _ := before.Get(id)
		if typeOf(v) == functionType {
			if err := x.function(id, v.(*template.Map)); err != nil {
				x.fail(id, err.Error())
			}
		}
	}
	if x.errs != nil {
		return nil, &template.Error{Message: fmt.Sprintf("Transform %s failed with: Invalid Serverless Application Specification document. Number of errors found: %d. %s",
			Serverless, len(x.errs), strings.Join(x.errs[:min(len(x.errs), 10)], " "))}
	}
	root.Set("Resources", x.rewrite(x.resources))
	if out, ok := root.Get("Outputs"); ok {
		root.Set("Outputs", x.rewrite(out))
	}
	return root, nil
}

func (x *serverless) fail(id, why string) {
	x.errs = append(x.errs, fmt.Sprintf("Resource with id [%s] is invalid. %s.", clip(id), strings.TrimSuffix(why, ".")))
}

func typeOf(resource any) string {
	m, _ := resource.(*template.Map)
	t, _ := m.Get("Type")
	s, _ := t.(string)
	return s
}

// globalProperties are those that Globals may set for functions.
var globalProperties = strings.Fields(`Handler Runtime CodeUri DeadLetterQueue Description MemorySize Timeout VpcConfig Environment Tags
	PropagateTags Tracing KmsKeyArn AutoPublishAlias AutoPublishAliasAllProperties Layers RolePath PermissionsBoundary
	ReservedConcurrentExecutions ProvisionedConcurrencyConfig AssumeRolePolicyDocument FileSystemConfigs CodeSigningConfigArn Architectures
	SnapStart EphemeralStorage RuntimeManagementConfig LoggingConfig RecursiveLoop VersionDeletionPolicy`)

// readGlobals takes the section Globals out of the template.
func (x *serverless) readGlobals(root *template.Map) error {
	v, there := root.Get("Globals")
	if !there {
		return nil
	}
	root.Delete("Globals")
	bad := func(format string, args ...any) error {
		return &template.Error{Message: "Transform " + Serverless + " failed with: Invalid Serverless Application Specification document. Number of errors found: 1. 'Globals' section is invalid. " + fmt.Sprintf(format, args...)}
	}
	sections, ok := v.(*template.Map)
	if !ok {
		return bad("It must be a map.")
	}
	for _, name := range sections.Keys() {
		if name != "Function" {
			return bad("'%s' is not supported by this version of Rockpool: of the serverless types there is Function.", clip(name))
		}
		v, _ := sections.Get(name)
		if x.globals, ok = v.(*template.Map); !ok {
			return bad("Function must be a map.")
		}
		for _, k := range x.globals.Keys() {
			if !slices.Contains(globalProperties, k) {
				return bad("'%s' is not a supported property of 'Function'. Must be one of %s.", clip(k), quoted(globalProperties))
			}
		}
	}
	return nil
}

// properties are those of a function and, where it has none, those of Globals.
func (x *serverless) properties(resource *template.Map) (*template.Map, error) {
	own := template.NewMap()
	if v, there := resource.Get("Properties"); there && v != nil {
		m, ok := v.(*template.Map)
		if !ok {
			return nil, because("Properties must be a map")
		}
		own = m
	}
	globals := template.NewMap()
	ignore, _ := resource.Get("IgnoreGlobals")
	if ignore == "*" {
		return own, nil
	}
	list, _ := ignore.([]any)
	for _, k := range x.globals.Keys() {
		if v, _ := x.globals.Get(k); !slices.Contains(list, any(k)) {
			globals.Set(k, copyOf(v))
		}
	}
	return merge(globals, own).(*template.Map), nil
}

// merge lays own values over global ones: maps by entry, lists one after the
// other, anything else, functions included, instead.
func merge(global, own any) any {
	_, _, isFunction := template.Function(own)
	_, _, wasFunction := template.Function(global)
	if isFunction || wasFunction {
		return own
	}
	switch g := global.(type) {
	case []any:
		if o, ok := own.([]any); ok {
			return append(slices.Clone(g), o...)
		}
	case *template.Map:
		o, ok := own.(*template.Map)
		if !ok {
			return own
		}
		out := template.NewMap()
		for _, k := range g.Keys() {
			v, _ := g.Get(k)
			out.Set(k, v)
		}
		for _, k := range o.Keys() {
			v, _ := o.Get(k)
			if before, both := out.Get(k); both {
				v = merge(before, v)
			}
			out.Set(k, v)
		}
		return out
	}
	return own
}

// weigh counts the values in v, and the bytes of their texts.
func weigh(v any) (nodes, bytes int) {
	nodes = 1
	add := func(n, b int) { nodes, bytes = nodes+n, bytes+b }
	switch v := v.(type) {
	case string:
		bytes = len(v)
	case []any:
		for _, e := range v {
			add(weigh(e))
		}
	case *template.Map:
		for _, k := range v.Keys() {
			add(weigh(get(v, k)))
			bytes += len(k)
		}
	}
	return nodes, bytes
}

var subPlaceholder = regexp.MustCompile(`\$\{([^!{}][^{}]*)\}`)

// rewrite makes what refers to Function.Version and Function.Alias refer to the
// resources that those became.
func (x *serverless) rewrite(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = x.rewrite(v[i])
		}
	case *template.Map:
		for _, k := range v.Keys() {
			e, _ := v.Get(k)
			v.Set(k, x.rewrite(e))
		}
		switch name, arg, _ := template.Function(v); name {
		case "Ref":
			if s, ok := arg.(string); ok && x.made[s] != "" {
				return ref(x.made[s])
			}
		case "Fn::GetAtt":
			return x.rewriteAttribute(v, arg)
		case "Fn::Sub":
			if s, ok := arg.(string); ok {
				return entry(name, x.rewriteText(s))
			}
			if list, ok := arg.([]any); ok && len(list) == 2 {
				if s, ok := list[0].(string); ok {
					list[0] = x.rewriteText(s)
				}
			}
		}
	}
	return v
}

func (x *serverless) rewriteAttribute(v *template.Map, arg any) any {
	path, ok := arg.(string)
	if list, isList := arg.([]any); isList && len(list) == 2 {
		id, isID := list[0].(string)
		attribute, isText := list[1].(string)
		path, ok = id+"."+attribute, isID && isText
	}
	if id, attribute, found := x.madeBy(path); ok && found && attribute != "" {
		return getAtt(id, attribute)
	}
	return v
}

// madeBy splits Function.Version.Version into what Function.Version became and
// the rest.
func (x *serverless) madeBy(path string) (id, rest string, found bool) {
	parts := strings.SplitN(path, ".", 3)
	if len(parts) < 2 {
		return "", "", false
	}
	id = x.made[parts[0]+"."+parts[1]]
	if len(parts) == 3 {
		rest = parts[2]
	}
	return id, rest, id != ""
}

func (x *serverless) rewriteText(s string) string {
	return subPlaceholder.ReplaceAllStringFunc(s, func(p string) string {
		id, rest, found := x.madeBy(strings.TrimSpace(p[2 : len(p)-1]))
		switch {
		case !found:
			return p
		case rest == "":
			return "${" + id + "}"
		}
		return "${" + id + "." + rest + "}"
	})
}
