package cfnapi

import (
	"context"
	"slices"

	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/cfn"
)

func (a *api) createChangeSet(ctx context.Context, in *createChangeSetInput) (*createChangeSetOutput, error) {
	kind := v(in.ChangeSetType)
	if err := refuse(
		setting{"RollbackConfiguration", rollbackTriggers(in.RollbackConfiguration)}, setting{"NotificationARNs", len(in.NotificationARNs) > 0},
		setting{"ResourceTypes", len(in.ResourceTypes) > 0}, setting{"ResourcesToImport", len(in.ResourcesToImport) > 0},
		setting{"ChangeSetType IMPORT", kind == "IMPORT"},
		setting{"DeploymentMode", in.DeploymentMode != nil}, express(in.DeploymentConfig),
	); err != nil {
		return nil, err
	}
	onFailure := v(in.OnStackFailure)
	if onFailure == "" && v(v(in.DeploymentConfig).DisableRollback) {
		onFailure = "DO_NOTHING"
	}
	who, region := caller(ctx)
	id, stackID, err := a.stacks.CreateChangeSet(ctx, who, region, cfn.NewChangeSet{
		Change: cfn.Change{
			Definition: cfn.Definition{
				Body: v(in.TemplateBody), URL: v(in.TemplateURL), UsePrevious: v(in.UsePreviousTemplate), Parameters: parametersIn(in.Parameters),
				Tags: tagsIn(in.Tags), Capabilities: in.Capabilities,
			},
			Name: v(in.StackName), Token: v(in.ClientToken), OnFailure: onFailure,
		},
		ChangeSet: v(in.ChangeSetName), Description: v(in.Description), Type: kind, ImportExisting: v(in.ImportExistingResources),
	})
	return &createChangeSetOutput{Id: &id, StackId: &stackID}, err
}

func (a *api) describeChangeSet(ctx context.Context, in *describeChangeSetInput) (*describeChangeSetOutput, error) {
	_, region := caller(ctx)
	cs, err := a.stacks.DescribeChangeSet(ctx, region, v(in.StackName), v(in.ChangeSetName))
	if err != nil {
		return nil, err
	}
	lines, next, err := page(cs.Changes, in.NextToken)
	no := false
	out := &describeChangeSetOutput{
		ChangeSetName: &cs.Name, ChangeSetId: &cs.ID, StackId: &cs.StackID, StackName: &cs.StackName, Description: p(cs.Description),
		CreationTime: awsapi.NewTimestamp(cs.Created), ExecutionStatus: &cs.Execution, Status: &cs.Status, StatusReason: p(cs.Reason),
		NotificationARNs: []string{}, RollbackConfiguration: &rollbackConfiguration{}, Capabilities: cs.Capabilities, Tags: tagsOut(cs.Tags),
		Parameters: parametersOut(cs.Parameters, cs.Resolved, cs.Hidden), Changes: []change{}, NextToken: next,
		IncludeNestedStacks: &no, OnStackFailure: p(cs.OnFailure), ImportExistingResources: &cs.ImportExisting,
	}
	for _, l := range lines {
		out.Changes = append(out.Changes, changeOf(l, v(in.IncludePropertyValues)))
	}
	return out, err
}

// changeOf is one line of a change set; values says that it shows those of
// properties.
func changeOf(l cfn.Planned, values bool) change {
	kind := "Resource"
	r := &resourceChange{
		Action: &l.Action, LogicalResourceId: &l.LogicalID, PhysicalResourceId: p(l.PhysicalID), ResourceType: &l.Type, Replacement: p(l.Replacement),
		Scope: []string{}, Details: []resourceChangeDetail{},
	}
	if values {
		r.BeforeContext, r.AfterContext = p(l.Before), p(l.After)
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
		target := &resourceTargetDefinition{Attribute: &attribute, Name: p(e.Name), RequiresRecreation: &e.Recreate}
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
	all, err := a.stacks.ListChangeSets(ctx, region, v(in.StackName))
	if err != nil {
		return nil, err
	}
	all, next, err := page(all, in.NextToken)
	out := &listChangeSetsOutput{Summaries: []changeSetSummary{}, NextToken: next}
	for _, cs := range all {
		out.Summaries = append(out.Summaries, changeSetSummary{
			StackId: &cs.StackID, StackName: &cs.StackName, ChangeSetId: &cs.ID, ChangeSetName: &cs.Name, ExecutionStatus: &cs.Execution,
			Status: &cs.Status, StatusReason: p(cs.Reason), CreationTime: awsapi.NewTimestamp(cs.Created), Description: p(cs.Description),
		})
	}
	return out, err
}

func (a *api) executeChangeSet(ctx context.Context, in *executeChangeSetInput) (*executeChangeSetOutput, error) {
	if err := refuse(setting{"RetainExceptOnCreate", v(in.RetainExceptOnCreate)}); err != nil {
		return nil, err
	}
	who, region := caller(ctx)
	return nil, a.stacks.ExecuteChangeSet(ctx, who, region, v(in.StackName), v(in.ChangeSetName), v(in.ClientRequestToken), v(in.DisableRollback))
}

func (a *api) deleteChangeSet(ctx context.Context, in *deleteChangeSetInput) (*deleteChangeSetOutput, error) {
	_, region := caller(ctx)
	return nil, a.stacks.DeleteChangeSet(ctx, region, v(in.StackName), v(in.ChangeSetName))
}
