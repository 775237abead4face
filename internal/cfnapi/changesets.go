package cfnapi

import (
	"context"
	"slices"

	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/cfn"
)

func (a *api) createChangeSet(ctx context.Context, in *createChangeSetInput) (*createChangeSetOutput, error) {
	kind := awsapi.Value(in.ChangeSetType)
	if err := refuse(
		setting{"RollbackConfiguration", rollbackTriggers(in.RollbackConfiguration)}, setting{"NotificationARNs", len(in.NotificationARNs) > 0},
		setting{"ResourceTypes", len(in.ResourceTypes) > 0}, setting{"ResourcesToImport", len(in.ResourcesToImport) > 0},
		setting{"ChangeSetType IMPORT", kind == "IMPORT"},
		setting{"DeploymentMode", in.DeploymentMode != nil}, express(in.DeploymentConfig),
	); err != nil {
		return nil, err
	}
	onFailure := awsapi.Value(in.OnStackFailure)
	if onFailure == "" && awsapi.Value(awsapi.Value(in.DeploymentConfig).DisableRollback) {
		onFailure = "DO_NOTHING"
	}
	who, region := caller(ctx)
	id, stackID, err := a.stacks.CreateChangeSet(ctx, who, region, cfn.NewChangeSet{
		Change: cfn.Change{
			Definition: cfn.Definition{
				Body: awsapi.Value(in.TemplateBody), URL: awsapi.Value(in.TemplateURL), UsePrevious: awsapi.Value(in.UsePreviousTemplate), Parameters: parametersIn(in.Parameters),
				Tags: tagsIn(in.Tags), Capabilities: in.Capabilities,
			},
			Name: awsapi.Value(in.StackName), Token: awsapi.Value(in.ClientToken), OnFailure: onFailure,
		},
		ChangeSet: awsapi.Value(in.ChangeSetName), Description: awsapi.Value(in.Description), Type: kind, ImportExisting: awsapi.Value(in.ImportExistingResources),
	})
	return &createChangeSetOutput{Id: &id, StackId: &stackID}, err
}

func (a *api) describeChangeSet(ctx context.Context, in *describeChangeSetInput) (*describeChangeSetOutput, error) {
	_, region := caller(ctx)
	cs, err := a.stacks.DescribeChangeSet(ctx, region, awsapi.Value(in.StackName), awsapi.Value(in.ChangeSetName))
	if err != nil {
		return nil, err
	}
	lines, next, err := page(cs.Changes, in.NextToken)
	no := false
	out := &describeChangeSetOutput{
		ChangeSetName: &cs.Name, ChangeSetId: &cs.ID, StackId: &cs.StackID, StackName: &cs.StackName, Description: awsapi.Present(cs.Description),
		CreationTime: awsapi.NewTimestamp(cs.Created), ExecutionStatus: &cs.Execution, Status: &cs.Status, StatusReason: awsapi.Present(cs.Reason),
		NotificationARNs: []string{}, RollbackConfiguration: &rollbackConfiguration{}, Capabilities: cs.Capabilities, Tags: tagsOut(cs.Tags),
		Parameters: parametersOut(cs.Parameters, cs.Resolved, cs.Hidden), Changes: []change{}, NextToken: next,
		IncludeNestedStacks: &no, OnStackFailure: awsapi.Present(cs.OnFailure), ImportExistingResources: &cs.ImportExisting,
	}
	for _, l := range lines {
		out.Changes = append(out.Changes, changeOf(l, awsapi.Value(in.IncludePropertyValues)))
	}
	return out, err
}

// changeOf is one line of a change set; values says that it shows those of
// properties.
func changeOf(l cfn.Planned, values bool) change {
	kind := "Resource"
	r := &resourceChange{
		Action: &l.Action, LogicalResourceId: &l.LogicalID, PhysicalResourceId: awsapi.Present(l.PhysicalID), ResourceType: &l.Type, Replacement: awsapi.Present(l.Replacement),
		Scope: []string{}, Details: []resourceChangeDetail{},
	}
	if values {
		r.BeforeContext, r.AfterContext = awsapi.Present(l.Before), awsapi.Present(l.After)
	}
	for _, e := range l.Properties {
		attribute, evaluation, source := "Properties", "Static", "DirectModification"
		if e.Name == "Tags" || e.Name == "UserPoolTags" {
			attribute = "Tags"
		}
		if !slices.Contains(r.Scope, attribute) {
			r.Scope = append(r.Scope, attribute)
		}
		if e.Recreate == "Conditionally" {
			evaluation = "Dynamic"
		}
		target := &resourceTargetDefinition{Attribute: &attribute, Name: awsapi.Present(e.Name), RequiresRecreation: &e.Recreate}
		if values {
			path, how := "/Properties/"+e.Name, "Modify"
			switch {
			case e.Before == nil:
				how = "Add"
			case e.After == nil:
				how = "Remove"
			}
			target.Path, target.BeforeValue, target.AfterValue, target.AttributeChangeType = &path, e.Before, e.After, &how
		}
		r.Details = append(r.Details, resourceChangeDetail{
			Target:     target,
			Evaluation: &evaluation, ChangeSource: &source,
		})
	}
	return change{Type: &kind, ResourceChange: r}
}

func (a *api) listChangeSets(ctx context.Context, in *listChangeSetsInput) (*listChangeSetsOutput, error) {
	_, region := caller(ctx)
	all, err := a.stacks.ListChangeSets(ctx, region, awsapi.Value(in.StackName))
	if err != nil {
		return nil, err
	}
	all, next, err := page(all, in.NextToken)
	out := &listChangeSetsOutput{Summaries: []changeSetSummary{}, NextToken: next}
	for _, cs := range all {
		out.Summaries = append(out.Summaries, changeSetSummary{
			StackId: &cs.StackID, StackName: &cs.StackName, ChangeSetId: &cs.ID, ChangeSetName: &cs.Name, ExecutionStatus: &cs.Execution,
			Status: &cs.Status, StatusReason: awsapi.Present(cs.Reason), CreationTime: awsapi.NewTimestamp(cs.Created), Description: awsapi.Present(cs.Description),
		})
	}
	return out, err
}

func (a *api) executeChangeSet(ctx context.Context, in *executeChangeSetInput) (*executeChangeSetOutput, error) {
	if err := refuse(setting{"RetainExceptOnCreate", awsapi.Value(in.RetainExceptOnCreate)}); err != nil {
		return nil, err
	}
	who, region := caller(ctx)
	return nil, a.stacks.ExecuteChangeSet(ctx, who, region, awsapi.Value(in.StackName), awsapi.Value(in.ChangeSetName), awsapi.Value(in.ClientRequestToken), awsapi.Value(in.DisableRollback))
}

func (a *api) deleteChangeSet(ctx context.Context, in *deleteChangeSetInput) (*deleteChangeSetOutput, error) {
	_, region := caller(ctx)
	return nil, a.stacks.DeleteChangeSet(ctx, region, awsapi.Value(in.StackName), awsapi.Value(in.ChangeSetName))
}
