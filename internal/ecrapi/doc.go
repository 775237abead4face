// Package ecrapi is the image registry's API, as far as tools ask whether there
// is an image to take away: there is no registry here, and so never one.
package ecrapi

import (
	"context"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
)

// Operations returns what is built.
func Operations() []awsapi.Operation {
	return []awsapi.Operation{awsapi.Op("DescribeRepositories", describeRepositories)}
}

func describeRepositories(ctx context.Context, in *describeRepositoriesRequest) (*describeRepositoriesResponse, error) {
	if len(in.RepositoryNames) > 0 {
		return nil, apierr.Newf("RepositoryNotFoundException", "The repository with name '%s' does not exist in the registry with id '%s'", in.RepositoryNames[0], awsapi.RequestFrom(ctx).Account)
	}
	return &describeRepositoriesResponse{Repositories: []repository{}}, nil
}
