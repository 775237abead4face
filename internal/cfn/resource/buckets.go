//lint:file-ignore ST1005 The texts are read where CloudFormation's are.

package resource

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
)

const s3 = "s3"

var bucketTypes = []*Type{
	&Type{
		Name: "AWS::S3::Bucket", Attributes: []string{"Arn", "DomainName", "DualStackDomainName", "RegionalDomainName", "WebsiteURL"},
		schema: parseSchema(`
				BucketName^ AccessControl VersioningConfiguration{ Status! }
				BucketEncryption{ ServerSideEncryptionConfiguration!:[]{ BucketKeyEnabled:bool BlockedEncryptionTypes-:any
					ServerSideEncryptionByDefault{ KMSMasterKeyID SSEAlgorithm! } } }
				PublicAccessBlockConfiguration{ BlockPublicAcls:bool BlockPublicPolicy:bool IgnorePublicAcls:bool RestrictPublicBuckets:bool }
				OwnershipControls{ Rules!:[]{ ObjectOwnership } } Tags:[]{ Key! Value! }
				LifecycleConfiguration{ TransitionDefaultMinimumObjectSize- Rules!:[]{ Id Prefix Status! ExpirationDate ExpirationInDays:int
					ExpiredObjectDeleteMarker:bool NoncurrentVersionExpirationInDays:int
					NoncurrentVersionExpiration{ NewerNoncurrentVersions:int NoncurrentDays!:int }
					AbortIncompleteMultipartUpload{ DaysAfterInitiation!:int } ObjectSizeGreaterThan- ObjectSizeLessThan- TagFilters-:[]any
					Transition-:any Transitions-:[]any NoncurrentVersionTransition-:any NoncurrentVersionTransitions-:[]any } }
				AbacStatus- AccelerateConfiguration-:any AnalyticsConfigurations-:[]any BucketNamePrefix-^ BucketNamespace-^ CorsConfiguration-:any
				IntelligentTieringConfigurations-:[]any InventoryConfigurations-:[]any LoggingConfiguration-:any MetadataConfiguration-:any
				MetadataTableConfiguration-:any MetricsConfigurations-:[]any NotificationConfiguration-:any ObjectLockConfiguration-:any
				ObjectLockEnabled-^:bool ReplicationConfiguration-:any WebsiteConfiguration-:any`),
		check:  checkBucket,
		create: createBucket,
		update: func(ctx context.Context, r Request) (Result, error) {
			return r.bucket(r.PhysicalID), r.setBucket(ctx, r.PhysicalID, r.Old)
		},
		remove: func(ctx context.Context, r Request) error {
			return r.do(ctx, s3, "DeleteBucket", map[string]any{"Bucket": r.PhysicalID}, nil)
		},
	},
	&Type{
		Name: "AWS::S3::BucketPolicy", Effect: "Kept and shown; it grants and denies nothing here. Access keys decide who may call this server.",
		schema: parseSchema(`Bucket!^ PolicyDocument!:any`),
		create: putBucketPolicy, update: putBucketPolicy,
		remove: func(ctx context.Context, r Request) error {
			return r.do(ctx, s3, "DeleteBucketPolicy", map[string]any{"Bucket": r.Properties["Bucket"]}, nil)
		},
	},
}

func checkBucket(p map[string]any) error {
	if acl := str(p, "AccessControl"); acl != "" && acl != "Private" {
		return fmt.Errorf("Property AccessControl can only be Private in this version of Rockpool")
	}
	return nil
}

func (r Request) bucket(name string) Result {
	return Result{PhysicalID: name, Attributes: map[string]string{
		"Arn":                 "arn:aws:s3:::" + name,
		"DomainName":          name + ".s3.amazonaws.com",
		"DualStackDomainName": name + ".s3.dualstack." + r.Region + ".amazonaws.com",
		"RegionalDomainName":  name + ".s3." + r.Region + ".amazonaws.com",
		"WebsiteURL":          "http://" + name + ".s3-website-" + r.Region + ".amazonaws.com",
	}}
}

