package resource_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/cfn/resource"
)

// has reports whether got has all that want has; "*" stands for any text but
// the empty one.
func has(got, want any) bool {
	switch want := want.(type) {
	case object:
		g, ok := got.(object)
		for k, v := range want {
			if v == nil {
				_, there := g[k]
				ok = ok && !there
			} else {
				ok = ok && has(g[k], v)
			}
		}
		return ok
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(want) {
			return false
		}
		for i := range want {
			ok = ok && has(g[i], want[i])
		}
		return ok
	case int:
		return got == float64(want)
	}
	return got == want || want == "*" && got != "" && got != nil
}

// version is one state of a resource: its properties, whether getting there
// from the one before is a replacement, and what the API shows then.
type version struct {
	properties string
	replaces   bool
	fails      string // how the update is refused
	shows      object
}

// life is a resource from its creation to its deletion. In properties $POOL and
// $FUNCTION are what it needs.
type life struct {
	typ        string
	attributes []string // that GetAtt must answer with something
	ref        string   // "" is anything
	describe   func(w *world, id string, p map[string]any) (object, error)
	versions   []version
}

func ofPool(operation string) func(*world, string, map[string]any) (object, error) {
	return func(w *world, id string, p map[string]any) (object, error) {
		in := object{"UserPoolId": p["UserPoolId"]}
		in[map[string]string{"DescribeUserPoolClient": "ClientId", "GetGroup": "GroupName", "AdminGetUser": "Username"}[operation]] = id
		return w.describe("cognito-idp", operation, in)
	}
}

func pool(shows object) object   { return object{"UserPool": shows} }
func client(shows object) object { return object{"UserPoolClient": shows} }

