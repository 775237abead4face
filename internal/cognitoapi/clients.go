package cognitoapi

import (
	"context"
	"time"

	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

func clientOperations(s *userpool.Service) []awsapi.Operation {
	a := &poolAPI{pools: s}
	return []awsapi.Operation{
		awsapi.Op("CreateUserPoolClient", a.createUserPoolClient),
		awsapi.Op("DescribeUserPoolClient", a.describeUserPoolClient),
		awsapi.Op("UpdateUserPoolClient", a.updateUserPoolClient),
		awsapi.Op("DeleteUserPoolClient", a.deleteUserPoolClient),
		awsapi.Op("ListUserPoolClients", a.listUserPoolClients),
	}
}

func (a *poolAPI) createUserPoolClient(ctx context.Context, in *createUserPoolClientRequest) (*createUserPoolClientResponse, error) {
	settings, err := clientSettings(in)
	if err != nil {
		return nil, err
	}
	c, err := a.pools.CreateClient(ctx, awsapi.Value(in.UserPoolId), userpool.NewClient{
		Name: awsapi.Value(in.ClientName), ClientSettings: settings,
		GenerateSecret: awsapi.Value(in.GenerateSecret), Secret: userpool.Secret(awsapi.Value(in.ClientSecret)),
	})
	if err != nil {
		return nil, err
	}
	return &createUserPoolClientResponse{UserPoolClient: userPoolClient(c)}, nil
}

func (a *poolAPI) describeUserPoolClient(ctx context.Context, in *describeUserPoolClientRequest) (*describeUserPoolClientResponse, error) {
	c, err := a.pools.Client(ctx, awsapi.Value(in.UserPoolId), awsapi.Value(in.ClientId))
	if err != nil {
		return nil, err
	}
	return &describeUserPoolClientResponse{UserPoolClient: userPoolClient(c)}, nil
}

func (a *poolAPI) updateUserPoolClient(ctx context.Context, in *updateUserPoolClientRequest) (*updateUserPoolClientResponse, error) {
	settings, err := clientSettings(&createUserPoolClientRequest{
		RefreshTokenValidity: in.RefreshTokenValidity, AccessTokenValidity: in.AccessTokenValidity,
		IdTokenValidity: in.IdTokenValidity, TokenValidityUnits: in.TokenValidityUnits,
		ReadAttributes: in.ReadAttributes, WriteAttributes: in.WriteAttributes, ExplicitAuthFlows: in.ExplicitAuthFlows,
		SupportedIdentityProviders: in.SupportedIdentityProviders, CallbackURLs: in.CallbackURLs, LogoutURLs: in.LogoutURLs,
		DefaultRedirectURI: in.DefaultRedirectURI, AllowedOAuthFlows: in.AllowedOAuthFlows,
		AllowedOAuthScopes: in.AllowedOAuthScopes, AllowedOAuthFlowsUserPoolClient: in.AllowedOAuthFlowsUserPoolClient,
		AnalyticsConfiguration: in.AnalyticsConfiguration, PreventUserExistenceErrors: in.PreventUserExistenceErrors,
		EnableTokenRevocation: in.EnableTokenRevocation, AuthSessionValidity: in.AuthSessionValidity,
		EnablePropagateAdditionalUserContextData: in.EnablePropagateAdditionalUserContextData,
		RefreshTokenRotation:                     in.RefreshTokenRotation,
	})
	if err != nil {
		return nil, err
	}
	c, err := a.pools.UpdateClient(ctx, awsapi.Value(in.UserPoolId), awsapi.Value(in.ClientId), awsapi.Value(in.ClientName), settings)
	if err != nil {
		return nil, err
	}
	return &updateUserPoolClientResponse{UserPoolClient: userPoolClient(c)}, nil
}

func (a *poolAPI) deleteUserPoolClient(ctx context.Context, in *deleteUserPoolClientRequest) (*awsapi.Empty, error) {
	return nil, a.pools.DeleteClient(ctx, awsapi.Value(in.UserPoolId), awsapi.Value(in.ClientId))
}

func (a *poolAPI) listUserPoolClients(ctx context.Context, in *listUserPoolClientsRequest) (*listUserPoolClientsResponse, error) {
	out := &listUserPoolClientsResponse{UserPoolClients: []userPoolClientDescription{}}
	clients, next, err := a.pools.ListClients(ctx, awsapi.Value(in.UserPoolId), page(in.MaxResults, in.NextToken))
	if err != nil {
		return nil, err
	}
	if awsapi.Value(in.ClientType) == "DCR" {
		return out, nil // no client registers itself
	}
	out.NextToken = awsapi.Present(next)
	for _, c := range clients {
		out.UserPoolClients = append(out.UserPoolClients, userPoolClientDescription{ClientId: &c.ID, UserPoolId: &c.PoolID, ClientName: &c.Name})
	}
	return out, nil
}

// clientSettings maps a request to the settings of an app client. Absent
// members become zero values, which the domain replaces by defaults.
func clientSettings(in *createUserPoolClientRequest) (userpool.ClientSettings, error) {
	if err := refuseUnbuilt(in, unbuiltClientMembers); err != nil {
		return userpool.ClientSettings{}, err
	}
	set := userpool.ClientSettings{
		ExplicitAuthFlows:    in.ExplicitAuthFlows,
		RefreshTokenValidity: awsapi.Value(in.RefreshTokenValidity),
		AccessTokenValidity:  awsapi.Value(in.AccessTokenValidity),
		IDTokenValidity:      awsapi.Value(in.IdTokenValidity),
		AuthSessionValidity:  awsapi.Value(in.AuthSessionValidity),
		// An empty list is what tools send for a list that is not set.
		ReadAttributes:             nonEmpty(in.ReadAttributes),
		WriteAttributes:            nonEmpty(in.WriteAttributes),
		PreventUserExistenceErrors: awsapi.Value(in.PreventUserExistenceErrors) == "ENABLED",
		ExistenceErrorsChosen:      in.PreventUserExistenceErrors != nil,
		RevocationEnabled:          in.EnableTokenRevocation == nil || *in.EnableTokenRevocation,
		SupportedIdentityProviders: nonEmpty(in.SupportedIdentityProviders),
		CallbackURLs:               nonEmpty(in.CallbackURLs),
		LogoutURLs:                 nonEmpty(in.LogoutURLs),
		DefaultRedirectURI:         awsapi.Value(in.DefaultRedirectURI),
		OAuthFlows:                 nonEmpty(in.AllowedOAuthFlows),
		OAuthScopes:                nonEmpty(in.AllowedOAuthScopes),
		OAuthEnabled:               awsapi.Value(in.AllowedOAuthFlowsUserPoolClient),
	}
	if u := in.TokenValidityUnits; u != nil {
		set.Units = userpool.ValidityUnits{Access: awsapi.Value(u.AccessToken), ID: awsapi.Value(u.IdToken), Refresh: awsapi.Value(u.RefreshToken)}
	}
	if r := in.RefreshTokenRotation; r != nil {
		set.RotationChosen = true
		set.Rotation = userpool.Rotation{
			Enabled: awsapi.Value(r.Feature) == "ENABLED", Grace: time.Duration(awsapi.Value(r.RetryGracePeriodSeconds)) * time.Second,
		}
	}
	return set, nil
}

func nonEmpty(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return list
}

// userPoolClient is an app client as it is shown, with its secret.
func userPoolClient(c *userpool.Client) *userPoolClientType {
	out := &userPoolClientType{
		UserPoolId: &c.PoolID, ClientId: &c.ID, ClientName: &c.Name, ClientSecret: awsapi.Present(c.Secret().Reveal()),
		CreationDate: awsapi.NewTimestamp(c.CreatedAt), LastModifiedDate: awsapi.NewTimestamp(c.UpdatedAt),
		RefreshTokenValidity: &c.RefreshTokenValidity,
		AccessTokenValidity:  awsapi.Present(c.AccessTokenValidity),
		IdTokenValidity:      awsapi.Present(c.IDTokenValidity),
		TokenValidityUnits: &tokenValidityUnitsType{
			AccessToken: awsapi.Present(c.Units.Access), IdToken: awsapi.Present(c.Units.ID), RefreshToken: awsapi.Present(c.Units.Refresh),
		},
		ReadAttributes: c.ReadAttributes, WriteAttributes: c.WriteAttributes, ExplicitAuthFlows: c.ExplicitAuthFlows,
		SupportedIdentityProviders: c.SupportedIdentityProviders, CallbackURLs: c.CallbackURLs, LogoutURLs: c.LogoutURLs,
		DefaultRedirectURI: awsapi.Present(c.DefaultRedirectURI), AllowedOAuthFlows: c.OAuthFlows, AllowedOAuthScopes: c.OAuthScopes,
		AllowedOAuthFlowsUserPoolClient:          &c.OAuthEnabled,
		EnableTokenRevocation:                    &c.RevocationEnabled,
		EnablePropagateAdditionalUserContextData: new(false),
		AuthSessionValidity:                      &c.AuthSessionValidity,
	}
	if c.ExistenceErrorsChosen {
		out.PreventUserExistenceErrors = new("LEGACY")
		if c.PreventUserExistenceErrors {
			out.PreventUserExistenceErrors = new("ENABLED")
		}
	}
	if c.RotationChosen {
		out.RefreshTokenRotation = &refreshTokenRotationType{Feature: new("DISABLED")}
		if c.Rotation.Enabled {
			out.RefreshTokenRotation = &refreshTokenRotationType{
				Feature: new("ENABLED"), RetryGracePeriodSeconds: new(int32(c.Rotation.Grace / time.Second)),
			}
		}
	}
	return out
}
