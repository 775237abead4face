package cognitoapi

import (
	"context"

	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

func groupOperations(s *userpool.Service) []awsapi.Operation {
	a := &poolAPI{pools: s}
	return []awsapi.Operation{
		awsapi.Op("CreateGroup", a.createGroup),
		awsapi.Op("GetGroup", a.getGroup),
		awsapi.Op("UpdateGroup", a.updateGroup),
		awsapi.Op("DeleteGroup", a.deleteGroup),
		awsapi.Op("ListGroups", a.listGroups),
		awsapi.Op("AdminAddUserToGroup", a.adminAddUserToGroup),
		awsapi.Op("AdminRemoveUserFromGroup", a.adminRemoveUserFromGroup),
		awsapi.Op("AdminListGroupsForUser", a.adminListGroupsForUser),
		awsapi.Op("ListUsersInGroup", a.listUsersInGroup),
	}
}

func groupOut(g userpool.StoredGroup) *groupType {
	out := &groupType{
		GroupName: &g.Name, UserPoolId: &g.PoolID, Description: awsapi.Present(g.Description), RoleArn: awsapi.Present(g.RoleARN),
		CreationDate: awsapi.NewTimestamp(g.CreatedAt), LastModifiedDate: awsapi.NewTimestamp(g.UpdatedAt),
	}
	if g.Precedence != nil {
		out.Precedence = new(int32(*g.Precedence))
	}
	return out
}

func groupsOut(groups []userpool.StoredGroup) []groupType {
	out := make([]groupType, 0, len(groups))
	for _, g := range groups {
		out = append(out, *groupOut(g))
	}
	return out
}

func precedence(p *int32) *int64 {
	if p == nil {
		return nil
	}
	return new(int64(*p))
}

func (a *poolAPI) createGroup(ctx context.Context, in *createGroupRequest) (*createGroupResponse, error) {
	g, err := a.pools.CreateGroup(ctx, awsapi.Value(in.UserPoolId), userpool.Group{
		Name: awsapi.Value(in.GroupName), Description: in.Description, RoleARN: in.RoleArn, Precedence: precedence(in.Precedence),
	})
	if err != nil {
		return nil, err
	}
	return &createGroupResponse{Group: groupOut(g)}, nil
}

func (a *poolAPI) getGroup(ctx context.Context, in *getGroupRequest) (*getGroupResponse, error) {
	g, err := a.pools.Group(ctx, awsapi.Value(in.UserPoolId), awsapi.Value(in.GroupName))
	if err != nil {
		return nil, err
	}
	return &getGroupResponse{Group: groupOut(g)}, nil
}

func (a *poolAPI) updateGroup(ctx context.Context, in *updateGroupRequest) (*updateGroupResponse, error) {
	g, err := a.pools.UpdateGroup(ctx, awsapi.Value(in.UserPoolId), userpool.Group{
		Name: awsapi.Value(in.GroupName), Description: in.Description, RoleARN: in.RoleArn, Precedence: precedence(in.Precedence),
	})
	if err != nil {
		return nil, err
	}
	return &updateGroupResponse{Group: groupOut(g)}, nil
}

func (a *poolAPI) deleteGroup(ctx context.Context, in *deleteGroupRequest) (*awsapi.Empty, error) {
	return nil, a.pools.DeleteGroup(ctx, awsapi.Value(in.UserPoolId), awsapi.Value(in.GroupName))
}

func (a *poolAPI) listGroups(ctx context.Context, in *listGroupsRequest) (*listGroupsResponse, error) {
	groups, next, err := a.pools.ListGroups(ctx, awsapi.Value(in.UserPoolId), page(in.Limit, in.NextToken))
	if err != nil {
		return nil, err
	}
	return &listGroupsResponse{Groups: groupsOut(groups), NextToken: awsapi.Present(next)}, nil
}

func (a *poolAPI) adminAddUserToGroup(ctx context.Context, in *adminAddUserToGroupRequest) (*awsapi.Empty, error) {
	return nil, a.pools.AddToGroup(ctx, membership(in.UserPoolId, in.GroupName, in.Username))
}

func (a *poolAPI) adminRemoveUserFromGroup(ctx context.Context, in *adminRemoveUserFromGroupRequest) (*awsapi.Empty, error) {
	return nil, a.pools.RemoveFromGroup(ctx, membership(in.UserPoolId, in.GroupName, in.Username))
}

func membership(pool, group, username *string) userpool.Membership {
	return userpool.Membership{PoolID: awsapi.Value(pool), Group: awsapi.Value(group), Username: awsapi.Value(username)}
}

func (a *poolAPI) adminListGroupsForUser(ctx context.Context, in *adminListGroupsForUserRequest) (*adminListGroupsForUserResponse, error) {
	groups, next, err := a.pools.UserGroups(ctx, awsapi.Value(in.UserPoolId), awsapi.Value(in.Username), page(in.Limit, in.NextToken))
	if err != nil {
		return nil, err
	}
	return &adminListGroupsForUserResponse{Groups: groupsOut(groups), NextToken: awsapi.Present(next)}, nil
}

func (a *poolAPI) listUsersInGroup(ctx context.Context, in *listUsersInGroupRequest) (*listUsersInGroupResponse, error) {
	users, next, err := a.pools.GroupMembers(ctx, awsapi.Value(in.UserPoolId), awsapi.Value(in.GroupName), page(in.Limit, in.NextToken))
	if err != nil {
		return nil, err
	}
	out := &listUsersInGroupResponse{Users: []userType{}, NextToken: awsapi.Present(next)}
	for _, u := range users {
		out.Users = append(out.Users, userOut(u, nil))
	}
	return out, nil
}
