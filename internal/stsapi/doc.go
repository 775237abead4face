// Package stsapi is the Security Token Service, as far as tools ask it: who am
// I.
package stsapi

import (
	"context"

	"github.com/rockpoolhq/rockpool/internal/awsapi"
)

// Operations returns what is built.
func Operations() []awsapi.Operation {
	return []awsapi.Operation{awsapi.Op("GetCallerIdentity", getCallerIdentity)}
}

func getCallerIdentity(ctx context.Context, _ *getCallerIdentityRequest) (*getCallerIdentityResponse, error) {
	r := awsapi.RequestFrom(ctx)
	id := r.AccessKeyID
	if r.Principal.Root {
		id = r.Account
	}
	return &getCallerIdentityResponse{UserId: &id, Account: &r.Account, Arn: &r.Principal.ARN}, nil
}
