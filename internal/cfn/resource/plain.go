package resource

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// Types that are what their stack says of them, and nothing more: a name and an
// ARN, by which tools refer to them. Effect says so to whoever looks.

const (
	noIAM      = "Kept and shown; it grants and denies nothing here. Functions have no rights at AWS, and access keys decide who may call this server."
	noLogs     = "Kept and shown; retention is not applied here. Functions log to the server's own log, which has limits of its own."
	noRegistry = "Kept and shown; there is no image registry here that anything could be pushed to."
)

var plainTypes = []*Type{
	kept(Type{
		Name: "AWS::IAM::Role", Effect: noIAM, Attributes: []string{"Arn", "RoleId"},
		schema: parseSchema(`AssumeRolePolicyDocument!:any Description ManagedPolicyArns:[] MaxSessionDuration:int Path^ PermissionsBoundary
				Policies:[]{ PolicyDocument!:any PolicyName! } RoleName^ Tags:[]{ Key! Value! }`),
	}, func(r Request) Result {
		name := r.named("RoleName", 64)
		return Result{PhysicalID: name, Attributes: map[string]string{"Arn": r.iamARN("role", name), "RoleId": "AROA" + r.letters(17)}}
	}),
	kept(Type{
		Name: "AWS::IAM::Policy", Effect: noIAM, Attributes: []string{"Id"},
		schema: parseSchema(`Groups:[] PolicyDocument!:any PolicyName! Roles:[] Users:[]`),
	}, func(r Request) Result {
		id := orElse(r.PhysicalID, r.name(128))
		return Result{PhysicalID: id, Attributes: map[string]string{"Id": id}}
	}),
	kept(Type{
		Name: "AWS::IAM::ManagedPolicy", Effect: noIAM, Attributes: []string{"PolicyArn", "PolicyId"},
		schema: parseSchema(`Description^ Groups:[] ManagedPolicyName^ Path^ PolicyDocument!:any Roles:[] Users:[]`),
	}, func(r Request) Result {
		arn := orElse(r.PhysicalID, r.iamARN("policy", orElse(str(r.Properties, "ManagedPolicyName"), r.name(128))))
		return Result{PhysicalID: arn, Attributes: map[string]string{"PolicyArn": arn, "PolicyId": "ANPA" + r.letters(17)}}
	}),
	kept(Type{
		Name: "AWS::Logs::LogGroup", Effect: noLogs, Attributes: []string{"Arn"},
		schema: parseSchema(`LogGroupName^ RetentionInDays:int KmsKeyId- LogGroupClass DataProtectionPolicy-:any FieldIndexPolicies-:[]any
				ResourcePolicyDocument-:any Tags:[]{ Key! Value! } DeletionProtectionEnabled-:bool BearerTokenAuthenticationEnabled-:bool`),
	}, func(r Request) Result {
		name := r.named("LogGroupName", 512)
		return Result{PhysicalID: name, Attributes: map[string]string{"Arn": "arn:aws:logs:" + r.Region + ":" + r.Account + ":log-group:" + name + ":*"}}
	}),
	kept(Type{
		Name: "AWS::ECR::Repository", Effect: noRegistry, Attributes: []string{"Arn", "RepositoryUri"},
		schema: parseSchema(`RepositoryName^ EmptyOnDelete:bool EncryptionConfiguration^{ EncryptionType! KmsKey } ImageScanningConfiguration{ ScanOnPush:bool }
				ImageTagMutability ImageTagMutabilityExclusionFilters:[]{ ImageTagMutabilityExclusionFilterType! ImageTagMutabilityExclusionFilterValue! }
				LifecyclePolicy{ LifecyclePolicyText RegistryId } RepositoryPolicyText:any Tags:[]{ Key! Value! }`),
	}, func(r Request) Result {
		name := strings.ToLower(r.named("RepositoryName", 256))
		return Result{PhysicalID: name, Attributes: map[string]string{
			"Arn":           "arn:aws:ecr:" + r.Region + ":" + r.Account + ":repository/" + name,
			"RepositoryUri": r.Account + ".dkr.ecr." + r.Region + ".amazonaws.com/" + name,
		}}
	}),
	// What the CDK puts into every stack to count its own users.
	kept(Type{Name: "AWS::CDK::Metadata", schema: parseSchema("Analytics")}, func(r Request) Result {
		return Result{PhysicalID: orElse(r.PhysicalID, r.name(128))}
	}),
}

// kept makes a type of which identify says all there is.
func kept(t Type, identify func(Request) Result) *Type {
	t.create = func(_ context.Context, r Request) (Result, error) { return identify(r), nil }
	t.update = t.create
	return &t
}

// named is the name that the resource has, that its property gives it or that
// is made up.
func (r Request) named(property string, limit int) string {
	return orElse(r.PhysicalID, str(r.Properties, property), r.name(limit))
}

func (r Request) iamARN(kind, name string) string {
	return "arn:aws:iam::" + r.Account + ":" + kind + orElse(str(r.Properties, "Path"), "/") + name
}

// letters are letters and digits that no other resource has.
func (r Request) letters(n int) string {
	sum := sha256.Sum256([]byte("id\x00" + r.name(256)))
	return base32.StdEncoding.EncodeToString(sum[:])[:n]
}
