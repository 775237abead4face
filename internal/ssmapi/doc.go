// Package ssmapi is Systems Manager as far as deployment tools call it: the
// parameter store. It turns the operations' inputs into what package parameter
// takes, and its answers into their outputs.
//
// What a caller sets and the server cannot honour is refused by name.
package ssmapi

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
	param "github.com/rockpoolhq/rockpool/internal/parameter"
)

type api struct{ parameters *param.Service }

// Operations returns what is built.
func Operations(parameters *param.Service) []awsapi.Operation {
	a := &api{parameters}
	return []awsapi.Operation{
		awsapi.Op("PutParameter", a.putParameter),
		awsapi.Op("GetParameter", a.getParameter),
		awsapi.Op("GetParameters", a.getParameters),
		awsapi.Op("GetParametersByPath", a.getParametersByPath),
		awsapi.Op("DescribeParameters", a.describeParameters),
		awsapi.Op("DeleteParameter", a.deleteParameter),
		awsapi.Op("DeleteParameters", a.deleteParameters),
		awsapi.Op("AddTagsToResource", a.addTagsToResource),
		awsapi.Op("RemoveTagsFromResource", a.removeTagsFromResource),
		awsapi.Op("ListTagsForResource", a.listTagsForResource),
	}
}

func invalid(format string, args ...any) error {
	return apierr.Newf("ValidationException", format, args...)
}

func region(ctx context.Context) string { return awsapi.RequestFrom(ctx).Region }

// ownKey is the key that SecureStrings have when none is named.
const ownKey = "alias/aws/ssm"

func (a *api) putParameter(ctx context.Context, in *putParameterRequest) (*putParameterResult, error) {
	for _, s := range []struct {
		name string
		set  bool
	}{
		{"Tier " + awsapi.Value(in.Tier), awsapi.Value(in.Tier) == "Advanced"},
		{"Policies", awsapi.Value(in.Policies) != ""},
		{"DataType " + awsapi.Value(in.DataType), awsapi.Value(in.DataType) != "" && awsapi.Value(in.DataType) != "text"},
		{"KeyId: a SecureString is sealed with the server's key, so KeyId", awsapi.Value(in.KeyId) != "" && awsapi.Value(in.KeyId) != ownKey},
	} {
		if s.set {
			return nil, invalid("%.200s is not supported by this server; see docs/differences.md.", s.name)
		}
	}
	version, err := a.parameters.Put(ctx, param.Put{
		Region: region(ctx), Name: awsapi.Value(in.Name), Value: awsapi.Value(in.Value), Type: awsapi.Value(in.Type),
		Description: in.Description, AllowedPattern: in.AllowedPattern, Overwrite: awsapi.Value(in.Overwrite),
		Tags: tagsIn(in.Tags), By: awsapi.RequestFrom(ctx).Principal.ARN,
	})
	if err != nil {
		return nil, err
	}
	return &putParameterResult{Version: &version, Tier: new("Standard")}, nil
}

func (a *api) shape(p param.Parameter, selector string, decrypt bool) parameter {
	v := p.Value
	if p.Type == param.SecureString && !decrypt {
		v = base64.StdEncoding.EncodeToString(a.parameters.Ciphertext(p))
	}
	return parameter{
		Name: &p.Name, Type: &p.Type, Value: &v, Version: &p.Version, Selector: awsapi.Present(selector),
		LastModifiedDate: awsapi.NewTimestamp(p.Modified), ARN: new(a.parameters.ARN(p)), DataType: new("text"),
	}
}

func (a *api) getParameter(ctx context.Context, in *getParameterRequest) (*getParameterResult, error) {
	p, selector, err := a.parameters.Get(ctx, region(ctx), awsapi.Value(in.Name))
	if err != nil {
		return nil, err
	}
	return &getParameterResult{Parameter: new(a.shape(p, selector, awsapi.Value(in.WithDecryption)))}, nil
}

