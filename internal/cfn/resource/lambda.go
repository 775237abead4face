//lint:file-ignore ST1005 The texts are CloudFormation's, or read like them.

package resource

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/rockpoolhq/rockpool/internal/apierr"
)

const lambda = "lambda"

var lambdaTypes = []*Type{
	&Type{
		Name:       "AWS::Lambda::Function",
		Attributes: []string{"Arn"},
		schema: parseSchema(`
				FunctionName^ Code!{ ZipFile S3Bucket S3Key S3ObjectVersion S3ObjectStorageMode- ImageUri- SourceKMSKeyArn- } Handler Runtime Role! Description
				Timeout:int MemorySize:int Environment{ Variables:map } Architectures:[] Layers-:[] PackageType^ KmsKeyArn- CodeSigningConfigArn-
				Tags:[]{ Key! Value } TracingConfig{ Mode } DeadLetterConfig{ TargetArn } ReservedConcurrentExecutions-:int
				VpcConfig{ SecurityGroupIds:[] SubnetIds:[] Ipv6AllowedForDualStack:bool } EphemeralStorage{ Size!:int }
				FileSystemConfigs-:[]{ Arn! LocalMountPath! S3FilesConfig{ DirectS3Read } } ImageConfig-{ Command:[] EntryPoint:[] WorkingDirectory }
				LoggingConfig{ LogFormat LogGroup ApplicationLogLevel SystemLogLevel } SnapStart{ ApplyOn! }
				RuntimeManagementConfig{ UpdateRuntimeOn! RuntimeVersionArn } RecursiveLoop PublishToLatestPublished-:bool
				TenancyConfig^-{ TenantIsolationMode! } FunctionScalingConfig-{ MinExecutionEnvironments:int MaxExecutionEnvironments:int }
				DurableConfig-{ ExecutionTimeout!:int RetentionPeriodInDays:int KMSKeyArn } CapacityProviderConfig-{
					LambdaManagedInstancesCapacityProviderConfig!{ CapacityProviderArn! ExecutionEnvironmentMemoryGiBPerVCpu:num
						PerExecutionEnvironmentMaxConcurrency:int } }`),
		check:  checkFunction,
		create: createFunction, update: updateFunction,
		remove: func(ctx context.Context, r Request) error {
			return r.do(ctx, lambda, "DeleteFunction", map[string]any{"FunctionName": r.PhysicalID}, nil)
		},
	},
	&Type{
		Name:       "AWS::Lambda::Permission",
		Attributes: []string{"Id"},
		schema:     parseSchema(`FunctionName!^ Action!^ Principal!^ SourceArn^ SourceAccount^ EventSourceToken^- PrincipalOrgID^- FunctionUrlAuthType^- InvokedViaFunctionUrl^-:bool`),
		create: func(ctx context.Context, r Request) (Result, error) {
			id := r.name(100)
			err := r.do(ctx, lambda, "AddPermission", with(r.Properties, "StatementId", id), nil)
			if r.Resume && is(err, apierr.ResourceConflict) {
				err = nil
			}
			return Result{PhysicalID: id, Attributes: map[string]string{"Id": id}}, err
		},
		remove: func(ctx context.Context, r Request) error {
			return r.do(ctx, lambda, "RemovePermission", map[string]any{"FunctionName": r.Properties["FunctionName"], "StatementId": r.PhysicalID}, nil)
		},
	},
	&Type{
		Name:       "AWS::Lambda::Version",
		Attributes: []string{"Version", "FunctionArn"},
		schema: parseSchema(`FunctionName!^ CodeSha256^ Description^ ProvisionedConcurrencyConfig^-{ ProvisionedConcurrentExecutions!:int }
				RuntimePolicy^-{ UpdateRuntimeOn! RuntimeVersionArn } FunctionScalingConfig-{ MinExecutionEnvironments:int MaxExecutionEnvironments:int }`),
		create: publish,
		remove: func(ctx context.Context, r Request) error {
			return r.do(ctx, lambda, "DeleteFunction", map[string]any{"FunctionName": r.Properties["FunctionName"], "Qualifier": afterColon(r.PhysicalID)}, nil)
		},
	},
	&Type{
		Name:       "AWS::Lambda::Alias",
		Attributes: []string{"AliasArn"},
		schema: parseSchema(`FunctionName!^ Name!^ FunctionVersion! Description
				RoutingConfig{ AdditionalVersionWeights:[]{ FunctionVersion! FunctionWeight!:num } }
				ProvisionedConcurrencyConfig-{ ProvisionedConcurrentExecutions!:int }`),
		create: aliasOperation("CreateAlias"),
		update: aliasOperation("UpdateAlias"),
		remove: func(ctx context.Context, r Request) error {
			return r.do(ctx, lambda, "DeleteAlias", only(r.Properties, "FunctionName", "Name"), nil)
		},
	},
}

