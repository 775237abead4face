package cognitoapi

import (
	"context"
	"maps"
	"slices"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

func userOperations(s *userpool.Service) []awsapi.Operation {
	a := &poolAPI{pools: s}
	return []awsapi.Operation{
		awsapi.Op("AdminCreateUser", a.adminCreateUser),
		awsapi.Op("AdminGetUser", a.adminGetUser),
		awsapi.Op("AdminSetUserPassword", a.adminSetUserPassword),
		awsapi.Op("AdminDeleteUser", a.adminDeleteUser),
		awsapi.Op("AdminEnableUser", a.adminEnableUser),
		awsapi.Op("AdminDisableUser", a.adminDisableUser),
		awsapi.Op("AdminDeleteUserAttributes", a.adminDeleteUserAttributes),
		awsapi.Op("ListUsers", a.listUsers),
	}
}

// attributesIn maps a list of attributes. A name that is given twice would let
// one value pass a check that the other is stored by, so it is refused.
func attributesIn(list []attributeType) (map[string]string, error) {
	m := make(map[string]string, len(list))
	for _, a := range list {
		n := awsapi.Value(a.Name)
		if _, twice := m[n]; twice {
			return nil, apierr.Newf(apierr.InvalidParameter, "Attribute %s is given more than once.", n)
		}
		m[n] = awsapi.Value(a.Value)
	}
	return m, nil
}

// attributesOut lists a user's attributes: sub first, unless names says which
// ones are wanted and it is not among them, then the others by name.
func attributesOut(u userpool.User, names []string) []attributeType {
	out := []attributeType{}
	if names == nil || slices.Contains(names, "sub") {
		out = append(out, attributeType{Name: new("sub"), Value: &u.Sub})
	}
	for _, n := range slices.Sorted(maps.Keys(u.Attributes)) {
		out = append(out, attributeType{Name: &n, Value: new(u.Attributes[n])})
	}
	return out
}

func userOut(u userpool.User, names []string) userType {
	return userType{
		Username: &u.Username, Attributes: attributesOut(u, names), Enabled: &u.Enabled, UserStatus: &u.Status,
		UserCreateDate: awsapi.NewTimestamp(u.CreatedAt), UserLastModifiedDate: awsapi.NewTimestamp(u.UpdatedAt),
	}
}

func (a *poolAPI) adminCreateUser(ctx context.Context, in *adminCreateUserRequest) (*adminCreateUserResponse, error) {
	attributes, err := attributesIn(in.UserAttributes)
	if err != nil {
		return nil, err
	}
	// ValidationData and ClientMetadata are for triggers that are not built;
	// Cognito keeps neither.
	user := userpool.NewUser{
		Username: awsapi.Value(in.Username), Attributes: attributes, TemporaryPassword: awsapi.Value(in.TemporaryPassword),
		ForceAlias: awsapi.Value(in.ForceAliasCreation), Suppress: awsapi.Value(in.MessageAction) == "SUPPRESS", Media: nonEmpty(in.DesiredDeliveryMediums),
	}
	create := a.pools.CreateUser
	if awsapi.Value(in.MessageAction) == "RESEND" {
		create = a.pools.ResendInvitation
	}
	u, err := create(ctx, awsapi.Value(in.UserPoolId), user)
	if err != nil {
		return nil, err
	}
	return &adminCreateUserResponse{User: new(userOut(u, nil))}, nil
}

func (a *poolAPI) adminGetUser(ctx context.Context, in *adminGetUserRequest) (*adminGetUserResponse, error) {
	_, u, err := a.pools.User(ctx, awsapi.Value(in.UserPoolId), awsapi.Value(in.Username))
	if err != nil {
		return nil, err
	}
	return &adminGetUserResponse{
		Username: &u.Username, UserAttributes: attributesOut(u, nil), Enabled: &u.Enabled, UserStatus: &u.Status,
		UserCreateDate: awsapi.NewTimestamp(u.CreatedAt), UserLastModifiedDate: awsapi.NewTimestamp(u.UpdatedAt),
	}, nil
}

func (a *poolAPI) adminSetUserPassword(ctx context.Context, in *adminSetUserPasswordRequest) (*adminSetUserPasswordResponse, error) {
	return nil, a.pools.AdminSetPassword(ctx, userpool.PasswordChange{
		PoolID: awsapi.Value(in.UserPoolId), Username: awsapi.Value(in.Username), Password: awsapi.Value(in.Password), Permanent: awsapi.Value(in.Permanent),
	})
}

func (a *poolAPI) adminDeleteUser(ctx context.Context, in *adminDeleteUserRequest) (*awsapi.Empty, error) {
	return nil, a.pools.DeleteUser(ctx, awsapi.Value(in.UserPoolId), awsapi.Value(in.Username))
}

func (a *poolAPI) adminEnableUser(ctx context.Context, in *adminEnableUserRequest) (*adminEnableUserResponse, error) {
	return nil, a.pools.SetEnabled(ctx, awsapi.Value(in.UserPoolId), awsapi.Value(in.Username), true)
}

func (a *poolAPI) adminDisableUser(ctx context.Context, in *adminDisableUserRequest) (*adminDisableUserResponse, error) {
	return nil, a.pools.SetEnabled(ctx, awsapi.Value(in.UserPoolId), awsapi.Value(in.Username), false)
}

func (a *poolAPI) adminDeleteUserAttributes(ctx context.Context, in *adminDeleteUserAttributesRequest) (*adminDeleteUserAttributesResponse, error) {
	return nil, a.pools.DeleteAttributes(ctx, awsapi.Value(in.UserPoolId), awsapi.Value(in.Username), in.UserAttributeNames)
}

func (a *poolAPI) listUsers(ctx context.Context, in *listUsersRequest) (*listUsersResponse, error) {
	users, next, err := a.pools.ListUsers(ctx, awsapi.Value(in.UserPoolId), userpool.ListUsers{
		Filter: awsapi.Value(in.Filter), Attributes: nonEmpty(in.AttributesToGet), Page: page(in.Limit, in.PaginationToken),
	})
	if err != nil {
		return nil, err
	}
	out := &listUsersResponse{Users: []userType{}, PaginationToken: awsapi.Present(next)}
	for _, u := range users {
		out.Users = append(out.Users, userOut(u, nonEmpty(in.AttributesToGet)))
	}
	return out, nil
}