var lives = []life{
	{
		typ: "AWS::Cognito::UserPool", attributes: []string{"Arn", "ProviderName", "ProviderURL", "UserPoolId"},
		describe: func(w *world, id string, _ map[string]any) (object, error) {
			return w.describe("cognito-idp", "DescribeUserPool", object{"UserPoolId": id})
		},
		versions: []version{
			{properties: "UserPoolName: people\nUsernameAttributes: [email]\nAutoVerifiedAttributes: [email]\nSchema: [{Name: tenantId, AttributeDataType: String, Mutable: true}]\nUserPoolTags: {team: a}",
				shows: pool(object{"Name": "people", "UsernameAttributes": []any{"email"}, "UserPoolTags": object{"team": "a"}, "MfaConfiguration": "OFF"})},
			{properties: "UserPoolName: persons\nUsernameAttributes: [email]\nSchema: [{Name: tenantId, AttributeDataType: String, Mutable: true}]\nPolicies: {PasswordPolicy: {MinimumLength: '12', RequireSymbols: 'false'}}",
				shows: pool(object{"Name": "persons", "UserPoolTags": object{}, "AutoVerifiedAttributes": nil, "Policies": object{"PasswordPolicy": object{"MinimumLength": 12, "RequireSymbols": false}}})},
			{properties: "UserPoolName: persons\nUsernameAttributes: [email]\nSchema: [{Name: tenantId, AttributeDataType: String, Mutable: true}, {Name: level, AttributeDataType: Number}]\nDeletionProtection: INACTIVE",
				shows: pool(object{"Policies": object{"PasswordPolicy": object{"MinimumLength": 8}}})},
			{properties: "UserPoolName: persons\nUsernameAttributes: [phone_number]\nSchema: [{Name: tenantId, AttributeDataType: String, Mutable: true}, {Name: level, AttributeDataType: Number}]",
				fails: "Updates are not allowed for property - UsernameAttributes."},
			{properties: "UserPoolName: persons\nUsernameAttributes: [email]\nSchema: [{Name: tenantId, AttributeDataType: String, Mutable: true}]",
				fails: "Existing schema attributes cannot be modified or deleted."},
			{properties: "UserPoolName: persons\nUsernameAttributes: [email]\nSchema: [{Name: tenantId, AttributeDataType: String, Mutable: false}, {Name: level, AttributeDataType: Number}]",
				fails: "Existing schema attributes cannot be modified or deleted."},
			{properties: "UserPoolName: persons\nUsernameAttributes: [email]\nSchema: [{Name: tenantId, AttributeDataType: String, Mutable: true}, {Name: level, AttributeDataType: Number}, {Name: email, AttributeDataType: String}]",
				fails: "Existing schema attributes cannot be modified or deleted."},
		},
	},
	{
		typ: "AWS::Cognito::UserPoolClient", attributes: []string{"ClientId", "Name"}, describe: ofPool("DescribeUserPoolClient"),
		versions: []version{
			{properties: "UserPoolId: $POOL\nClientName: web\nAccessTokenValidity: 30\nTokenValidityUnits: {AccessToken: minutes}\nReadAttributes: [email]\nWriteAttributes: [email]",
				shows: client(object{"ClientName": "web", "ClientSecret": nil, "AccessTokenValidity": 30, "ReadAttributes": []any{"email"}})},
			{properties: "UserPoolId: $POOL\nExplicitAuthFlows: [ALLOW_USER_PASSWORD_AUTH]\nPreventUserExistenceErrors: ENABLED",
				shows: client(object{"ClientName": "*", "ReadAttributes": nil, "WriteAttributes": nil, "PreventUserExistenceErrors": "ENABLED", "ExplicitAuthFlows": []any{"ALLOW_USER_PASSWORD_AUTH"}})},
			{properties: "UserPoolId: $POOL\nGenerateSecret: true", replaces: true, shows: client(object{"ClientSecret": "*"})},
		},
	},
	{
		typ: "AWS::Cognito::UserPoolGroup", ref: "staff", describe: ofPool("GetGroup"),
		versions: []version{
			{properties: "UserPoolId: $POOL\nGroupName: staff\nPrecedence: 10\nDescription: all", shows: object{"Group": object{"GroupName": "staff", "Precedence": 10, "Description": "all"}}},
			{properties: "UserPoolId: $POOL\nGroupName: staff\nPrecedence: 1\nDescription: some\nRoleArn: arn:aws:iam::000000000000:role/x", shows: object{"Group": object{"Precedence": 1, "Description": "some", "RoleArn": "*"}}},
			{properties: "UserPoolId: $POOL\nGroupName: crew", replaces: true, shows: object{"Group": object{"GroupName": "crew", "Precedence": nil}}},
			{properties: "UserPoolId: $POOL", replaces: true, shows: object{"Group": object{"GroupName": "*"}}},
		},
	},
	{
		typ: "AWS::Cognito::UserPoolUser", ref: "jane", describe: ofPool("AdminGetUser"),
		versions: []version{
			{properties: "UserPoolId: $POOL\nUsername: jane\nMessageAction: SUPPRESS\nUserAttributes: [{Name: email, Value: jane@example.com}]", shows: object{"Username": "jane", "UserStatus": "FORCE_CHANGE_PASSWORD"}},
			{properties: "UserPoolId: $POOL\nUsername: mary\nMessageAction: SUPPRESS", replaces: true, shows: object{"Username": "mary"}},
		},
	},
	{
		typ: "AWS::Cognito::UserPoolUserToGroupAttachment",
		describe: func(w *world, _ string, p map[string]any) (object, error) {
			out, err := w.describe("cognito-idp", "AdminListGroupsForUser", object{"UserPoolId": p["UserPoolId"], "Username": p["Username"]})
			if groups, _ := out["Groups"].([]any); err == nil && len(groups) == 0 {
				err = apierr.New(apierr.ResourceNotFound, "in no group")
			}
			return out, err
		},
		versions: []version{
			{properties: "UserPoolId: $POOL\nGroupName: one\nUsername: bob", shows: object{"Groups": []any{object{"GroupName": "one"}}}},
			{properties: "UserPoolId: $POOL\nGroupName: two\nUsername: bob", replaces: true, shows: object{"Groups": []any{object{"GroupName": "one"}, object{"GroupName": "two"}}}},
		},
	},
	{
		typ: "AWS::Lambda::Function", ref: "claims", attributes: []string{"Arn"},
		describe: func(w *world, id string, _ map[string]any) (object, error) {
			out, err := w.describe("lambda", "GetFunction", object{"FunctionName": id})
			c, _ := out["Configuration"].(object)
			if tags, ok := out["Tags"].(object); ok && err == nil {
				c["Tags"] = tags
			}
			return c, err
		},
		versions: []version{
			{properties: "FunctionName: claims\nRuntime: nodejs22.x\nHandler: index.handler\nRole: arn:aws:iam::000000000000:role/x\nCode: {ZipFile: 'exports.handler = async (e) => e'}\nTimeout: 10\nMemorySize: 256\nDescription: a\nEnvironment: {Variables: {AB: '1'}}\nArchitectures: [arm64]",
				shows: object{"FunctionName": "claims", "Timeout": 10, "MemorySize": 256, "Description": "a", "Environment": object{"Variables": object{"AB": "1"}}, "Architectures": []any{"arm64"}, "Handler": "index.handler"}},
			{properties: "FunctionName: claims\nRuntime: python3.12\nHandler: index.handler\nRole: arn:aws:iam::000000000000:role/y\nCode: {ZipFile: 'def handler(e, c): return e'}\nEphemeralStorage: {Size: 1024}",
				shows: object{"Timeout": 3, "MemorySize": 128, "Description": "", "Environment": nil, "Architectures": []any{"x86_64"}, "Runtime": "python3.12", "Role": "arn:aws:iam::000000000000:role/y", "EphemeralStorage": object{"Size": 1024}}},
			{properties: "FunctionName: claims\nRuntime: python3.12\nHandler: index.handler\nRole: arn:aws:iam::000000000000:role/y\nCode: {ZipFile: 'def handler(e, c): return e'}\nTags: [{Key: a, Value: b}, {Key: c, Value: d}]",
				shows: object{"Tags": object{"a": "b", "c": "d"}}},
			{properties: "FunctionName: claims\nRuntime: python3.12\nHandler: index.handler\nRole: arn:aws:iam::000000000000:role/y\nCode: {ZipFile: 'def handler(e, c): return e'}\nTags: [{Key: c, Value: e}]",
				shows: object{"Tags": object{"a": nil, "c": "e"}}},
			{properties: "FunctionName: claims\nRuntime: python3.12\nHandler: index.handler\nRole: arn:aws:iam::000000000000:role/y\nCode: {ZipFile: 'def handler(e, c): return e'}\nTags: [{Key: 'aws:c', Value: e}]",
				fails: "Tag keys cannot begin with aws:"},
			{properties: "FunctionName: other\nRuntime: nodejs22.x\nHandler: index.handler\nRole: arn:aws:iam::000000000000:role/y\nCode: {ZipFile: 'export const handler = async (e) => e'}\nRuntimeManagementConfig: {UpdateRuntimeOn: Auto}", replaces: true,
				shows: object{"FunctionName": "other", "EphemeralStorage": object{"Size": 512}}},
		},
	},
	{
		typ: "AWS::Lambda::Permission", attributes: []string{"Id"},
		describe: func(w *world, id string, p map[string]any) (object, error) {
			out, err := w.describe("lambda", "GetPolicy", object{"FunctionName": p["FunctionName"]})
			if text, _ := out["Policy"].(string); err == nil && !strings.Contains(text, id) {
				err = apierr.New(apierr.ResourceNotFound, "no such statement")
			}
			return out, err
		},
		versions: []version{
			{properties: "FunctionName: $FUNCTION\nAction: lambda:InvokeFunction\nPrincipal: cognito-idp.amazonaws.com\nSourceArn: arn:aws:cognito-idp:eu-central-1:000000000000:userpool/eu-central-1_a", shows: object{"Policy": "*"}},
			{properties: "FunctionName: $FUNCTION\nAction: lambda:InvokeFunction\nPrincipal: cognito-idp.amazonaws.com\nSourceAccount: '000000000000'", replaces: true, shows: object{"Policy": "*"}},
		},
	},
	{
		typ: "AWS::Lambda::Version", attributes: []string{"Version", "FunctionArn"},
		describe: func(w *world, id string, p map[string]any) (object, error) {
			return w.describe("lambda", "GetFunctionConfiguration", object{"FunctionName": id})
		},
		versions: []version{
			{properties: "FunctionName: $FUNCTION\nDescription: first", shows: object{"Version": "1", "Description": "first"}},
			{properties: "FunctionName: $FUNCTION\nDescription: second", replaces: true, shows: object{"Version": "2", "Description": "second"}},
		},
	},
	{
		typ: "AWS::Lambda::Alias", attributes: []string{"AliasArn"},
		describe: func(w *world, _ string, p map[string]any) (object, error) {
			return w.describe("lambda", "GetAlias", object{"FunctionName": p["FunctionName"], "Name": p["Name"]})
		},
		versions: []version{
			{properties: "FunctionName: $PUBLISHED\nName: live\nFunctionVersion: '1'\nDescription: x\nRoutingConfig: {AdditionalVersionWeights: [{FunctionVersion: '2', FunctionWeight: 0.25}]}",
				shows: object{"FunctionVersion": "1", "Description": "x", "RoutingConfig": object{"AdditionalVersionWeights": object{"2": 0.25}}}},
			{properties: "FunctionName: $PUBLISHED\nName: live\nFunctionVersion: '2'", shows: object{"FunctionVersion": "2", "Description": "", "RoutingConfig": nil}},
			{properties: "FunctionName: $PUBLISHED\nName: next\nFunctionVersion: '2'", replaces: true, shows: object{"Name": "next"}},
		},
	},
	{
		typ: "AWS::SSM::Parameter", ref: "/cdk/version", attributes: []string{"Type", "Value", "Arn"},
		describe: func(w *world, id string, _ map[string]any) (object, error) {
			out, err := w.describe("ssm", "GetParameter", object{"Name": id})
			if err != nil {
				return nil, err
			}
			tags, err := w.describe("ssm", "ListTagsForResource", object{"ResourceType": "Parameter", "ResourceId": id})
			out["TagList"] = tags["TagList"]
			return out, err
		},
		versions: []version{
			{properties: "Name: /cdk/version\nType: String\nValue: '32'\nTags: {a: x, b: y}", shows: object{"Parameter": object{"Value": "32", "Type": "String"}, "TagList": []any{object{"Key": "a"}, object{"Key": "b"}}}},
			{properties: "Name: /cdk/version\nType: String\nValue: '33'\nTags: {b: z}", shows: object{"Parameter": object{"Value": "33"}, "TagList": []any{object{"Key": "b", "Value": "z"}}}},
			{properties: "Type: String\nValue: '33'", replaces: true, shows: object{"Parameter": object{"Name": "*"}}},
		},
	},
	{
		typ: "AWS::S3::Bucket", ref: "assets", attributes: []string{"Arn", "DomainName", "DualStackDomainName", "RegionalDomainName", "WebsiteURL"},
		describe: describeBucket,
		versions: []version{
			{properties: "BucketName: assets\nAccessControl: Private\nVersioningConfiguration: {Status: Enabled}\nTags: [{Key: a, Value: b}]\n" +
				"BucketEncryption: {ServerSideEncryptionConfiguration: [{ServerSideEncryptionByDefault: {SSEAlgorithm: 'aws:kms'}}]}\n" +
				"PublicAccessBlockConfiguration: {BlockPublicAcls: 'true', BlockPublicPolicy: false}\n" +
				"OwnershipControls: {Rules: [{ObjectOwnership: BucketOwnerPreferred}]}\n" +
				"LifecycleConfiguration: {Rules: [{Id: old, Status: Enabled, NoncurrentVersionExpiration: {NoncurrentDays: 30}}, {Id: parts, Status: Enabled, AbortIncompleteMultipartUpload: {DaysAfterInitiation: 1}}]}",
				shows: object{
					"Versioning": object{"Status": "Enabled"}, "Tagging": object{"TagSet": []any{object{"Key": "a", "Value": "b"}}},
					"Encryption":        object{"Rules": []any{object{"ApplyServerSideEncryptionByDefault": object{"SSEAlgorithm": "aws:kms"}}}},
					"PublicAccessBlock": object{"BlockPublicAcls": true, "BlockPublicPolicy": false, "IgnorePublicAcls": nil},
					"Ownership":         object{"Rules": []any{object{"ObjectOwnership": "BucketOwnerPreferred"}}},
					"Lifecycle": object{"Rules": []any{
						object{"ID": "old", "NoncurrentVersionExpiration": object{"NoncurrentDays": 30}},
						object{"ID": "parts", "AbortIncompleteMultipartUpload": object{"DaysAfterInitiation": 1}},
					}},
				}},
			{properties: "BucketName: assets", shows: object{
				"Versioning": object{"Status": "Suspended"}, "Tagging": nil, "Lifecycle": nil,
				"Encryption":        object{"Rules": []any{object{"ApplyServerSideEncryptionByDefault": object{"SSEAlgorithm": "AES256"}}}},
				"PublicAccessBlock": object{"IgnorePublicAcls": true},
			}},
			{properties: "BucketName: assets\nBucketEncryption: {ServerSideEncryptionConfiguration: [{ServerSideEncryptionByDefault: {SSEAlgorithm: 'aws:kms', KMSMasterKeyID: mine}}]}",
				fails: "KMSMasterKeyID"},
			{properties: "VersioningConfiguration: {Status: Enabled}", replaces: true, shows: object{"Versioning": object{"Status": "Enabled"}}},
		},
	},
	{
		typ: "AWS::S3::BucketPolicy", ref: "bucket-of-one",
		describe: func(w *world, id string, _ map[string]any) (object, error) {
			return w.describe("s3", "GetBucketPolicy", object{"Bucket": id})
		},
		versions: []version{
			{properties: "Bucket: bucket-of-one\nPolicyDocument: {Statement: [{Effect: Deny, Principal: '*'}]}", shows: object{"Policy": `{"Statement":[{"Effect":"Deny","Principal":"*"}]}`}},
			{properties: "Bucket: bucket-of-one\nPolicyDocument: {Statement: []}", shows: object{"Policy": `{"Statement":[]}`}},
			{properties: "Bucket: bucket-of-two\nPolicyDocument: {Statement: []}", replaces: true, shows: object{"Policy": `{"Statement":[]}`}},
		},
	},
	{typ: "AWS::IAM::Role", attributes: []string{"Arn", "RoleId"}, versions: []version{
		{properties: "AssumeRolePolicyDocument: {Statement: [{Effect: Allow}]}"}, {properties: "AssumeRolePolicyDocument: {}\nManagedPolicyArns: [a]"}, {properties: "AssumeRolePolicyDocument: {}\nRoleName: r", replaces: true}}},
	{typ: "AWS::IAM::Policy", attributes: []string{"Id"}, versions: []version{
		{properties: "PolicyName: p\nPolicyDocument: {}"}, {properties: "PolicyName: q\nPolicyDocument: {}\nRoles: [r]"}}},
	{typ: "AWS::IAM::ManagedPolicy", attributes: []string{"PolicyArn", "PolicyId"}, ref: "arn:aws:iam::000000000000:policy/team/p", versions: []version{
		{properties: "ManagedPolicyName: p\nPath: /team/\nPolicyDocument: {}"}, {properties: "ManagedPolicyName: p\nPath: /team/\nPolicyDocument: {A: 1}"}, {properties: "PolicyDocument: {A: 1}", replaces: true}}},
	{typ: "AWS::Logs::LogGroup", attributes: []string{"Arn"}, ref: "/aws/lambda/x", versions: []version{
		{properties: "LogGroupName: /aws/lambda/x"}, {properties: "LogGroupName: /aws/lambda/x\nRetentionInDays: 7"}, {properties: "RetentionInDays: 7", replaces: true}}},
	{typ: "AWS::ECR::Repository", attributes: []string{"Arn", "RepositoryUri"}, ref: "images", versions: []version{
		{properties: "RepositoryName: images"}, {properties: "RepositoryName: images\nImageTagMutability: IMMUTABLE"}, {properties: "ImageTagMutability: IMMUTABLE", replaces: true}}},
	{typ: "AWS::CDK::Metadata", versions: []version{{properties: "Analytics: v2"}, {properties: "Analytics: v3"}}},
}

