package lambdaapi

import (
	"context"

	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/function"
)

// Deps is what the operations need.
type Deps struct {
	// Object reads a deployment package from a bucket of this server, with the
	// rights of who asks. Nil: there are no buckets.
	Object    func(ctx context.Context, bucket, key, version string) ([]byte, error)
	Functions *function.Service
	// CodeURL returns an address from which a function's deployment package
	// can be fetched for a while, for GetFunction.
	CodeURL func(f arn.Function) string
	// Engine says what runs functions of a runtime on this machine, for
	// example "node-v20.20.2" or "quickjs".
	Engine func(runtime string) string
}

type api struct{ Deps }

// Operations returns the Lambda operations that are built.
func Operations(d Deps) []awsapi.Operation {
	a := &api{d}
	return []awsapi.Operation{
		awsapi.Op("CreateFunction", a.createFunction),
		awsapi.Op("GetFunction", a.getFunction),
		awsapi.Op("GetFunctionConfiguration", a.getFunctionConfiguration),
		awsapi.Op("UpdateFunctionCode", a.updateFunctionCode),
		awsapi.Op("UpdateFunctionConfiguration", a.updateFunctionConfiguration),
		awsapi.Op("DeleteFunction", a.deleteFunction),
		awsapi.Op("ListFunctions", a.listFunctions),
		awsapi.Op("Invoke", a.invoke),
		awsapi.Op("AddPermission", a.addPermission),
		awsapi.Op("RemovePermission", a.removePermission),
		awsapi.Op("GetPolicy", a.getPolicy),
		awsapi.Op("PublishVersion", a.publishVersion),
		awsapi.Op("ListVersionsByFunction", a.listVersionsByFunction),
		awsapi.Op("CreateAlias", a.createAlias),
		awsapi.Op("GetAlias", a.getAlias),
		awsapi.Op("UpdateAlias", a.updateAlias),
		awsapi.Op("DeleteAlias", a.deleteAlias),
		awsapi.Op("ListAliases", a.listAliases),
		awsapi.Op("TagResource", a.tagResource),
		awsapi.Op("UntagResource", a.untagResource),
		awsapi.Op("ListTags", a.listTags),
	}
}

// ref reads a function's name in any of its spellings. A qualifier given apart
// must agree with one in the name.
func ref(ctx context.Context, name, qualifier *string) (arn.Function, error) {
	r := awsapi.RequestFrom(ctx)
	f, err := arn.ParseFunction(awsapi.Value(name), r.Region, r.Account)
	if err != nil {
		return arn.Function{}, invalid("Function name %q is neither a name nor an ARN of a function.", awsapi.Value(name)).Because(err)
	}
	if q := awsapi.Value(qualifier); q != "" {
		if f.Qualifier != "" && f.Qualifier != q {
			return arn.Function{}, invalid("The derived qualifier from the function name does not match the specified qualifier.")
		}
		f.Qualifier = q
	}
	return f, nil
}

// unqualified is ref for operations on a function as a whole.
func unqualified(ctx context.Context, name *string) (arn.Function, error) {
	f, err := ref(ctx, name, nil)
	if err != nil {
		return arn.Function{}, err
	}
	if f.Qualifier != "" && f.Qualifier != function.Latest {
		return arn.Function{}, invalid("This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.")
	}
	f.Qualifier = ""
	return f, nil
}

// whole converts an optional number.
func whole(p *int32) *int {
	if p == nil {
		return nil
	}
	return new(int(*p))
}
