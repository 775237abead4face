// Package cfnapi is the CloudFormation API: it turns the operations' inputs into
// what package cfn takes, and what that answers into their outputs. It decides
// nothing but which settings there are.
//
// What a caller sets and the server cannot honour is refused by name; a role to
// act with is the exception, see refuse.
package cfnapi

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/cfn"
)

type api struct{ stacks *cfn.Service }

// Operations returns what is built.
func Operations(stacks *cfn.Service) []awsapi.Operation {
	a := &api{stacks}
	return []awsapi.Operation{
		awsapi.Op("CreateStack", a.createStack),
		awsapi.Op("UpdateStack", a.updateStack),
		awsapi.Op("DeleteStack", a.deleteStack),
		awsapi.Op("CancelUpdateStack", a.cancelUpdateStack),
		awsapi.Op("ContinueUpdateRollback", a.continueUpdateRollback),
		awsapi.Op("UpdateTerminationProtection", a.updateTerminationProtection),
		awsapi.Op("DescribeStacks", a.describeStacks),
		awsapi.Op("ListStacks", a.listStacks),
		awsapi.Op("DescribeStackEvents", a.describeStackEvents),
		awsapi.Op("DescribeStackResource", a.describeStackResource),
		awsapi.Op("DescribeStackResources", a.describeStackResources),
		awsapi.Op("ListStackResources", a.listStackResources),
		awsapi.Op("GetTemplate", a.getTemplate),
		awsapi.Op("GetTemplateSummary", a.getTemplateSummary),
		awsapi.Op("ValidateTemplate", a.validateTemplate),
		awsapi.Op("CreateChangeSet", a.createChangeSet),
		awsapi.Op("DescribeChangeSet", a.describeChangeSet),
		awsapi.Op("ListChangeSets", a.listChangeSets),
		awsapi.Op("ExecuteChangeSet", a.executeChangeSet),
		awsapi.Op("DeleteChangeSet", a.deleteChangeSet),
		awsapi.Op("ListExports", a.listExports),
		awsapi.Op("ListImports", a.listImports),
	}
}

// caller returns who asks, and where.
func caller(ctx context.Context) (cfn.Actor, string) {
	r := awsapi.RequestFrom(ctx)
	return cfn.Actor{ARN: r.Principal.ARN, Account: r.Principal.Account, Root: r.Principal.Root}, r.Region
}

func invalid(format string, args ...any) error {
	return apierr.Newf("ValidationError", format, args...)
}

// setting is one that the server does not have, and whether a caller set it.
type setting struct {
	name string
	set  bool
}

// refuse refuses the first setting that is set. RoleARN is not among them: a
// stack acts with the rights of who asks for it, never with more, and tools
// send the roles of their own set-up always.
func refuse(list ...setting) error {
	for _, s := range list {
		if s.set {
			return invalid("%s is not supported by this version of Rockpool.", s.name)
		}
	}
	return nil
}

const pageSize = 100

// page returns the part of a list that begins at a token, and the next token.
func page[T any](list []T, token *string) ([]T, *string, error) {
	from := 0
	if token != nil {
		n, err := strconv.Atoi(*token)
		if err != nil || n < 0 {
			return nil, nil, invalid("NextToken is not one of this list")
		}
		from = min(n, len(list))
	}
	to := min(from+pageSize, len(list))
	if to < len(list) {
		return list[from:to], awsapi.Present(strconv.Itoa(to)), nil
	}
	return list[from:to], nil, nil
}

func tagsIn(list []tag) []cfn.Tag {
	var out []cfn.Tag
	for _, t := range list {
		out = append(out, cfn.Tag{Key: awsapi.Value(t.Key), Value: awsapi.Value(t.Value)})
	}
	slices.SortFunc(out, func(a, b cfn.Tag) int { return strings.Compare(a.Key, b.Key) })
	return out
}

func tagsOut(list []cfn.Tag) []tag {
	out := []tag{}
	for _, t := range list {
		out = append(out, tag{Key: &t.Key, Value: &t.Value})
	}
	return out
}

func parametersIn(list []parameter) []cfn.Parameter {
	var out []cfn.Parameter
	for _, e := range list {
		out = append(out, cfn.Parameter{Key: awsapi.Value(e.ParameterKey), Value: e.ParameterValue, UsePrevious: awsapi.Value(e.UsePreviousValue)})
	}
	return out
}

// parametersOut hides what must not be shown.
func parametersOut(all, resolved map[string]string, hidden []string) []parameter {
	out := []parameter{}
	for k, value := range all {
		e := parameter{ParameterKey: &k, ParameterValue: &value}
		if slices.Contains(hidden, k) {
			stars := "****"
			e.ParameterValue = &stars
		} else if r, ok := resolved[k]; ok && r != value {
			e.ResolvedValue = &r
		}
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b parameter) int { return strings.Compare(*a.ParameterKey, *b.ParameterKey) })
	return out
}

// requestID is the id of the operation that a request began.
func requestID(ctx context.Context) *string { return awsapi.Present(awsapi.RequestFrom(ctx).ID) }
