package cfnapi

import (
	"context"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/cfn"
)

// resources lists the resources of one stack by logical id.
func (a *api) resources(ctx context.Context, name string) (*cfn.Stack, []*cfn.Resource, error) {
	if name == "" {
		return nil, nil, invalid("Either a stack name or a physical resource id must be given")
	}
	_, region := caller(ctx)
	list, err := a.stacks.Describe(ctx, region, name)
	if err != nil {
		return nil, nil, err
	}
	var out []*cfn.Resource
	for _, r := range list[0].Resources {
		out = append(out, r)
	}
	slices.SortFunc(out, func(x, y *cfn.Resource) int { return strings.Compare(x.ID, y.ID) })
	return list[0], out, nil
}

var notChecked = "NOT_CHECKED"

func (a *api) describeStackResource(ctx context.Context, in *describeStackResourceInput) (*describeStackResourceOutput, error) {
	st, list, err := a.resources(ctx, awsapi.Value(in.StackName))
	if err != nil {
		return nil, err
	}
	for _, r := range list {
		if r.ID == awsapi.Value(in.LogicalResourceId) {
			metadata, err := a.stacks.Metadata(ctx, st, r.ID)
			if err != nil {
				return nil, err
			}
			return &describeStackResourceOutput{StackResourceDetail: &stackResourceDetail{
				StackName: &st.Name, StackId: &st.ID, LogicalResourceId: &r.ID, PhysicalResourceId: awsapi.Present(r.PhysicalID), ResourceType: &r.Type,
				LastUpdatedTimestamp: awsapi.NewTimestamp(r.Updated), ResourceStatus: &r.Status, ResourceStatusReason: awsapi.Present(r.Reason),
				DriftInformation: &stackResourceDriftInformation{StackResourceDriftStatus: &notChecked}, Metadata: awsapi.Present(metadata),
			}}, nil
		}
	}
	return nil, invalid("Resource %s does not exist for stack %s", awsapi.Value(in.LogicalResourceId), st.Name)
}

func (a *api) describeStackResources(ctx context.Context, in *describeStackResourcesInput) (*describeStackResourcesOutput, error) {
	name := awsapi.Value(in.StackName)
	if physical := awsapi.Value(in.PhysicalResourceId); name == "" && physical != "" {
		_, region := caller(ctx)
		all, err := a.stacks.Describe(ctx, region, "")
		if err != nil {
			return nil, err
		}
		for _, st := range all {
			for _, r := range st.Resources {
				if r.PhysicalID == physical {
					name = st.ID
				}
			}
		}
		if name == "" {
			return nil, invalid("Stack for %s does not exist", physical)
		}
	}
	st, list, err := a.resources(ctx, name)
	if err != nil {
		return nil, err
	}
	out := &describeStackResourcesOutput{StackResources: []stackResource{}}
	for _, r := range list {
		if id := awsapi.Value(in.LogicalResourceId); id != "" && id != r.ID {
			continue
		}
		out.StackResources = append(out.StackResources, stackResource{
			StackName: &st.Name, StackId: &st.ID, LogicalResourceId: &r.ID, PhysicalResourceId: awsapi.Present(r.PhysicalID), ResourceType: &r.Type,
			Timestamp: awsapi.NewTimestamp(r.Updated), ResourceStatus: &r.Status, ResourceStatusReason: awsapi.Present(r.Reason),
			DriftInformation: &stackResourceDriftInformation{StackResourceDriftStatus: &notChecked},
		})
	}
	if awsapi.Value(in.LogicalResourceId) != "" && len(out.StackResources) == 0 {
		return nil, invalid("Resource %s does not exist for stack %s", awsapi.Value(in.LogicalResourceId), st.Name)
	}
	return out, nil
}

func (a *api) listStackResources(ctx context.Context, in *listStackResourcesInput) (*listStackResourcesOutput, error) {
	_, list, err := a.resources(ctx, awsapi.Value(in.StackName))
	if err != nil {
		return nil, err
	}
	list, next, err := page(list, in.NextToken)
	out := &listStackResourcesOutput{StackResourceSummaries: []stackResourceSummary{}, NextToken: next}
	for _, r := range list {
		out.StackResourceSummaries = append(out.StackResourceSummaries, stackResourceSummary{
			LogicalResourceId: &r.ID, PhysicalResourceId: awsapi.Present(r.PhysicalID), ResourceType: &r.Type,
			LastUpdatedTimestamp: awsapi.NewTimestamp(r.Updated), ResourceStatus: &r.Status, ResourceStatusReason: awsapi.Present(r.Reason),
			DriftInformation: &stackResourceDriftInformationSummary{StackResourceDriftStatus: &notChecked},
		})
	}
	return out, err
}

