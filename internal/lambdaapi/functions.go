package lambdaapi

import (
	"context"
	"encoding/base64"
	"errors"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/function"
)

func (a *api) createFunction(ctx context.Context, in *createFunctionRequest) (*functionConfiguration, error) {
	f, err := unqualified(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	if err := refuseCreate(in); err != nil {
		return nil, err
	}
	d := function.Deployment{
		Region: f.Region, Name: f.Name,
		Runtime: awsapi.Value(in.Runtime), Handler: awsapi.Value(in.Handler), Role: awsapi.Value(in.Role), Description: awsapi.Value(in.Description),
		Timeout: whole(in.Timeout), MemoryMB: whole(in.MemorySize), Architecture: one(in.Architectures),
		Tags: in.Tags, Publish: awsapi.Value(in.Publish),
	}
	if c := in.Code; c != nil {
		if d.Package, err = a.pack(ctx, c.ZipFile, c.S3Bucket, c.S3Key, c.S3ObjectVersion); err != nil {
			return nil, err
		}
	}
	if in.Environment != nil {
		d.Env = in.Environment.Variables
	}
	if in.EphemeralStorage != nil {
		d.TmpMB = whole(in.EphemeralStorage.Size)
	}
	created, err := a.Functions.Create(ctx, d)
	if err != nil {
		return nil, err
	}
	return a.configuration(created), nil
}

// pack returns a deployment package: what came with the request, or the object
// that it names.
func (a *api) pack(ctx context.Context, zip []byte, bucket, key, version *string) ([]byte, error) {
	switch {
	case bucket == nil && key == nil && version == nil:
		return zip, nil
	case zip != nil:
		return nil, invalid("Please do not provide other FunctionCode parameters when providing a ZipFile.")
	case awsapi.Value(bucket) == "" || awsapi.Value(key) == "":
		return nil, invalid("S3Bucket and S3Key are needed together.")
	case a.Object == nil:
		return nil, refuse(unsupported{"S3Bucket", true})
	}
	data, err := a.Object(ctx, *bucket, *key, awsapi.Value(version))
	if e, ok := errors.AsType[*apierr.Error](err); ok {
		return nil, invalid("Error occurred while GetObject. S3 Error Code: %s. S3 Error Message: %s", e.Code, e.Message)
	}
	return data, err
}

func one(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

func (a *api) getFunction(ctx context.Context, in *getFunctionRequest) (*getFunctionResponse, error) {
	f, err := ref(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	got, err := a.Functions.Get(ctx, f)
	if err != nil {
		return nil, err
	}
	return &getFunctionResponse{
		Configuration: a.configuration(got),
		Code:          &functionCodeLocation{RepositoryType: new("S3"), Location: new(a.CodeURL(f))},
		Tags:          got.Tags,
	}, nil
}

func (a *api) getFunctionConfiguration(ctx context.Context, in *getFunctionConfigurationRequest) (*functionConfiguration, error) {
	f, err := ref(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	got, err := a.Functions.Get(ctx, f)
	if err != nil {
		return nil, err
	}
	return a.configuration(got), nil
}

func (a *api) updateFunctionCode(ctx context.Context, in *updateFunctionCodeRequest) (*functionConfiguration, error) {
	f, err := unqualified(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	if err := refuseCodeUpdate(in); err != nil {
		return nil, err
	}
	pack, err := a.pack(ctx, in.ZipFile, in.S3Bucket, in.S3Key, in.S3ObjectVersion)
	if err != nil {
		return nil, err
	}
	changed, err := a.Functions.UpdateCode(ctx, f, function.CodeUpdate{
		Package: pack, Architecture: one(in.Architectures),
		Publish: awsapi.Value(in.Publish), DryRun: awsapi.Value(in.DryRun), RevisionID: awsapi.Value(in.RevisionId),
	})
	if err != nil {
		return nil, err
	}
	return a.configuration(changed), nil
}

func (a *api) updateFunctionConfiguration(ctx context.Context, in *updateFunctionConfigurationRequest) (*functionConfiguration, error) {
	f, err := unqualified(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	if err := refuseUpdate(in); err != nil {
		return nil, err
	}
	u := function.ConfigurationUpdate{
		Runtime: in.Runtime, Handler: in.Handler, Role: in.Role, Description: in.Description,
		Timeout: whole(in.Timeout), MemoryMB: whole(in.MemorySize), RevisionID: awsapi.Value(in.RevisionId),
	}
	if in.EphemeralStorage != nil {
		u.TmpMB = whole(in.EphemeralStorage.Size)
	}
	if in.Environment != nil {
		if u.Env = in.Environment.Variables; u.Env == nil {
			u.Env = map[string]string{} // an empty Environment removes all variables
		}
	}
	changed, err := a.Functions.UpdateConfiguration(ctx, f, u)
	if err != nil {
		return nil, err
	}
	return a.configuration(changed), nil
}

func (a *api) deleteFunction(ctx context.Context, in *deleteFunctionRequest) (*deleteFunctionResponse, error) {
	f, err := ref(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if err := a.Functions.Delete(ctx, f); err != nil {
		return nil, err
	}
	return &deleteFunctionResponse{StatusCode: new(int32(204))}, nil
}

func (a *api) listFunctions(ctx context.Context, in *listFunctionsRequest) (*listFunctionsResponse, error) {
	if awsapi.Value(in.MasterRegion) != "" {
		return nil, refuse(unsupported{"MasterRegion", true})
	}
	page, err := pageOf(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	list, next, err := a.Functions.List(ctx, awsapi.RequestFrom(ctx).Region, page)
	if err != nil {
		return nil, err
	}
	out := &listFunctionsResponse{NextMarker: marker(next), Functions: []functionConfiguration{}}
	for _, f := range list {
		if awsapi.Value(in.FunctionVersion) != "ALL" {
			out.Functions = append(out.Functions, *a.configuration(f))
			continue
		}
		versions, err := a.allVersions(ctx, f.Function)
		if err != nil {
			return nil, err
		}
		out.Functions = append(out.Functions, versions...)
	}
	return out, nil
}

func (a *api) getPolicy(ctx context.Context, in *getPolicyRequest) (*getPolicyResponse, error) {
	f, err := ref(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	policy, revision, err := a.Functions.Policy(ctx, f)
	if err != nil {
		return nil, err
	}
	return &getPolicyResponse{Policy: &policy, RevisionId: &revision}, nil
}

func (a *api) addPermission(ctx context.Context, in *addPermissionRequest) (*addPermissionResponse, error) {
	f, err := ref(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if err := refusePermission(in); err != nil {
		return nil, err
	}
	st := function.Statement{
		ID: awsapi.Value(in.StatementId), Principal: awsapi.Value(in.Principal), Action: awsapi.Value(in.Action),
		SourceARN: awsapi.Value(in.SourceArn), SourceAccount: awsapi.Value(in.SourceAccount),
	}
	if err := a.Functions.AddPermission(ctx, f, st, awsapi.Value(in.RevisionId)); err != nil {
		return nil, err
	}
	return &addPermissionResponse{Statement: new(a.Functions.MarshalStatement(f, st))}, nil
}

func (a *api) removePermission(ctx context.Context, in *removePermissionRequest) (*awsapi.Empty, error) {
	f, err := ref(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	return nil, a.Functions.RemovePermission(ctx, f, awsapi.Value(in.StatementId), awsapi.Value(in.RevisionId))
}

// configuration is a function as the API describes it.
func (a *api) configuration(f function.Function) *functionConfiguration {
	c := &functionConfiguration{
		FunctionName:     &f.Name,
		FunctionArn:      new(f.Function.String()),
		Runtime:          &f.Runtime,
		Role:             &f.Role,
		Handler:          awsapi.Present(f.Handler),
		CodeSize:         &f.CodeSize,
		Description:      &f.Description,
		Timeout:          new(int32(f.TimeoutSeconds)),
		MemorySize:       new(int32(f.MemoryMB)),
		LastModified:     new(f.LastModified.UTC().Format(modifiedFormat)),
		CodeSha256:       &f.CodeSHA256,
		Version:          &f.Version,
		TracingConfig:    &tracingConfigResponse{Mode: new("PassThrough")},
		RevisionId:       &f.RevisionID,
		State:            new("Active"),
		LastUpdateStatus: new("Successful"),
		PackageType:      new("Zip"),
		Architectures:    f.Architectures,
		EphemeralStorage: &ephemeralStorage{Size: new(int32(f.TmpMB))},
		SnapStart:        &snapStartResponse{ApplyOn: new("None"), OptimizationStatus: new("Off")},
		LoggingConfig:    &loggingConfig{LogFormat: new("Text"), LogGroup: new("/aws/lambda/" + f.Name)},
	}
	if len(f.Env) > 0 {
		c.Environment = &environmentResponse{Variables: f.Env}
	}
	if engine := a.Engine(f.Runtime); engine != "" {
		// Lambda names the build of the runtime here; we name what runs it.
		runtime := arn.ARN{Service: "lambda", Region: f.Region, Resource: "runtime:" + engine}
		c.RuntimeVersionConfig = &runtimeVersionConfig{RuntimeVersionArn: new(runtime.String())}
	}
	return c
}

// modifiedFormat is how Lambda writes LastModified: not the protocol's
// timestamp but text with a numeric zone.
const modifiedFormat = "2006-01-02T15:04:05.000-0700"

// maxPage is how many items a page of a list has at most.
const maxPage = 50

func pageOf(after *string, maxItems *int32) (function.Page, error) {
	page := function.Page{Limit: maxPage}
	if n := int(awsapi.Value(maxItems)); n > 0 {
		page.Limit = min(n, maxPage)
	}
	if awsapi.Value(after) != "" {
		cursor, err := base64.RawURLEncoding.DecodeString(*after)
		if err != nil || len(cursor) == 0 {
			return function.Page{}, invalid("Invalid Marker: %.100q", *after)
		}
		page.After = string(cursor)
	}
	return page, nil
}

func marker(next string) *string {
	if next == "" {
		return nil
	}
	return new(base64.RawURLEncoding.EncodeToString([]byte(next)))
}
