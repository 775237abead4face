package cognitoapi

import (
	"slices"

	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/signin"
	"github.com/rockpoolhq/rockpool/internal/userpool"
)

// Deps is what the operations work on. Both are needed.
type Deps struct {
	Pools  *userpool.Service
	SignIn *signin.Service
}

// Operations returns every operation of cognito-idp that is built.
func Operations(d Deps) []awsapi.Operation {
	return slices.Concat(
		poolOperations(d.Pools),
		clientOperations(d.Pools),
		userOperations(d.Pools),
		groupOperations(d.Pools),
		authOperations(d.SignIn),
		peopleOperations(d.SignIn),
	)
}
