package transform

import (
	"slices"

	"github.com/rockpoolhq/rockpool/internal/cfn/template"
)

// events lets user pools call a function, or an alias of one.
//
// The pool's LambdaConfig gets the function under the trigger's name, as the
// original does it. Since an event has no version, PreTokenGeneration is the
// trigger of version V1_0; one of V2_0 is written into the pool itself, as
// PreTokenGenerationConfig.
func (x *serverless) events(called string, p, attached *template.Map) error {
	v, there := p.Get("Events")
	if !there || v == nil {
		return nil
	}
	all, ok := v.(*template.Map)
	if _, _, isFunction := template.Function(v); !ok || isFunction {
		return because("Events must be a map")
	}
	ids := slices.Clone(all.Keys())
	slices.Sort(ids)
	permitted := ""
	for _, id := range ids {
		pool, err := x.event(called, get(all, id))
		if err == nil && permitted != "" && permitted != pool {
			// The original gives both permissions one name, so that only the
			// last pool may call.
			err = because("the function has the one permission %sCognitoPermission, which is for %s: write a permission for %s into the template", called, permitted, pool)
		}
		if err != nil {
			return because("Event with id [%s] is invalid. %v", clip(id), err)
		}
		permitted = pool
	}
	if permitted == "" {
		return nil
	}
	return x.add(called+"CognitoPermission", "AWS::Lambda::Permission", object(
		"Action", "lambda:InvokeFunction", "FunctionName", ref(called), "Principal", "cognito-idp.amazonaws.com", "SourceArn", getAtt(permitted, "Arn"),
	), attached)
}

// event makes a function the trigger of a pool, and returns the pool's id.
func (x *serverless) event(called string, v any) (pool string, err error) {
	e, _ := v.(*template.Map)
	switch kind, isText := get(e, "Type").(string); {
	case !isText:
		return "", because("it must have a Type")
	case kind != "Cognito":
		return "", because("the event type %s is not supported by this version of Rockpool: there is Cognito", clip(kind))
	}
	for _, k := range e.Keys() {
		if k != "Type" && k != "Properties" {
			return "", because("it has an unknown entry %s", clip(k))
		}
	}
	p, _ := get(e, "Properties").(*template.Map)
	for _, k := range p.Keys() {
		if k != "UserPool" && k != "Trigger" {
			return "", because("property %s not defined for resource of type Cognito", clip(k))
		}
	}
	fn, arg, _ := template.Function(get(p, "UserPool"))
	pool, _ = arg.(string)
	resource, _ := get(x.resources, pool).(*template.Map)
	if fn != "Ref" || typeOf(resource) != "AWS::Cognito::UserPool" {
		return "", because("Cognito events must reference a Cognito UserPool in the same template")
	}
	triggers, isList := get(p, "Trigger").([]any)
	if !isList {
		triggers = []any{get(p, "Trigger")}
	}
	config, err := lambdaConfig(pool, resource)
	if err != nil {
		return "", err
	}
	for _, t := range triggers {
		name, ok := t.(string)
		if !ok {
			return "", because("Trigger must be the name of a trigger or a list of them")
		}
		if _, twice := config.Get(name); twice {
			return "", because("Cognito trigger %q defined multiple times", clip(name))
		}
		config.Set(name, x.arnOf(called))
	}
	return pool, nil
}

// arnOf refers to the ARN of a function, or of an alias.
func (x *serverless) arnOf(id string) any {
	if typeOf(get(x.resources, id)) == "AWS::Lambda::Alias" {
		return ref(id)
	}
	return getAtt(id, "Arn")
}

// lambdaConfig returns the LambdaConfig of a pool, made if it has none.
func lambdaConfig(id string, pool *template.Map) (*template.Map, error) {
	if get(pool, "Properties") == nil {
		pool.Set("Properties", template.NewMap())
	}
	p, ok := get(pool, "Properties").(*template.Map)
	if !ok {
		return nil, because("Properties of %s must be a map", clip(id))
	}
	if get(p, "LambdaConfig") == nil {
		p.Set("LambdaConfig", template.NewMap())
	}
	config, ok := get(p, "LambdaConfig").(*template.Map)
	if _, _, isFunction := template.Function(config); !ok || isFunction {
		return nil, because("LambdaConfig of %s must be a map, and no function, for an event to be added to it", clip(id))
	}
	return config, nil
}
