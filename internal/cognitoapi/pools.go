package cognitoapi

import (
	"context"

	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

// poolAPI is the operations on what an administrator owns: pools, app clients,
// users and groups.
type poolAPI struct{ pools *userpool.Service }

func poolOperations(s *userpool.Service) []awsapi.Operation {
	a := &poolAPI{pools: s}
	return []awsapi.Operation{
		awsapi.Op("CreateUserPool", a.createUserPool),
		awsapi.Op("DescribeUserPool", a.describeUserPool),
		awsapi.Op("UpdateUserPool", a.updateUserPool),
		awsapi.Op("DeleteUserPool", a.deleteUserPool),
		awsapi.Op("ListUserPools", a.listUserPools),
		awsapi.Op("AddCustomAttributes", a.addCustomAttributes),
	}
}

func (a *poolAPI) createUserPool(ctx context.Context, in *createUserPoolRequest) (*createUserPoolResponse, error) {
	settings, err := poolSettings(in)
	if err != nil {
		return nil, err
	}
	p, err := a.pools.CreatePool(ctx, userpool.NewPool{
		Region: awsapi.RequestFrom(ctx).Region, Name: awsapi.Value(in.PoolName), Settings: settings,
	})
	if err != nil {
		return nil, err
	}
	return &createUserPoolResponse{UserPool: userPool(p, 0)}, nil
}

func (a *poolAPI) describeUserPool(ctx context.Context, in *describeUserPoolRequest) (*describeUserPoolResponse, error) {
	p, err := a.pools.Pool(ctx, awsapi.Value(in.UserPoolId))
	if err != nil {
		return nil, err
	}
	users, err := a.pools.EstimateUsers(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	return &describeUserPoolResponse{UserPool: userPool(p, users)}, nil
}

func (a *poolAPI) updateUserPool(ctx context.Context, in *updateUserPoolRequest) (*updateUserPoolResponse, error) {
	// The settings of an update are those of a creation, without what can only
	// be chosen once.
	settings, err := poolSettings(&createUserPoolRequest{
		Policies: in.Policies, DeletionProtection: in.DeletionProtection, LambdaConfig: in.LambdaConfig,
		AutoVerifiedAttributes: in.AutoVerifiedAttributes, SmsVerificationMessage: in.SmsVerificationMessage,
		EmailVerificationMessage: in.EmailVerificationMessage, EmailVerificationSubject: in.EmailVerificationSubject,
		VerificationMessageTemplate: in.VerificationMessageTemplate, SmsAuthenticationMessage: in.SmsAuthenticationMessage,
		UserAttributeUpdateSettings: in.UserAttributeUpdateSettings, MfaConfiguration: in.MfaConfiguration,
		DeviceConfiguration: in.DeviceConfiguration, EmailConfiguration: in.EmailConfiguration,
		SmsConfiguration: in.SmsConfiguration, UserPoolTags: in.UserPoolTags, AdminCreateUserConfig: in.AdminCreateUserConfig,
		UserPoolAddOns: in.UserPoolAddOns, AccountRecoverySetting: in.AccountRecoverySetting, UserPoolTier: in.UserPoolTier,
		KeyConfiguration: in.KeyConfiguration, IssuerConfiguration: in.IssuerConfiguration,
		DcrConfiguration: in.DcrConfiguration, AcrConfiguration: in.AcrConfiguration,
	})
	if err != nil {
		return nil, err
	}
	_, err = a.pools.UpdatePool(ctx, awsapi.Value(in.UserPoolId), awsapi.Value(in.PoolName), settings)
	return nil, err
}

func (a *poolAPI) deleteUserPool(ctx context.Context, in *deleteUserPoolRequest) (*awsapi.Empty, error) {
	return nil, a.pools.DeletePool(ctx, awsapi.Value(in.UserPoolId))
}

func (a *poolAPI) listUserPools(ctx context.Context, in *listUserPoolsRequest) (*listUserPoolsResponse, error) {
	pools, next, err := a.pools.ListPools(ctx, page(in.MaxResults, in.NextToken))
	if err != nil {
		return nil, err
	}
	out := &listUserPoolsResponse{UserPools: []userPoolDescriptionType{}, NextToken: awsapi.Present(next)}
	for _, p := range pools {
		out.UserPools = append(out.UserPools, userPoolDescriptionType{
			Id: &p.ID, Name: &p.Name, LambdaConfig: lambdaConfig(p),
			CreationDate: awsapi.NewTimestamp(p.CreatedAt), LastModifiedDate: awsapi.NewTimestamp(p.UpdatedAt),
		})
	}
	return out, nil
}

func (a *poolAPI) addCustomAttributes(ctx context.Context, in *addCustomAttributesRequest) (*addCustomAttributesResponse, error) {
	return nil, a.pools.AddAttributes(ctx, awsapi.Value(in.UserPoolId), schema(in.CustomAttributes))
}

func page(limit *int32, token *string) userpool.Page {
	return userpool.Page{Limit: int(awsapi.Value(limit)), Token: awsapi.Value(token)}
}
