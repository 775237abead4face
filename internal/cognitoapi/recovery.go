package cognitoapi

import (
	"context"

	"github.com/rockpoolhq/rockpool/internal/signin"
)

func (a *peopleAPI) forgotPassword(ctx context.Context, in *forgotPasswordRequest) (*forgotPasswordResponse, error) {
	d, err := a.signin.ForgotPassword(ctx, signin.ForgotInput{
		ClientID: text(in.ClientId), SecretHash: text(in.SecretHash), Username: text(in.Username), Caller: caller(ctx),
	})
	if err != nil {
		return nil, err
	}
	return &forgotPasswordResponse{CodeDeliveryDetails: deliveryDetails(d)}, nil
}

func (a *peopleAPI) confirmForgotPassword(ctx context.Context, in *confirmForgotPasswordRequest) (*confirmForgotPasswordResponse, error) {
	return nil, a.signin.ConfirmForgotPassword(ctx, signin.ConfirmForgotInput{
		ClientID: text(in.ClientId), SecretHash: text(in.SecretHash), Username: text(in.Username),
		Code: text(in.ConfirmationCode), Password: text(in.Password), Caller: caller(ctx),
	})
}