// describeBucket puts together what the settings' operations show.
func describeBucket(w *world, id string, _ map[string]any) (object, error) {
	if _, err := w.describe("s3", "HeadBucket", object{"Bucket": id}); err != nil {
		return nil, err
	}
	all := object{}
	for name, operation := range map[string]string{
		"Versioning": "GetBucketVersioning", "Encryption": "GetBucketEncryption", "PublicAccessBlock": "GetPublicAccessBlock",
		"Lifecycle": "GetBucketLifecycleConfiguration", "Tagging": "GetBucketTagging", "Ownership": "GetBucketOwnershipControls",
	} {
		out, err := w.describe("s3", operation, object{"Bucket": id})
		if err == nil {
			for k := range out { // the one member that has the setting
				if nested, ok := out[k].(object); ok && len(out) == 1 {
					out = nested
				}
			}
			all[name] = out
		}
	}
	return all, nil
}

// TestLives takes a resource of every type through its versions, by the same
// steps as a stack, and looks at it through the API after each.
func TestLives(t *testing.T) {
	w := newWorld(t)
	poolID := w.must("cognito-idp", "CreateUserPool", object{"PoolName": "p"})["UserPool"].(object)["Id"].(string)
	for _, name := range []string{"one", "two"} {
		w.must("s3", "CreateBucket", object{"Bucket": "bucket-of-" + name})
		w.must("cognito-idp", "CreateGroup", object{"UserPoolId": poolID, "GroupName": name})
	}
	w.must("cognito-idp", "AdminCreateUser", object{"UserPoolId": poolID, "Username": "bob", "MessageAction": "SUPPRESS"})
	functionType := lookup(t, "AWS::Lambda::Function")
	for _, name := range []string{"plain", "published"} {
		r := w.request(name)
		r.Properties = check(t, functionType, "FunctionName: "+name+"\nRuntime: nodejs22.x\nHandler: index.handler\nRole: arn:aws:iam::000000000000:role/x\nCode: {ZipFile: 'exports.handler = async (e) => e'}")
		if _, err := functionType.Create(w.ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{"a", "b"} {
		w.must("lambda", "PublishVersion", object{"FunctionName": "published", "Description": d})
	}
	needs := strings.NewReplacer("$POOL", poolID, "$FUNCTION", "plain", "$PUBLISHED", "published")

	var seen []string
	for _, l := range lives {
		seen = append(seen, l.typ)
		t.Run(l.typ, func(t *testing.T) {
			typ := lookup(t, l.typ)
			if l.describe == nil {
				l.describe = func(*world, string, map[string]any) (object, error) { return object{}, nil }
				if typ.Effect == "" && l.typ != "AWS::CDK::Metadata" {
					t.Error("nothing says that it is only kept")
				}
			}
			r := w.request("X")
			for i, v := range l.versions {
				p := check(t, typ, needs.Replace(v.properties))
				old := r
				r.Old, r.Properties = r.Properties, p
				change := typ.Change(r.Old, p)
				var got resource.Result
				var err error
				if i > 0 && change.Replaces != v.replaces {
					t.Fatalf("version %d: a replacement: %v, by %v; want %v", i, change.Replaces, change.ReplacedBy, v.replaces)
				}
				if i == 0 || v.replaces {
					r.PhysicalID = ""
					r.Generation++
					got, err = typ.Create(w.ctx, r)
				} else {
					got, err = typ.Update(w.ctx, r)
				}
				if v.fails != "" {
					if err == nil || !strings.Contains(err.Error(), v.fails) {
						t.Fatalf("version %d: %v, want %s", i, err, v.fails)
					}
					r = old
					continue
				}
				if err != nil {
					t.Fatalf("version %d: %v", i, err)
				}
				if i > 0 && !v.replaces && got.PhysicalID != r.PhysicalID {
					t.Errorf("version %d has the id %s, it was %s", i, got.PhysicalID, r.PhysicalID)
				}
				if i == 0 && l.ref != "" && got.PhysicalID != l.ref {
					t.Errorf("Ref is %q, want %q", got.PhysicalID, l.ref)
				}
				if l.ref == "" && got.PhysicalID == "" {
					t.Error("Ref is empty")
				}
				for _, a := range l.attributes {
					if got.Attributes[a] == "" || !typ.HasAttribute(a) {
						t.Errorf("version %d: GetAtt %s is %q", i, a, got.Attributes[a])
					}
				}
				for a := range got.Attributes {
					if !typ.HasAttribute(a) {
						t.Errorf("version %d: attribute %s is not in the table", i, a)
					}
				}
				r.PhysicalID = got.PhysicalID
				shown, err := l.describe(w, r.PhysicalID, p)
				if err != nil || !has(shown, v.shows) {
					t.Errorf("version %d: the API shows %v, %v; want %v", i, shown, err, v.shows)
				}
				if v.replaces { // as the clean-up of a stack does
					if err := typ.Delete(w.ctx, old); err != nil {
						t.Errorf("delete what was replaced: %v", err)
					}
				}
			}
			for range 2 { // the second time it is gone already
				if err := typ.Delete(w.ctx, r); err != nil {
					t.Errorf("Delete: %v", err)
				}
			}
			if typ.Effect == "" && l.typ != "AWS::CDK::Metadata" {
				if shown, err := l.describe(w, r.PhysicalID, r.Properties); err == nil {
					t.Errorf("after its deletion the API shows %v", shown)
				}
			}
		})
	}
	// They live with a stack only: package cfn tests them.
	seen = append(seen, "AWS::CloudFormation::WaitCondition", "AWS::CloudFormation::WaitConditionHandle")
	slices.Sort(seen)
	if !slices.Equal(seen, resource.Names()) {
		t.Errorf("lives of %v, want those of %v", seen, resource.Names())
	}
}
