package cognitoapi

import (
	"context"

	"github.com/rockpoolhq/rockpool/internal/awsapi"
)

func (a *peopleAPI) adminConfirmSignUp(ctx context.Context, in *adminConfirmSignUpRequest) (*adminConfirmSignUpResponse, error) {
	return nil, a.signin.AdminConfirmSignUp(ctx, awsapi.Value(in.UserPoolId), awsapi.Value(in.Username))
}

func (a *peopleAPI) adminResetUserPassword(ctx context.Context, in *adminResetUserPasswordRequest) (*adminResetUserPasswordResponse, error) {
	return nil, a.signin.AdminResetUserPassword(ctx, awsapi.Value(in.UserPoolId), awsapi.Value(in.Username))
}

func (a *peopleAPI) adminUpdateUserAttributes(ctx context.Context, in *adminUpdateUserAttributesRequest) (*adminUpdateUserAttributesResponse, error) {
	changes, err := attributesIn(in.UserAttributes)
	if err != nil {
		return nil, err
	}
	return nil, a.signin.AdminUpdateUserAttributes(ctx, awsapi.Value(in.UserPoolId), awsapi.Value(in.Username), changes)
}
