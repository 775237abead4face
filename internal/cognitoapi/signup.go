package cognitoapi

import (
	"context"

	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/signin"
)

// peopleAPI is what people do with their own accounts, and administrators for
// them: sign-up, recovery, own attributes and passwords.
//
// ClientMetadata, ValidationData, UserContextData and AnalyticsMetadata are for
// triggers and services that no pool can have yet, so they are accepted and
// dropped.
type peopleAPI struct{ signin *signin.Service }

// peopleOperations are the operations of signup.go, recovery.go,
// selfservice.go and adminusers.go.
func peopleOperations(s *signin.Service) []awsapi.Operation {
	a := &peopleAPI{signin: s}
	return []awsapi.Operation{
		awsapi.Op("SignUp", a.signUp),
		awsapi.Op("ConfirmSignUp", a.confirmSignUp),
		awsapi.Op("ResendConfirmationCode", a.resendConfirmationCode),

		awsapi.Op("ForgotPassword", a.forgotPassword),
		awsapi.Op("ConfirmForgotPassword", a.confirmForgotPassword),

		awsapi.Op("ChangePassword", a.changePassword),
		awsapi.Op("UpdateUserAttributes", a.updateUserAttributes),
		awsapi.Op("DeleteUserAttributes", a.deleteUserAttributes),
		awsapi.Op("GetUserAttributeVerificationCode", a.getUserAttributeVerificationCode),
		awsapi.Op("VerifyUserAttribute", a.verifyUserAttribute),
		awsapi.Op("DeleteUser", a.deleteUser),

		awsapi.Op("AdminConfirmSignUp", a.adminConfirmSignUp),
		awsapi.Op("AdminResetUserPassword", a.adminResetUserPassword),
		awsapi.Op("AdminUpdateUserAttributes", a.adminUpdateUserAttributes),
	}
}

func (a *peopleAPI) signUp(ctx context.Context, in *signUpRequest) (*signUpResponse, error) {
	attributes, err := attributesIn(in.UserAttributes)
	if err != nil {
		return nil, err
	}
	r, err := a.signin.SignUp(ctx, signin.SignUpInput{
		ClientID: awsapi.Value(in.ClientId), SecretHash: awsapi.Value(in.SecretHash), Username: awsapi.Value(in.Username),
		Password: awsapi.Value(in.Password), Attributes: attributes, Caller: caller(ctx),
	})
	if err != nil {
		return nil, err
	}
	out := &signUpResponse{UserConfirmed: &r.Confirmed, UserSub: &r.Sub}
	if r.Delivery != nil {
		out.CodeDeliveryDetails = deliveryDetails(*r.Delivery)
	}
	return out, nil
}

func (a *peopleAPI) confirmSignUp(ctx context.Context, in *confirmSignUpRequest) (*confirmSignUpResponse, error) {
	return nil, a.signin.ConfirmSignUp(ctx, signin.ConfirmSignUpInput{
		ClientID: awsapi.Value(in.ClientId), SecretHash: awsapi.Value(in.SecretHash), Username: awsapi.Value(in.Username),
		Code: awsapi.Value(in.ConfirmationCode), ForceAlias: awsapi.Value(in.ForceAliasCreation),
		Caller: caller(ctx),
	})
}

func (a *peopleAPI) resendConfirmationCode(ctx context.Context, in *resendConfirmationCodeRequest) (*resendConfirmationCodeResponse, error) {
	d, err := a.signin.ResendConfirmationCode(ctx, signin.ResendInput{
		ClientID: awsapi.Value(in.ClientId), SecretHash: awsapi.Value(in.SecretHash), Username: awsapi.Value(in.Username), Caller: caller(ctx),
	})
	if err != nil {
		return nil, err
	}
	return &resendConfirmationCodeResponse{CodeDeliveryDetails: deliveryDetails(d)}, nil
}

func deliveryDetails(d signin.Delivery) *codeDeliveryDetailsType {
	return &codeDeliveryDetailsType{Destination: &d.Destination, DeliveryMedium: &d.Medium, AttributeName: &d.Attribute}
}
