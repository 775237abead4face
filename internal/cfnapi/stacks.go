package cfnapi

import (
	"context"

	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/cfn"
)

func rollbackTriggers(c *rollbackConfiguration) bool { return c != nil && len(c.RollbackTriggers) > 0 }

// express is the mode of a deployment that does not wait for resources to be
// ready. Here they always are, and the mode says more than that.
func express(c *deploymentConfig) setting {
	mode := awsapi.Value(awsapi.Value(c).Mode)
	return setting{"DeploymentConfig.Mode " + mode, mode != "" && mode != "STANDARD"}
}

func (a *api) createStack(ctx context.Context, in *createStackInput) (*createStackOutput, error) {
	if err := refuse(
		setting{"RollbackConfiguration", rollbackTriggers(in.RollbackConfiguration)}, setting{"NotificationARNs", len(in.NotificationARNs) > 0},
		setting{"TimeoutInMinutes", in.TimeoutInMinutes != nil}, setting{"ResourceTypes", len(in.ResourceTypes) > 0},
		setting{"StackPolicyBody", in.StackPolicyBody != nil}, setting{"StackPolicyURL", in.StackPolicyURL != nil},
		setting{"RetainExceptOnCreate", awsapi.Value(in.RetainExceptOnCreate)}, express(in.DeploymentConfig),
	); err != nil {
		return nil, err
	}
	who, region := caller(ctx)
	id, err := a.stacks.Create(ctx, who, region, cfn.Change{
		Definition: cfn.Definition{
			Body: awsapi.Value(in.TemplateBody), URL: awsapi.Value(in.TemplateURL), Parameters: parametersIn(in.Parameters), Tags: tagsIn(in.Tags), Capabilities: in.Capabilities,
		},
		Name: awsapi.Value(in.StackName), Token: awsapi.Value(in.ClientRequestToken), OnFailure: awsapi.Value(in.OnFailure), DisableRollback: awsapi.Value(in.DisableRollback) || awsapi.Value(awsapi.Value(in.DeploymentConfig).DisableRollback),
		Protected: awsapi.Value(in.EnableTerminationProtection),
	})
	return &createStackOutput{StackId: &id, OperationId: requestID(ctx)}, err
}

func (a *api) updateStack(ctx context.Context, in *updateStackInput) (*updateStackOutput, error) {
	if err := refuse(
		setting{"RollbackConfiguration", rollbackTriggers(in.RollbackConfiguration)}, setting{"NotificationARNs", len(in.NotificationARNs) > 0},
		setting{"ResourceTypes", len(in.ResourceTypes) > 0},
		setting{"StackPolicyBody", in.StackPolicyBody != nil}, setting{"StackPolicyURL", in.StackPolicyURL != nil},
		setting{"StackPolicyDuringUpdateBody", in.StackPolicyDuringUpdateBody != nil}, setting{"StackPolicyDuringUpdateURL", in.StackPolicyDuringUpdateURL != nil},
		setting{"RetainExceptOnCreate", awsapi.Value(in.RetainExceptOnCreate)}, express(in.DeploymentConfig),
	); err != nil {
		return nil, err
	}
	who, region := caller(ctx)
	id, err := a.stacks.Update(ctx, who, region, cfn.Change{
		Definition: cfn.Definition{
			Body: awsapi.Value(in.TemplateBody), URL: awsapi.Value(in.TemplateURL), UsePrevious: awsapi.Value(in.UsePreviousTemplate), Parameters: parametersIn(in.Parameters),
			Tags: tagsIn(in.Tags), KeepTags: in.Tags == nil, Capabilities: in.Capabilities,
		},
		Name: awsapi.Value(in.StackName), Token: awsapi.Value(in.ClientRequestToken), DisableRollback: awsapi.Value(in.DisableRollback) || awsapi.Value(awsapi.Value(in.DeploymentConfig).DisableRollback),
	})
	return &updateStackOutput{StackId: &id, OperationId: requestID(ctx)}, err
}

func (a *api) deleteStack(ctx context.Context, in *deleteStackInput) (*awsapi.Empty, error) {
	if err := refuse(setting{"DeletionMode", awsapi.Value(in.DeletionMode) != "" && awsapi.Value(in.DeletionMode) != "STANDARD"}, express(in.DeploymentConfig)); err != nil {
		return nil, err
	}
	who, region := caller(ctx)
	return nil, a.stacks.Delete(ctx, who, region, awsapi.Value(in.StackName), in.RetainResources, awsapi.Value(in.ClientRequestToken))
}

func (a *api) cancelUpdateStack(ctx context.Context, in *cancelUpdateStackInput) (*awsapi.Empty, error) {
	_, region := caller(ctx)
	return nil, a.stacks.Cancel(ctx, region, awsapi.Value(in.StackName), awsapi.Value(in.ClientRequestToken))
}

func (a *api) continueUpdateRollback(ctx context.Context, in *continueUpdateRollbackInput) (*continueUpdateRollbackOutput, error) {
	who, region := caller(ctx)
	return nil, a.stacks.ContinueRollback(ctx, who, region, awsapi.Value(in.StackName), in.ResourcesToSkip, awsapi.Value(in.ClientRequestToken))
}