func (a *api) getParameters(ctx context.Context, in *getParametersRequest) (*getParametersResult, error) {
	out := &getParametersResult{Parameters: []parameter{}, InvalidParameters: []string{}}
	for _, name := range in.Names {
		p, selector, err := a.parameters.Get(ctx, region(ctx), name)
		switch {
		case err == nil:
			out.Parameters = append(out.Parameters, a.shape(p, selector, awsapi.Value(in.WithDecryption)))
		case apierr.CodeOf(err) == "ParameterNotFound", apierr.CodeOf(err) == "ParameterVersionNotFound":
			out.InvalidParameters = append(out.InvalidParameters, name)
		default:
			return nil, err
		}
	}
	return out, nil
}

func cursor(token *string) (string, error) {
	after, err := base64.RawURLEncoding.DecodeString(awsapi.Value(token))
	if err != nil {
		return "", apierr.New("InvalidNextToken", "The specified token isn't valid.")
	}
	return string(after), nil
}

func (a *api) getParametersByPath(ctx context.Context, in *getParametersByPathRequest) (*getParametersByPathResult, error) {
	if len(in.ParameterFilters) > 0 {
		return nil, invalid("ParameterFilters is not supported by this server for GetParametersByPath.")
	}
	path := strings.TrimSuffix(awsapi.Value(in.Path), "/") + "/"
	if path[0] != '/' {
		return nil, invalid("The parameter path must begin with \"/\".")
	}
	after, err := cursor(in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := 10
	if in.MaxResults != nil {
		limit = int(*in.MaxResults)
	}
	list, next, err := a.parameters.List(ctx, region(ctx), after, limit, func(p param.Parameter) bool {
		name := p.Name
		if name[0] != '/' {
			name = "/" + name
		}
		rest, ok := strings.CutPrefix(name, path)
		return ok && (awsapi.Value(in.Recursive) || !strings.Contains(rest, "/"))
	})
	if err != nil {
		return nil, err
	}
	out := &getParametersByPathResult{Parameters: []parameter{}, NextToken: awsapi.Present(base64.RawURLEncoding.EncodeToString([]byte(next)))}
	for _, p := range list {
		out.Parameters = append(out.Parameters, a.shape(p, "", awsapi.Value(in.WithDecryption)))
	}
	return out, nil
}

// describeFilter makes a condition of the filters that the server knows.
func describeFilter(in *describeParametersRequest) (func(param.Parameter) bool, error) {
	if len(in.Filters) > 0 || awsapi.Value(in.Shared) {
		return nil, invalid("Filters and Shared are not supported by this server: use ParameterFilters.")
	}
	for _, f := range in.ParameterFilters {
		key, option := awsapi.Value(f.Key), awsapi.Value(f.Option)
		known := key == "Name" && slices.Contains([]string{"", "Equals", "BeginsWith"}, option) || key == "Type" && (option == "" || option == "Equals")
		if !known || len(f.Values) == 0 {
			return nil, invalid("The filter %.132s with option %.10s is not supported by this server: Name (Equals, BeginsWith) and Type (Equals) are.", key, option)
		}
	}
	return func(p param.Parameter) bool {
		for _, f := range in.ParameterFilters {
			match := func(v string) bool {
				switch {
				case awsapi.Value(f.Key) == "Type":
					return p.Type == v
				case awsapi.Value(f.Option) == "BeginsWith":
					return strings.HasPrefix(p.Name, v)
				}
				return p.Name == v
			}
			if !slices.ContainsFunc(f.Values, match) {
				return false
			}
		}
		return true
	}, nil
}

func (a *api) describeParameters(ctx context.Context, in *describeParametersRequest) (*describeParametersResult, error) {
	keep, err := describeFilter(in)
	if err != nil {
		return nil, err
	}
	after, err := cursor(in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := 50
	if in.MaxResults != nil {
		limit = int(*in.MaxResults)
	}
	list, next, err := a.parameters.List(ctx, region(ctx), after, limit, keep)
	if err != nil {
		return nil, err
	}
	out := &describeParametersResult{Parameters: []parameterMetadata{}, NextToken: awsapi.Present(base64.RawURLEncoding.EncodeToString([]byte(next)))}
	for _, p := range list {
		m := parameterMetadata{
			Name: &p.Name, ARN: new(a.parameters.ARN(p)), Type: &p.Type, Version: &p.Version, Tier: new("Standard"), DataType: new("text"),
			LastModifiedDate: awsapi.NewTimestamp(p.Modified), LastModifiedUser: &p.ModifiedBy,
			Description: awsapi.Present(p.Description), AllowedPattern: awsapi.Present(p.AllowedPattern), Policies: []parameterInlinePolicy{},
		}
		if p.Type == param.SecureString {
			m.KeyId = new(ownKey)
		}
		out.Parameters = append(out.Parameters, m)
	}
	return out, nil
}

func (a *api) deleteParameter(ctx context.Context, in *deleteParameterRequest) (*deleteParameterResult, error) {
	return nil, a.parameters.Delete(ctx, region(ctx), awsapi.Value(in.Name))
}

func (a *api) deleteParameters(ctx context.Context, in *deleteParametersRequest) (*deleteParametersResult, error) {
	out := &deleteParametersResult{DeletedParameters: []string{}, InvalidParameters: []string{}}
	for _, name := range in.Names {
		err := a.parameters.Delete(ctx, region(ctx), name)
		switch {
		case err == nil:
			out.DeletedParameters = append(out.DeletedParameters, name)
		case apierr.CodeOf(err) == "ParameterNotFound":
			out.InvalidParameters = append(out.InvalidParameters, name)
		default:
			return nil, err
		}
	}
	return out, nil
}

func tagsIn(list []tag) map[string]string {
	if len(list) == 0 {
		return nil
	}
	tags := map[string]string{}
	for _, t := range list {
		tags[awsapi.Value(t.Key)] = awsapi.Value(t.Value)
	}
	return tags
}

func onlyParameters(kind *string) error {
	if awsapi.Value(kind) != "Parameter" {
		return apierr.Newf("InvalidResourceType", "This server has tags of parameters only, not of %.100s.", awsapi.Value(kind))
	}
	return nil
}

func (a *api) addTagsToResource(ctx context.Context, in *addTagsToResourceRequest) (*addTagsToResourceResult, error) {
	if err := onlyParameters(in.ResourceType); err != nil {
		return nil, err
	}
	return nil, a.parameters.Tag(ctx, region(ctx), awsapi.Value(in.ResourceId), tagsIn(in.Tags), nil)
}

func (a *api) removeTagsFromResource(ctx context.Context, in *removeTagsFromResourceRequest) (*removeTagsFromResourceResult, error) {
	if err := onlyParameters(in.ResourceType); err != nil {
		return nil, err
	}
	return nil, a.parameters.Tag(ctx, region(ctx), awsapi.Value(in.ResourceId), nil, in.TagKeys)
}

func (a *api) listTagsForResource(ctx context.Context, in *listTagsForResourceRequest) (*listTagsForResourceResult, error) {
	if err := onlyParameters(in.ResourceType); err != nil {
		return nil, err
	}
	p, _, err := a.parameters.Get(ctx, region(ctx), awsapi.Value(in.ResourceId))
	if apierr.CodeOf(err) == "ParameterNotFound" {
		return nil, apierr.Newf("InvalidResourceId", "There is no parameter %.200s.", awsapi.Value(in.ResourceId))
	}
	if err != nil {
		return nil, err
	}
	out := &listTagsForResourceResult{TagList: []tag{}}
	for k, v := range p.Tags {
		out.TagList = append(out.TagList, tag{&k, &v})
	}
	slices.SortFunc(out.TagList, func(a, b tag) int { return strings.Compare(*a.Key, *b.Key) })
	return out, nil
}