// checkFunction refuses what there is no operation for, unless it says what is
// the case anyway.
func checkFunction(p map[string]any) error {
	runtime, _ := p["RuntimeManagementConfig"].(map[string]any)
	for name, is := range map[string]struct{ got, only string }{
		"RuntimeManagementConfig.UpdateRuntimeOn": {str(runtime, "UpdateRuntimeOn"), "Auto"},
		"RecursiveLoop": {str(p, "RecursiveLoop"), "Terminate"},
		"PackageType":   {str(p, "PackageType"), "Zip"},
	} {
		if is.got != "" && is.got != is.only {
			return fmt.Errorf("Property %s can only be %s in this version of Rockpool", name, is.only)
		}
	}
	return nil
}

// functionInput is what CreateFunction takes.
func functionInput(r Request) (map[string]any, error) {
	in := with(r.Properties, "RuntimeManagementConfig", nil, "RecursiveLoop", nil, "Tags", tagMap(r.Properties))
	code, err := packageOf(r.Properties)
	if err != nil {
		return nil, err
	}
	in["Code"] = code
	in["FunctionName"] = orElse(str(r.Properties, "FunctionName"), r.name(64))
	return in, nil
}

// tagMap is a list of tags as Lambda takes it.
func tagMap(properties map[string]any) map[string]any {
	m := map[string]any{}
	tags, _ := properties["Tags"].([]any)
	for _, t := range tags {
		if o, ok := t.(map[string]any); ok {
			m[str(o, "Key")] = str(o, "Value")
		}
	}
	return m
}

// usesModules finds code that only an ES module can have.
var usesModules = regexp.MustCompile(`(?m)^\s*(export\s|import\s+[\w*{'"])`)