func (a *api) getTemplate(ctx context.Context, in *getTemplateInput) (*getTemplateOutput, error) {
	_, region := caller(ctx)
	if awsapi.Value(in.StackName) == "" && awsapi.Value(in.ChangeSetName) == "" {
		return nil, invalid("StackName is required if ChangeSetName is not specified.")
	}
	text, err := a.stacks.Template(ctx, region, awsapi.Value(in.StackName), awsapi.Value(in.ChangeSetName), awsapi.Value(in.TemplateStage))
	return &getTemplateOutput{TemplateBody: &text, StagesAvailable: []string{cfn.Original, cfn.Processed}}, err
}

func (a *api) getTemplateSummary(ctx context.Context, in *getTemplateSummaryInput) (*getTemplateSummaryOutput, error) {
	if err := refuse(setting{"StackSetName", in.StackSetName != nil}); err != nil {
		return nil, err
	}
	_, region := caller(ctx)
	sum, err := a.stacks.Summarize(ctx, cfn.Definition{Body: awsapi.Value(in.TemplateBody), URL: awsapi.Value(in.TemplateURL)}, region, awsapi.Value(in.StackName))
	if err != nil {
		return nil, err
	}
	version := "2010-09-09"
	out := &getTemplateSummaryOutput{
		Description: awsapi.Present(sum.Description), Parameters: []parameterDeclaration{}, ResourceTypes: sum.Types, Version: &version,
		Capabilities: sum.Capabilities, CapabilitiesReason: awsapi.Present(sum.CapabilitiesReason), DeclaredTransforms: sum.Transforms,
	}
	for _, e := range sum.Parameters {
		out.Parameters = append(out.Parameters, parameterDeclaration{
			ParameterKey: &e.ID, ParameterType: &e.Type, DefaultValue: e.Default, NoEcho: &e.NoEcho, Description: awsapi.Present(e.Description),
			ParameterConstraints: &parameterConstraints{AllowedValues: e.AllowedValues()},
		})
	}
	if sum.Metadata != nil {
		b, err := json.Marshal(sum.Metadata)
		if err != nil {
			return nil, err
		}
		out.Metadata = awsapi.Present(string(b))
	}
	return out, nil
}

func (a *api) validateTemplate(ctx context.Context, in *validateTemplateInput) (*validateTemplateOutput, error) {
	_, region := caller(ctx)
	sum, err := a.stacks.Summarize(ctx, cfn.Definition{Body: awsapi.Value(in.TemplateBody), URL: awsapi.Value(in.TemplateURL)}, region, "")
	if err != nil {
		return nil, err
	}
	out := &validateTemplateOutput{
		Description: awsapi.Present(sum.Description), Parameters: []templateParameter{}, Capabilities: sum.Capabilities,
		CapabilitiesReason: awsapi.Present(sum.CapabilitiesReason), DeclaredTransforms: sum.Transforms,
	}
	for _, e := range sum.Parameters {
		out.Parameters = append(out.Parameters, templateParameter{ParameterKey: &e.ID, DefaultValue: e.Default, NoEcho: &e.NoEcho, Description: awsapi.Present(e.Description)})
	}
	return out, nil
}

func (a *api) listExports(ctx context.Context, in *listExportsInput) (*listExportsOutput, error) {
	_, region := caller(ctx)
	all, err := a.stacks.Exports(ctx, region)
	if err != nil {
		return nil, err
	}
	all, next, err := page(all, in.NextToken)
	out := &listExportsOutput{Exports: []export{}, NextToken: next}
	for _, e := range all {
		out.Exports = append(out.Exports, export{ExportingStackId: &e.StackID, Name: &e.Name, Value: &e.Value})
	}
	return out, err
}

func (a *api) listImports(ctx context.Context, in *listImportsInput) (*listImportsOutput, error) {
	_, region := caller(ctx)
	all, err := a.stacks.Imports(ctx, region, awsapi.Value(in.ExportName))
	if err != nil {
		return nil, err
	}
	all, next, err := page(all, in.NextToken)
	return &listImportsOutput{Imports: all, NextToken: next}, err
}