func createBucket(ctx context.Context, r Request) (Result, error) {
	name := orElse(str(r.Properties, "BucketName"), strings.ToLower(r.name(63)))
	res := r.bucket(name)
	err := r.do(ctx, s3, "CreateBucket", map[string]any{"Bucket": name}, nil)
	if is(err, "BucketAlreadyOwnedByYou") && (r.Resume || r.Import) {
		var out struct{ CreationDate float64 }
		if err := r.do(ctx, s3, "HeadBucket", map[string]any{"Bucket": name}, &out); err != nil {
			return Result{}, err
		}
		ours := r.Resume && r.madeSince(out.CreationDate)
		switch {
		case ours:
			err = nil
		case r.Import:
			res.Imported, err = true, r.importable(ctx, name)
		}
	}
	if err != nil {
		return Result{}, err
	}
	return res, r.setBucket(ctx, name, nil)
}

// bucketSettings are the properties of a bucket that operations of their own
// set. input is the member of the operation.
var bucketSettings = []struct {
	property, put, member, remove string
	input                         func(v any) any
}{
	{"VersioningConfiguration", "PutBucketVersioning", "VersioningConfiguration", "", nil},
	{"BucketEncryption", "PutBucketEncryption", "ServerSideEncryptionConfiguration", "DeleteBucketEncryption", encryptionInput},
	{"PublicAccessBlockConfiguration", "PutPublicAccessBlock", "PublicAccessBlockConfiguration", "DeletePublicAccessBlock", nil},
	{"LifecycleConfiguration", "PutBucketLifecycleConfiguration", "LifecycleConfiguration", "DeleteBucketLifecycle", lifecycleInput},
	{"OwnershipControls", "PutBucketOwnershipControls", "OwnershipControls", "DeleteBucketOwnershipControls", nil},
	{"Tags", "PutBucketTagging", "Tagging", "DeleteBucketTagging", func(v any) any { return map[string]any{"TagSet": v} }},
}

// setBucket makes a bucket's settings those of the properties; old is what they
// were.
func (r Request) setBucket(ctx context.Context, name string, old map[string]any) error {
	for _, s := range bucketSettings {
		was, now := old[s.property], r.Properties[s.property]
		if !r.Restore && reflect.DeepEqual(normal(was), normal(now)) || was == nil && now == nil {
			continue
		}
		operation, in := s.put, map[string]any{"Bucket": name}
		switch {
		case now != nil && s.input != nil:
			in[s.member] = s.input(now)
		case now != nil:
			in[s.member] = now
		case s.remove == "": // versioning, once it is on, can only be suspended
			in[s.member] = map[string]any{"Status": "Suspended"}
		default:
			operation = s.remove
		}
		if err := r.do(ctx, s3, operation, in, nil); err != nil {
			return err
		}
	}
	return nil
}

func objects(v any) (list []map[string]any) {
	all, _ := v.([]any)
	for _, e := range all {
		if o, ok := e.(map[string]any); ok {
			list = append(list, o)
		}
	}
	return list
}

func encryptionInput(v any) any {
	m, _ := v.(map[string]any)
	rules := []any{}
	for _, rule := range objects(m["ServerSideEncryptionConfiguration"]) {
		rules = append(rules, with(only(rule, "BucketKeyEnabled"), "ApplyServerSideEncryptionByDefault", rule["ServerSideEncryptionByDefault"]))
	}
	return map[string]any{"Rules": rules}
}

func lifecycleInput(v any) any {
	m, _ := v.(map[string]any)
	rules := []any{}
	for _, rule := range objects(m["Rules"]) {
		out := with(only(rule, "Prefix", "Status", "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"), "ID", rule["Id"])
		if days := rule["NoncurrentVersionExpirationInDays"]; days != nil {
			out["NoncurrentVersionExpiration"] = map[string]any{"NoncurrentDays": days}
		}
		expiration := with(only(rule, "ExpiredObjectDeleteMarker"), "Days", rule["ExpirationInDays"], "Date", rule["ExpirationDate"])
		if len(expiration) > 0 {
			out["Expiration"] = expiration
		}
		rules = append(rules, out)
	}
	return map[string]any{"Rules": rules}
}

func putBucketPolicy(ctx context.Context, r Request) (Result, error) {
	policy, isText := r.Properties["PolicyDocument"].(string)
	if !isText {
		b, err := json.Marshal(r.Properties["PolicyDocument"], json.Deterministic(true))
		if err != nil {
			return Result{}, err
		}
		policy = string(b)
	}
	name := str(r.Properties, "Bucket")
	return Result{PhysicalID: name}, r.do(ctx, s3, "PutBucketPolicy", map[string]any{"Bucket": name, "Policy": policy}, nil)
}
