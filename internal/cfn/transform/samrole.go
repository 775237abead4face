package transform

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rockpoolhq/rockpool/internal/cfn/template"
)

const managed = "arn:aws:iam::aws:policy/"

// serviceRoles are the managed policies of functions that have a path.
var serviceRoles = []string{"AWSLambdaBasicExecutionRole", "AWSLambdaVPCAccessExecutionRole", "AWSLambdaENIManagementAccess",
	"AWSLambdaKinesisExecutionRole", "AWSLambdaDynamoDBExecutionRole", "AWSLambdaSQSQueueExecutionRole", "AWSLambdaMSKExecutionRole", "AWSLambdaRole"}

func managedARN(name string) string {
	switch {
	case strings.HasPrefix(name, "arn:"):
		return name
	case slices.Contains(serviceRoles, name):
		return managed + "service-role/" + name
	}
	return managed + name
}

// deadLetters checks the property of that name; nil if it is not there.
func deadLetters(p *template.Map) (*template.Map, error) {
	v, there := p.Get("DeadLetterQueue")
	if !there || v == nil {
		return nil, nil
	}
	m, _ := v.(*template.Map)
	if kind := get(m, "Type"); kind != "SQS" && kind != "SNS" || get(m, "TargetArn") == nil {
		return nil, because("'DeadLetterQueue' requires Type, SQS or SNS, and TargetArn")
	}
	return m, nil
}

// roleOf makes the properties of the role that a function gets if it has none.
func roleOf(id string, p, dead *template.Map, tags any) (*template.Map, error) {
	trust := get(p, "AssumeRolePolicyDocument")
	if trust == nil {
		trust = object("Version", "2012-10-17", "Statement", []any{object(
			"Action", []any{"sts:AssumeRole"}, "Effect", "Allow", "Principal", object("Service", []any{"lambda.amazonaws.com"}),
		)})
	}
	arns := []any{managedARN("AWSLambdaBasicExecutionRole")}
	if get(p, "Tracing") != nil {
		arns = append(arns, managed+"AWSXrayWriteOnlyAccess")
	}
	if get(p, "VpcConfig") != nil {
		arns = append(arns, managedARN("AWSLambdaVPCAccessExecutionRole"))
	}
	var inline []any
	if dead != nil {
		action := map[any]string{"SQS": "sqs:SendMessage", "SNS": "sns:Publish"}[get(dead, "Type")]
		inline = append(inline, object("PolicyName", "DeadLetterQueuePolicy", "PolicyDocument", object(
			"Version", "2012-10-17", "Statement", []any{object("Action", action, "Resource", copyOf(get(dead, "TargetArn")), "Effect", "Allow")},
		)))
	}
	policies, isList := get(p, "Policies").([]any)
	if one := get(p, "Policies"); !isList && one != nil {
		policies = []any{one}
	}
	for i, v := range policies {
		document, arn, err := policyOf(id+"RolePolicy"+strconv.Itoa(i), i, v)
		if err != nil {
			return nil, err
		}
		if document != nil {
			inline = append(inline, document)
		}
		if s, plain := arn.(string); arn != nil && (!plain || !slices.Contains(arns, any(s))) {
			arns = append(arns, arn)
		}
	}
	role := object("AssumeRolePolicyDocument", trust, "ManagedPolicyArns", arns)
	if inline != nil {
		role.Set("Policies", inline)
	}
	if path := get(p, "RolePath"); path != nil {
		role.Set("Path", path)
	}
	if boundary := get(p, "PermissionsBoundary"); boundary != nil {
		role.Set("PermissionsBoundary", boundary)
	}
	role.Set("Tags", tags)
	return role, nil
}

// policyOf says what one entry of Policies is: a policy of its own with that
// name, or the ARN of one that there is already.
func policyOf(name string, index int, v any) (document, arn any, err error) {
	wrap := func(v any) any { return object("PolicyName", name, "PolicyDocument", v) }
	switch v := v.(type) {
	case string:
		return nil, managedARN(v), nil
	case *template.Map:
		if _, ok := v.Get("Statement"); ok {
			return wrap(v), nil, nil
		}
		fn, arg, isFunction := template.Function(v)
		list, isList := arg.([]any)
		switch {
		case isFunction && fn == "Fn::If" && isList && len(list) == 3:
			return policyIf(list, wrap)
		case isFunction:
			return nil, v, nil
		case v.Len() == 1:
			return nil, nil, because("the policy template %s is not supported by this version of Rockpool: write the statement, or name a managed policy", clip(v.Keys()[0]))
		}
	}
	return nil, nil, because("Policy at index %d in the 'Policies' property is not valid", index)
}

// policyIf is a policy that depends on a condition.
func policyIf(list []any, wrap func(any) any) (document, arn any, err error) {
	out := slices.Clone(list)
	isDocument := false
	for _, branch := range list[1:] {
		m, _ := branch.(*template.Map)
		if _, ok := m.Get("Statement"); ok {
			isDocument = true
		}
	}
	for i, branch := range list[1:] {
		m, _ := branch.(*template.Map)
		s, isText := branch.(string)
		switch {
		case get(m, "Ref") == "AWS::NoValue":
		case isDocument:
			out[i+1] = wrap(branch)
		case isText:
			out[i+1] = managedARN(s)
		}
	}
	if isDocument {
		return entry("Fn::If", out), nil, nil
	}
	return nil, entry("Fn::If", out), nil
}
