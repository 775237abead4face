package lambdaapi

import (
	"context"

	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/function"
)

func (a *api) publishVersion(ctx context.Context, in *publishVersionRequest) (*functionConfiguration, error) {
	f, err := unqualified(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	if in.PublishTo != nil {
		return nil, refuse(unsupported{"PublishTo", true})
	}
	version, err := a.Functions.Publish(ctx, f, function.Publication{
		CodeSHA256: awsapi.Value(in.CodeSha256), Description: awsapi.Value(in.Description), RevisionID: awsapi.Value(in.RevisionId),
	})
	if err != nil {
		return nil, err
	}
	return a.configuration(version), nil
}

func (a *api) listVersionsByFunction(ctx context.Context, in *listVersionsByFunctionRequest) (*listVersionsByFunctionResponse, error) {
	f, err := unqualified(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	page, err := pageOf(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	list, next, err := a.Functions.Versions(ctx, f, page)
	if err != nil {
		return nil, err
	}
	out := &listVersionsByFunctionResponse{NextMarker: marker(next), Versions: []functionConfiguration{}}
	for _, v := range list {
		out.Versions = append(out.Versions, *a.configuration(v))
	}
	return out, nil
}

// allVersions lists every version of a function.
func (a *api) allVersions(ctx context.Context, f arn.Function) (all []functionConfiguration, err error) {
	for page := (function.Page{Limit: maxPage}); ; {
		list, next, err := a.Functions.Versions(ctx, f, page)
		if err != nil {
			return nil, err
		}
		for _, v := range list {
			all = append(all, *a.configuration(v))
		}
		if next == "" {
			return all, nil
		}
		page.After = next
	}
}

func (a *api) createAlias(ctx context.Context, in *createAliasRequest) (*aliasConfiguration, error) {
	f, err := aliasRef(ctx, in.FunctionName, in.Name)
	if err != nil {
		return nil, err
	}
	alias := function.Alias{Function: f, Version: awsapi.Value(in.FunctionVersion), Description: awsapi.Value(in.Description)}
	if in.RoutingConfig != nil {
		alias.Weights = in.RoutingConfig.AdditionalVersionWeights
	}
	created, err := a.Functions.CreateAlias(ctx, alias)
	if err != nil {
		return nil, err
	}
	return aliasOf(created), nil
}

// aliasRef names an alias of a function.
func aliasRef(ctx context.Context, name, alias *string) (arn.Function, error) {
	f, err := unqualified(ctx, name)
	f.Qualifier = awsapi.Value(alias)
	return f, err
}

func (a *api) getAlias(ctx context.Context, in *getAliasRequest) (*aliasConfiguration, error) {
	f, err := aliasRef(ctx, in.FunctionName, in.Name)
	if err != nil {
		return nil, err
	}
	got, err := a.Functions.Alias(ctx, f)
	if err != nil {
		return nil, err
	}
	return aliasOf(got), nil
}

func (a *api) updateAlias(ctx context.Context, in *updateAliasRequest) (*aliasConfiguration, error) {
	f, err := aliasRef(ctx, in.FunctionName, in.Name)
	if err != nil {
		return nil, err
	}
	u := function.AliasUpdate{Version: in.FunctionVersion, Description: in.Description, RevisionID: awsapi.Value(in.RevisionId)}
	if in.RoutingConfig != nil {
		if u.Weights = in.RoutingConfig.AdditionalVersionWeights; u.Weights == nil {
			u.Weights = map[string]float64{}
		}
	}
	changed, err := a.Functions.UpdateAlias(ctx, f, u)
	if err != nil {
		return nil, err
	}
	return aliasOf(changed), nil
}

func (a *api) deleteAlias(ctx context.Context, in *deleteAliasRequest) (*awsapi.Empty, error) {
	f, err := aliasRef(ctx, in.FunctionName, in.Name)
	if err != nil {
		return nil, err
	}
	return nil, a.Functions.DeleteAlias(ctx, f)
}

func (a *api) listAliases(ctx context.Context, in *listAliasesRequest) (*listAliasesResponse, error) {
	f, err := unqualified(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	page, err := pageOf(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	list, next, err := a.Functions.Aliases(ctx, f, awsapi.Value(in.FunctionVersion), page)
	if err != nil {
		return nil, err
	}
	out := &listAliasesResponse{NextMarker: marker(next), Aliases: []aliasConfiguration{}}
	for _, alias := range list {
		out.Aliases = append(out.Aliases, *aliasOf(alias))
	}
	return out, nil
}

func aliasOf(a function.Alias) *aliasConfiguration {
	c := &aliasConfiguration{
		AliasArn: new(a.Function.String()), Name: new(a.Function.Qualifier), FunctionVersion: &a.Version,
		Description: &a.Description, RevisionId: &a.RevisionID,
	}
	if len(a.Weights) > 0 {
		c.RoutingConfig = &aliasRoutingConfiguration{AdditionalVersionWeights: a.Weights}
	}
	return c
}
