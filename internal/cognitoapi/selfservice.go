package cognitoapi

import (
	"context"

	"github.com/rockpoolhq/rockpool/internal/awsapi"
)

func (a *peopleAPI) changePassword(ctx context.Context, in *changePasswordRequest) (*changePasswordResponse, error) {
	return nil, a.signin.ChangePassword(ctx, awsapi.Value(in.AccessToken), awsapi.Value(in.PreviousPassword), awsapi.Value(in.ProposedPassword), caller(ctx))
}

func (a *peopleAPI) updateUserAttributes(ctx context.Context, in *updateUserAttributesRequest) (*updateUserAttributesResponse, error) {
	changes, err := attributesIn(in.UserAttributes)
	if err != nil {
		return nil, err
	}
	sent, err := a.signin.UpdateUserAttributes(ctx, awsapi.Value(in.AccessToken), changes)
	if err != nil {
		return nil, err
	}
	out := &updateUserAttributesResponse{}
	for _, d := range sent {
		out.CodeDeliveryDetailsList = append(out.CodeDeliveryDetailsList, *deliveryDetails(d))
	}
	return out, nil
}

func (a *peopleAPI) deleteUserAttributes(ctx context.Context, in *deleteUserAttributesRequest) (*deleteUserAttributesResponse, error) {
	return nil, a.signin.DeleteUserAttributes(ctx, awsapi.Value(in.AccessToken), in.UserAttributeNames)
}

func (a *peopleAPI) getUserAttributeVerificationCode(ctx context.Context, in *getUserAttributeVerificationCodeRequest) (*getUserAttributeVerificationCodeResponse, error) {
	d, err := a.signin.GetUserAttributeVerificationCode(ctx, awsapi.Value(in.AccessToken), awsapi.Value(in.AttributeName), caller(ctx))
	if err != nil {
		return nil, err
	}
	return &getUserAttributeVerificationCodeResponse{CodeDeliveryDetails: deliveryDetails(d)}, nil
}

func (a *peopleAPI) verifyUserAttribute(ctx context.Context, in *verifyUserAttributeRequest) (*verifyUserAttributeResponse, error) {
	return nil, a.signin.VerifyUserAttribute(ctx, awsapi.Value(in.AccessToken), awsapi.Value(in.AttributeName), awsapi.Value(in.Code))
}

func (a *peopleAPI) deleteUser(ctx context.Context, in *deleteUserRequest) (*awsapi.Empty, error) {
	return nil, a.signin.DeleteUser(ctx, awsapi.Value(in.AccessToken))
}
