package resource

import (
	"context"
	"maps"
	"slices"
	"strings"
)

const ssm = "ssm"

var parameterTypes = []*Type{
	&Type{
		Name: "AWS::SSM::Parameter", Attributes: []string{"Type", "Value", "Arn"},
		schema: parseSchema(`AllowedPattern DataType Description Name^ Policies- Tags:map Tier Type! Value!`),
		create: createParameter,
		update: updateParameter,
		remove: func(ctx context.Context, r Request) error {
			return r.do(ctx, ssm, "DeleteParameter", map[string]any{"Name": r.PhysicalID}, nil)
		},
	},
}

func (r Request) parameter(name string) Result {
	return Result{PhysicalID: name, Attributes: map[string]string{
		"Type": str(r.Properties, "Type"), "Value": str(r.Properties, "Value"),
		"Arn": "arn:aws:ssm:" + r.Region + ":" + r.Account + ":parameter/" + strings.TrimPrefix(name, "/"),
	}}
}

func createParameter(ctx context.Context, r Request) (Result, error) {
	// Made up names have no slash, as CloudFormation's have none.
	name := orElse(str(r.Properties, "Name"), r.name(1011))
	in := with(r.Properties, "Name", name, "Tags", nil)
	if tags, _ := r.Properties["Tags"].(map[string]any); len(tags) > 0 {
		in["Tags"] = tagList(tags)
	}
	exists := r.do(ctx, ssm, "PutParameter", in, nil)
	if !is(exists, "ParameterAlreadyExists") || !r.Resume && !r.Import {
		return r.parameter(name), exists
	}
	var out struct {
		Parameter struct{ LastModifiedDate float64 }
	}
	if err := r.do(ctx, ssm, "GetParameter", map[string]any{"Name": name}, &out); err != nil {
		return Result{}, err
	}
	ours := r.Resume && r.madeSince(out.Parameter.LastModifiedDate)
	if !ours && !r.Import {
		return Result{}, exists
	}
	if !ours {
		if err := r.importable(ctx, name); err != nil {
			return Result{}, err
		}
	}
	r.PhysicalID = name
	res, err := updateParameter(ctx, r)
	res.Imported = !ours
	return res, err
}

func updateParameter(ctx context.Context, r Request) (Result, error) {
	in := with(r.Properties, "Name", r.PhysicalID, "Overwrite", true, "Tags", nil, "Description", str(r.Properties, "Description"))
	if err := r.do(ctx, ssm, "PutParameter", in, nil); err != nil {
		return Result{}, err
	}
	was, _ := r.Old["Tags"].(map[string]any)
	tags, _ := r.Properties["Tags"].(map[string]any)
	var gone []any
	for _, k := range slices.Sorted(maps.Keys(was)) {
		if _, still := tags[k]; !still {
			gone = append(gone, k)
		}
	}
	which := map[string]any{"ResourceType": "Parameter", "ResourceId": r.PhysicalID}
	if len(gone) > 0 {
		if err := r.do(ctx, ssm, "RemoveTagsFromResource", with(which, "TagKeys", gone), nil); err != nil {
			return Result{}, err
		}
	}
	if len(tags) > 0 {
		if err := r.do(ctx, ssm, "AddTagsToResource", with(which, "Tags", tagList(tags)), nil); err != nil {
			return Result{}, err
		}
	}
	return r.parameter(r.PhysicalID), nil
}

// tagList is a map of tags as operations take it.
func tagList(m map[string]any) []any {
	var out []any
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, map[string]any{"Key": k, "Value": m[k]})
	}
	return out
}
