package cognitoapi

import (
	"context"

	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/signin"
)

func (a *authAPI) getTokensFromRefreshToken(ctx context.Context, in *getTokensFromRefreshTokenRequest) (*getTokensFromRefreshTokenResponse, error) {
	// DeviceKey is not looked at: no user has a device to be bound to.
	t, err := a.signin.RefreshTokens(ctx, signin.RefreshInput{
		RefreshToken: awsapi.Value(in.RefreshToken), ClientID: awsapi.Value(in.ClientId), ClientSecret: awsapi.Value(in.ClientSecret),
		ClientMetadata: in.ClientMetadata, Caller: caller(ctx),
	})
	if err != nil {
		return nil, err
	}
	return &getTokensFromRefreshTokenResponse{AuthenticationResult: tokens(t)}, nil
}

func (a *authAPI) revokeToken(ctx context.Context, in *revokeTokenRequest) (*revokeTokenResponse, error) {
	return nil, a.signin.RevokeToken(ctx, signin.RevokeInput{
		Token: awsapi.Value(in.Token), ClientID: awsapi.Value(in.ClientId), ClientSecret: awsapi.Value(in.ClientSecret),
		LinkedSessions: awsapi.Value(in.RevokeAssociatedSessions) == "LINKED",
	})
}

func (a *authAPI) globalSignOut(ctx context.Context, in *globalSignOutRequest) (*globalSignOutResponse, error) {
	return nil, a.signin.GlobalSignOut(ctx, awsapi.Value(in.AccessToken))
}

func (a *authAPI) adminUserGlobalSignOut(ctx context.Context, in *adminUserGlobalSignOutRequest) (*adminUserGlobalSignOutResponse, error) {
	return nil, a.signin.AdminUserGlobalSignOut(ctx, awsapi.Value(in.UserPoolId), awsapi.Value(in.Username))
}

func (a *authAPI) getUser(ctx context.Context, in *getUserRequest) (*getUserResponse, error) {
	p, err := a.signin.GetUser(ctx, awsapi.Value(in.AccessToken))
	if err != nil {
		return nil, err
	}
	out := &getUserResponse{Username: &p.Username}
	for _, at := range p.Attributes {
		out.UserAttributes = append(out.UserAttributes, attributeType{Name: new(at.Name), Value: new(at.Value)})
	}
	return out, nil
}
