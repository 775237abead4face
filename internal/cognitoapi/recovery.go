package cognitoapi

import (
	"context"

	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/signin"
)

func (a *peopleAPI) forgotPassword(ctx context.Context, in *forgotPasswordRequest) (*forgotPasswordResponse, error) {
	d, err := a.signin.ForgotPassword(ctx, signin.ForgotInput{
		ClientID: awsapi.Value(in.ClientId), SecretHash: awsapi.Value(in.SecretHash), Username: awsapi.Value(in.Username), Caller: caller(ctx),
	})
	if err != nil {
		return nil, err
	}
	return &forgotPasswordResponse{CodeDeliveryDetails: deliveryDetails(d)}, nil
}

func (a *peopleAPI) confirmForgotPassword(ctx context.Context, in *confirmForgotPasswordRequest) (*confirmForgotPasswordResponse, error) {
	return nil, a.signin.ConfirmForgotPassword(ctx, signin.ConfirmForgotInput{
		ClientID: awsapi.Value(in.ClientId), SecretHash: awsapi.Value(in.SecretHash), Username: awsapi.Value(in.Username),
		Code: awsapi.Value(in.ConfirmationCode), Password: awsapi.Value(in.Password), Caller: caller(ctx),
	})
}