// packageOf turns code that is written in the template into a package: one
// file that is called index.
func packageOf(properties map[string]any) (map[string]any, error) {
	code, _ := properties["Code"].(map[string]any)
	text, inline := code["ZipFile"].(string)
	if !inline {
		return code, nil
	}
	name := ""
	switch runtime := str(properties, "Runtime"); {
	case strings.HasPrefix(runtime, "nodejs") && usesModules.MatchString(text):
		name = "index.mjs"
	case strings.HasPrefix(runtime, "nodejs"):
		name = "index.js"
	case strings.HasPrefix(runtime, "python"):
		name = "index.py"
	default:
		return nil, errors.New("ZipFile can only be used when Runtime is set to either of nodejs or python") // CloudFormation's words, nearly
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
	if err == nil {
		_, err = w.Write([]byte(text))
	}
	if err == nil {
		err = z.Close()
	}
	return map[string]any{"ZipFile": b.Bytes()}, err
}

func functionResult(name, arn string) Result {
	return Result{PhysicalID: name, Attributes: map[string]string{"Arn": arn}}
}

type functionAnswer struct{ FunctionName, FunctionArn string }

func createFunction(ctx context.Context, r Request) (Result, error) {
	in, err := functionInput(r)
	if err != nil {
		return Result{}, err
	}
	var out functionAnswer
	err = r.do(ctx, lambda, "CreateFunction", in, &out)
	if r.Resume && is(err, apierr.ResourceConflict) {
		err = r.do(ctx, lambda, "GetFunctionConfiguration", map[string]any{"FunctionName": in["FunctionName"]}, &out)
	}
	return functionResult(out.FunctionName, out.FunctionArn), err
}

// configuration are the members of UpdateFunctionConfiguration.
var configuration = []string{"Role", "Handler", "Description", "Timeout", "MemorySize", "VpcConfig", "Environment", "Runtime", "DeadLetterConfig",
	"KMSKeyArn", "TracingConfig", "Layers", "FileSystemConfigs", "ImageConfig", "EphemeralStorage", "SnapStart", "LoggingConfig"}

// defaults are what a property is when it is taken out of the template.
var defaults = map[string]any{
	"Description": "", "Timeout": 3, "MemorySize": 128, "Environment": map[string]any{"Variables": map[string]any{}}, "EphemeralStorage": map[string]any{"Size": 512},
}

func updateFunction(ctx context.Context, r Request) (Result, error) {
	in, err := functionInput(r)
	if err != nil {
		return Result{}, err
	}
	var out functionAnswer
	if r.Restore || !reflect.DeepEqual(normal(r.Old["Code"]), normal(r.Properties["Code"])) || !reflect.DeepEqual(r.Old["Architectures"], r.Properties["Architectures"]) {
		code, _ := in["Code"].(map[string]any)
		change := with(code, "FunctionName", r.PhysicalID, "Architectures", in["Architectures"])
		if in["Architectures"] == nil {
			change["Architectures"] = []any{"x86_64"}
		}
		if err := r.do(ctx, lambda, "UpdateFunctionCode", change, &out); err != nil {
			return Result{}, err
		}
	}
	change := with(only(in, configuration...), "FunctionName", r.PhysicalID)
	for name, value := range defaults {
		if _, set := change[name]; !set {
			change[name] = value
		}
	}
	if err := r.do(ctx, lambda, "UpdateFunctionConfiguration", change, &out); err != nil {
		return Result{}, err
	}
	return functionResult(r.PhysicalID, out.FunctionArn), retag(ctx, r, out.FunctionArn)
}

// retag makes the tags of a function what they are to be. Other tags than the
// stack's stay.
func retag(ctx context.Context, r Request, arn string) error {
	was, tags := tagMap(r.Old), tagMap(r.Properties)
	gone := []any{}
	for _, k := range slices.Sorted(maps.Keys(was)) {
		if _, still := tags[k]; !still {
			gone = append(gone, k)
		}
	}
	if len(gone) > 0 {
		if err := r.do(ctx, lambda, "UntagResource", map[string]any{"Resource": arn, "TagKeys": gone}, nil); err != nil {
			return err
		}
	}
	if len(tags) == 0 || !r.Restore && reflect.DeepEqual(was, tags) {
		return nil
	}
	return r.do(ctx, lambda, "TagResource", map[string]any{"Resource": arn, "Tags": tags}, nil)
}

// publish makes a version. CloudFormation refuses one that would be the same as
// the last: deleting either resource would delete the version of the other.
func publish(ctx context.Context, r Request) (Result, error) {
	name := r.Properties["FunctionName"]
	there := map[string]bool{}
	for marker := ""; ; {
		in := map[string]any{"FunctionName": name, "MaxItems": 50}
		if marker != "" {
			in["Marker"] = marker
		}
		var out struct {
			Versions   []struct{ Version string }
			NextMarker string
		}
		if err := r.do(ctx, lambda, "ListVersionsByFunction", in, &out); err != nil {
			return Result{}, err
		}
		for _, v := range out.Versions {
			there[v.Version] = true
		}
		if marker = out.NextMarker; marker == "" {
			break
		}
	}
	var out struct{ FunctionArn, Version string }
	if err := r.do(ctx, lambda, "PublishVersion", r.Properties, &out); err != nil {
		return Result{}, err
	}
	arn := out.FunctionArn
	if !strings.HasSuffix(arn, ":"+out.Version) {
		arn += ":" + out.Version
	}
	if there[out.Version] && !(r.Resume && r.claim(arn)) {
		return Result{}, fmt.Errorf("A version for this Lambda function exists ( %s ). Modify the function to create a new version.", out.Version)
	}
	return Result{PhysicalID: arn, Attributes: map[string]string{"Version": out.Version, "FunctionArn": arn}}, nil
}

func aliasOperation(operation string) func(context.Context, Request) (Result, error) {
	return func(ctx context.Context, r Request) (Result, error) {
		// What the template no longer says is no longer so.
		weights := map[string]any{}
		routing, _ := r.Properties["RoutingConfig"].(map[string]any)
		list, _ := routing["AdditionalVersionWeights"].([]any)
		for _, w := range list {
			if o, ok := w.(map[string]any); ok {
				weights[str(o, "FunctionVersion")] = o["FunctionWeight"]
			}
		}
		in := with(r.Properties, "Description", str(r.Properties, "Description"), "RoutingConfig", map[string]any{"AdditionalVersionWeights": weights})
		var out struct{ AliasArn string }
		err := r.do(ctx, lambda, operation, in, &out)
		if r.Resume && is(err, apierr.ResourceConflict) {
			err = r.do(ctx, lambda, "GetAlias", only(in, "FunctionName", "Name"), &out)
		}
		return Result{PhysicalID: out.AliasArn, Attributes: map[string]string{"AliasArn": out.AliasArn}}, err
	}
}