func (a *api) updateTerminationProtection(ctx context.Context, in *updateTerminationProtectionInput) (*updateTerminationProtectionOutput, error) {
	_, region := caller(ctx)
	id, err := a.stacks.Protect(ctx, region, awsapi.Value(in.StackName), awsapi.Value(in.EnableTerminationProtection))
	return &updateTerminationProtectionOutput{StackId: &id}, err
}

func (a *api) describeStacks(ctx context.Context, in *describeStacksInput) (*describeStacksOutput, error) {
	_, region := caller(ctx)
	list, err := a.stacks.Describe(ctx, region, awsapi.Value(in.StackName))
	if err != nil {
		return nil, err
	}
	list, next, err := page(list, in.NextToken)
	out := &describeStacksOutput{Stacks: []stack{}, NextToken: next}
	for _, st := range list {
		out.Stacks = append(out.Stacks, describe(st))
	}
	return out, err
}

func describe(st *cfn.Stack) stack {
	none := "NOT_CHECKED"
	out := stack{
		StackId: &st.ID, StackName: &st.Name, Description: awsapi.Present(st.Description), ChangeSetId: awsapi.Present(st.ChangeSetID), StackStatus: &st.Status, StackStatusReason: awsapi.Present(st.Reason),
		CreationTime: awsapi.NewTimestamp(st.Created), LastUpdatedTime: awsapi.NewTimestamp(st.Updated), DeletionTime: awsapi.NewTimestamp(st.Deleted),
		DisableRollback: &st.DisableRollback, EnableTerminationProtection: &st.Protected, RollbackConfiguration: &rollbackConfiguration{},
		NotificationARNs: []string{}, Tags: tagsOut(st.Tags), DriftInformation: &stackDriftInformation{StackDriftStatus: &none},
	}
	params, resolved, hidden, capabilities := st.Parameters, st.Resolved, st.Hidden, st.Capabilities
	if st.Template == "" && st.Operation != nil {
		// A stack that is being created has what it is to have.
		params, resolved, hidden, capabilities = st.Operation.Parameters, st.Operation.Resolved, st.Operation.Hidden, st.Operation.Capabilities
		out.Tags = tagsOut(st.Operation.Tags)
	}
	if len(params) > 0 {
		out.Parameters = parametersOut(params, resolved, hidden)
	}
	if len(capabilities) > 0 {
		out.Capabilities = capabilities
	}
	for _, o := range st.Outputs {
		out.Outputs = append(out.Outputs, output{OutputKey: &o.Key, OutputValue: &o.Value, Description: awsapi.Present(o.Description), ExportName: awsapi.Present(o.Export)})
	}
	return out
}

func (a *api) listStacks(ctx context.Context, in *listStacksInput) (*listStacksOutput, error) {
	_, region := caller(ctx)
	all, err := a.stacks.List(ctx, region)
	if err != nil {
		return nil, err
	}
	list := []stackSummary{}
	for _, st := range all {
		if !matches(in.StackStatusFilter, st.Status) {
			continue
		}
		none := "NOT_CHECKED"
		list = append(list, stackSummary{
			StackId: &st.ID, StackName: &st.Name, TemplateDescription: awsapi.Present(st.Description), StackStatus: &st.Status, StackStatusReason: awsapi.Present(st.Reason),
			CreationTime: awsapi.NewTimestamp(st.Created), LastUpdatedTime: awsapi.NewTimestamp(st.Updated), DeletionTime: awsapi.NewTimestamp(st.Deleted),
			DriftInformation: &stackDriftInformationSummary{StackDriftStatus: &none},
		})
	}
	list, next, err := page(list, in.NextToken)
	return &listStacksOutput{StackSummaries: list, NextToken: next}, err
}

func matches(filter []string, status string) bool {
	for _, f := range filter {
		if f == status {
			return true
		}
	}
	return len(filter) == 0
}

func (a *api) describeStackEvents(ctx context.Context, in *describeStackEventsInput) (*describeStackEventsOutput, error) {
	_, region := caller(ctx)
	list, next, err := a.stacks.Events(ctx, region, awsapi.Value(in.StackName), awsapi.Value(in.NextToken), pageSize)
	if err != nil {
		return nil, err
	}
	out := &describeStackEventsOutput{StackEvents: []stackEvent{}, NextToken: awsapi.Present(next)}
	for _, e := range list {
		out.StackEvents = append(out.StackEvents, stackEvent{
			StackId: &e.StackID, StackName: &e.StackName, EventId: &e.ID, LogicalResourceId: &e.LogicalID, PhysicalResourceId: &e.PhysicalID,
			ResourceType: &e.Type, Timestamp: awsapi.NewTimestamp(e.Time), ResourceStatus: &e.Status, ResourceStatusReason: awsapi.Present(e.Reason), ClientRequestToken: awsapi.Present(e.Token),
			ResourceProperties: awsapi.Present(e.Properties),
		})
	}
	return out, nil
}
